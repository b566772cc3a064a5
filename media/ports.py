"""Leased RTP/RTCP port pairs."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from random import Random

MOST_TRIED = 256
"""Pairs of other workers that are tried for one leg: one of them is free where two of a hundred are."""


def shares(ports: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Return the ranges, as equal as can be, into which ``count`` workers divide the pairs of a range."""
    even = ports[0] + ports[0] % 2
    pairs = range(even, ports[1], 2)
    borders = [even + 2 * (len(pairs) * worker // count) for worker in range(count + 1)]
    return [(first, last - 1) for first, last in itertools.pairwise(borders)]


class PortLeases:
    """Even RTP ports of a range, each with the odd one above it for RTCP (RFC 3550 §11).

    The longest unused port is leased first, so that a straggler of the last call is not heard in the next.
    One that was only just given back is leased all the same before a caller is refused, and so is one of the
    share of another worker, if that has not opened it: the system says so.
    """

    def __init__(self, first: int, last: int, *, whole: tuple[int, int] | None = None) -> None:
        """Take the pairs that lie wholly within ``first`` and ``last``, both included.

        ``whole`` is the range of which that is a share.
        """
        self._own = range(first + first % 2, last, 2)
        self._free = deque(self._own)
        first, last = whole or (first, last)
        every = range(first + first % 2, last, 2)
        others = [port for port in every if port not in self._own]
        Random(self._own.start).shuffle(others)  # those that are in use are mostly side by side
        self._others = deque(others)
        self.total = len(every)
        """Pairs of the whole range."""

    def free(self, *, own_only: bool = False) -> Iterator[int]:
        """Lease one port after another, the best first; what is of no use is to be given back."""
        for _ in range(len(self._free)):
            yield self._free.popleft()
        for _ in range(0 if own_only else min(len(self._others), MOST_TRIED)):
            yield self._others.popleft()

    def is_own(self, port: int) -> bool:
        """Whether it is of our share."""
        return port in self._own

    def take(self, port: int) -> bool:
        """Lease ``port`` itself, however short its rest was; return whether it was to be had."""
        ports = self._ports_like(port)
        if port not in ports:
            return False
        ports.remove(port)
        return True

    def give_back(self, port: int) -> None:
        """Let ``port`` be leased again, after all others."""
        self._ports_like(port).append(port)

    def _ports_like(self, port: int) -> deque[int]:
        return self._free if self.is_own(port) else self._others
