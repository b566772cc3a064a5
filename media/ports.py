"""Leased RTP/RTCP port pairs."""

from __future__ import annotations

from collections import deque

from media.errors import PortsExhausted

REST_SECONDS = 5.0


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

    def give_back(self, port: int, now: float) -> None:
        """Let ``port`` rest and be leased again."""
        self._free.append((now + self._rest_s, port))
