"""What ``sips:`` asks of the way to whoever is rung (RFC 3261 §26.2.2, RFC 5630 §5.3): TLS, or no way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from b2bua.call.callee import Dial, Reached
from b2bua.sip.transport.hop import Hop

NO_TLS = "the call needs TLS (sips:), and there is no such way"
"""Why somebody is not rung, for the journal."""
SIPS_NOT_ALLOWED = ("Warning", '380 b2bua "SIPS Not Allowed"')
"""What a caller by ``sips:`` is told whom nobody could be rung for (RFC 5630 §5.3)."""


def is_sips(uri: str) -> bool:
    """Return whether a URI asks for TLS on every hop."""
    return uri[:5].lower() == "sips:"


def secured(reached: Reached, *, needs_tls: bool, has_way: Callable[[Hop], bool]) -> Reached:
    """Return what may be rung: with ``needs_tls``, and of ``sips:`` in any case, by TLS alone.

    ``has_way`` says whether we have a transport to a hop.
    """
    dials = tuple(
        found for dial in reached.dials if (found := _secured(dial, needs_tls=needs_tls, has_way=has_way))
    )
    return reached if dials == reached.dials else replace(reached, dials=dials, why_not=NO_TLS)


def _secured(dial: Dial, *, needs_tls: bool, has_way: Callable[[Hop], bool]) -> Dial | None:
    if not (needs_tls or is_sips(dial.uri)):
        return dial
    hops = [hop for hop in (dial.hop, *dial.more_hops) if hop.is_secure and has_way(hop)]
    if not hops:
        return None
    may_be_sent_on = dial.most_redirects if is_sips(dial.uri) else 0  # what a 3xx names need not be sips:
    return replace(dial, hop=hops[0], more_hops=tuple(hops[1:]), most_redirects=may_be_sent_on)
