"""Leased RTP/RTCP port pairs."""

from __future__ import annotations

import itertools
from collections import deque

from media.errors import PortsExhausted

REST_SECONDS = 5.0


def shares(ports: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Return the ranges, as equal as can be, into which ``count`` workers divide the pairs of a range."""
    even = ports[0] + ports[0] % 2
    pairs = range(even, ports[1], 2)
    borders = [even + 2 * (len(pairs) * worker // count) for worker in range(count + 1)]
    return [(first, last - 1) for first, last in itertools.pairwise(borders)]


class PortLeases:
    """Even RTP ports of a range, each with the odd one above it for RTCP (RFC 3550 §11).

    A port that was given back rests a while, so that a straggler of the last call is not heard in the next.
    The longest unused port is leased first.
    """

    def __init__(self, first: int, last: int, *, rest_s: float = REST_SECONDS) -> None:
        """Take the pairs that lie wholly within ``first`` and ``last``, both included."""
        even = first + first % 2
        self._free: deque[tuple[float, int]] = deque((float("-inf"), port) for port in range(even, last, 2))
        self._rest_s = rest_s
        self.total = len(self._free)

    @property
    def leased(self) -> int:
        """Pairs in use."""
        return self.total - len(self._free)

    def lease(self, now: float) -> int:
        """Return an even port.

        Raises:
            PortsExhausted: all are in use or rest.
        """
        if not self._free or self._free[0][0] > now:
            raise PortsExhausted(f"all {self.total} RTP port pairs are in use")
        return self._free.popleft()[1]

    def take(self, port: int) -> bool:
        """Lease ``port`` itself, whether it rests or not; return whether it was to be had."""
        for entry in self._free:
            if entry[1] == port:
                self._free.remove(entry)
                return True
        return False

    def give_back(self, port: int, now: float) -> None:
        """Let ``port`` rest and be leased again."""
        self._free.append((now + self._rest_s, port))
