"""Leased RTP/RTCP port pairs."""

from __future__ import annotations

import itertools
from collections import deque

from media.errors import PortsExhausted


def shares(ports: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Return the ranges, as equal as can be, into which ``count`` workers divide the pairs of a range."""
    even = ports[0] + ports[0] % 2
    pairs = range(even, ports[1], 2)
    borders = [even + 2 * (len(pairs) * worker // count) for worker in range(count + 1)]
    return [(first, last - 1) for first, last in itertools.pairwise(borders)]


class PortLeases:
    """Even RTP ports of a range, each with the odd one above it for RTCP (RFC 3550 §11).

    The longest unused port is leased first, so that a straggler of the last call is not heard in the next.
    One that was only just given back is leased all the same before a caller is refused.
    """

    def __init__(self, first: int, last: int) -> None:
        """Take the pairs that lie wholly within ``first`` and ``last``, both included."""
        even = first + first % 2
        self._free = deque(range(even, last, 2))
        self.total = len(self._free)

    @property
    def leased(self) -> int:
        """Pairs in use."""
        return self.total - len(self._free)

    def lease(self) -> int:
        """Return an even port.

        Raises:
            PortsExhausted: all are in use.
        """
        if not self._free:
            raise PortsExhausted(f"all {self.total} RTP port pairs are in use; widen `ports` of [rtp]")
        return self._free.popleft()

    def take(self, port: int) -> bool:
        """Lease ``port`` itself, however short its rest was; return whether it was to be had."""
        if port not in self._free:
            return False
        self._free.remove(port)
        return True

    def give_back(self, port: int) -> None:
        """Let ``port`` be leased again, after all others."""
        self._free.append(port)
