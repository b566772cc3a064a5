"""Which addresses did not serve us a moment ago, so that others are tried first (RFC 3263 §4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from b2bua.sip.causes import OF_THE_CALLED, telephone_cause
from b2bua.sip.message import Response
from b2bua.sip.transport.hop import Hop

DEAD_FOR_S = 60.0
"""Then it is tried again as if nothing had been."""
LONGEST_DEAD_S = 600.0
"""A Retry-After beyond that is not believed: the provider's trouble may be over long before."""
MOST_DEAD = 4096


class DeadTargets:
    """Remembers failures (silence, transport error, 503) until their time is over or the hop answers."""

    def __init__(self) -> None:
        self._until: dict[Hop, float] = {}

    def judge(self, hop: Hop, response: Response, *, now: float) -> None:
        """Note what a final response of ``hop``, or a local one in its stead, says about it."""
        if _is_unable(response) or (response.is_local and response.status == 408):
            self.note(hop, now=now, seconds=_retry_after(response))
        elif self._until:
            self._until.pop(hop, None)

    def note(self, hop: Hop, *, now: float, seconds: float = DEAD_FOR_S) -> None:
        """Try ``hop`` last for ``seconds``."""
        if len(self._until) >= MOST_DEAD:
            self._until = {dead: until for dead, until in self._until.items() if until > now}
        if len(self._until) < MOST_DEAD:
            self._until[hop] = now + min(seconds, LONGEST_DEAD_S)

    def is_dead(self, hop: Hop, *, now: float) -> bool:
        """Return whether ``hop`` failed lately."""
        return self._until.get(hop, now) > now

    def last(self, hops: Sequence[Hop], *, now: float) -> list[Hop]:
        """Return ``hops`` in their order, the dead ones behind the others."""
        return sorted(hops, key=lambda hop: self.is_dead(hop, now=now))


def _is_unable(response: Response) -> bool:
    """Return whether it is the server that cannot serve, and not whoever it has called."""
    return response.status == 503 and telephone_cause(response.headers.all("Reason")) not in OF_THE_CALLED


def _retry_after(response: Response) -> float:
    """Return the seconds that a 503 asks for (RFC 3261 §21.5.4)."""
    digits = (response.headers.get("Retry-After") or "").split(";")[0].split("(")[0].strip()
    is_number = digits.isascii() and digits.isdecimal() and len(digits) < 10
    return float(digits) if is_number else DEAD_FOR_S
