"""Which of our transports a message to a peer goes by."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.sip.transport.addressing import WILDCARDS, source_address
from b2bua.sip.transport.hop import Hop, Transport

MOST_HEARD = 10_000


class Transports:
    """All that we have, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[Transport] = []
        self._alike: dict[tuple[str, bool], list[Transport]] = {}
        self._heard: dict[Hop, Transport] = {}
        self._is_ambiguous = False

    def __iter__(self) -> Iterator[Transport]:
        return iter(self._all)

    def add(self, transport: Transport) -> None:
        """Use it from now on."""
        self._all.append(transport)
        alike = self._alike.setdefault(_kind(transport.local), [])
        alike.append(transport)
        self._is_ambiguous = self._is_ambiguous or len(alike) > 1

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()
        self._alike.clear()
        self._heard.clear()

    def heard(self, source: Hop, transport: Transport) -> None:
        """Note by which of several alike a peer reaches us: its NAT lets in only what comes from there."""
        if not self._is_ambiguous or self._heard.get(source) is transport:
            return
        if len(self._heard) >= MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        self._heard[source] = transport

    def toward(self, hop: Hop) -> Transport | None:
        """Return the transport that reaches ``hop``, or None.

        Among several: the one with a connection to it, the one it was heard by, the one on the address that
        the kernel would send from, one on every address, the first.
        """
        able = self._alike.get(_kind(hop), ())
        if len(able) < 2:
            return able[0] if able else None
        if hop.is_reliable and (connected := [one for one in able if one.is_connected(hop)]):
            return connected[0]
        if (heard := self._heard.get(hop)) in able:
            return heard
        source = source_address(hop)
        return min(able, key=lambda one: (one.local.host != source, one.local.host not in WILDCARDS))


def _kind(hop: Hop) -> tuple[str, bool]:
    """Return protocol and family of an address: a transport reaches those of its own kind."""
    return hop.transport, ":" in hop.host
