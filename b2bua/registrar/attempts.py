"""Wrong passwords counted per source address, so that guessing is slow and costs us little."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from b2bua.sip.transport.addressing import network_of

NETWORK_FACTOR = 10
"""How many times the failures of one IPv6 address its whole /64 network may have: the phones of an office
share it, but it has as many addresses as anybody could guess from."""


@dataclass(slots=True)
class _Failures:
    since: float
    count: int = 0


class FailedAttempts:
    """Sources that gave too many wrong passwords lately. Remembers at most ``max_sources`` of them."""

    def __init__(self, *, limit: int = 10, window_s: float = 60.0, max_sources: int = 1000) -> None:
        self.limit = limit
        self.window_s = window_s
        self.max_sources = max_sources
        self._sources: OrderedDict[str, _Failures] = OrderedDict()

    def note(self, host: str, now: float) -> bool:
        """Count one failure from ``host``; return whether it is the one that blocks the source."""
        reached = [self._count(source, now) == limit for source, limit in self._limits(host)]
        return any(reached)

    def _limits(self, host: str) -> list[tuple[str, int]]:
        """Return what ``host`` counts for, and how many failures that may have."""
        network = network_of(host)
        alone = (host, self.limit)
        return [alone] if network == host else [(network, self.limit * NETWORK_FACTOR), alone]

    def _count(self, source: str, now: float) -> int:
        failures = self._sources.get(source)
        if failures is None or now - failures.since >= self.window_s:
            failures = self._sources[source] = _Failures(now)
        failures.count += 1
        self._sources.move_to_end(source)
        if len(self._sources) > self.max_sources:
            self._sources.popitem(last=False)
        return failures.count

    def is_blocked(self, host: str, now: float) -> bool:
        """Whether ``host``, or the network it is in, has used up its failures for this window."""
        return any(self._is_used_up(source, limit, now) for source, limit in self._limits(host))

    def _is_used_up(self, source: str, limit: int, now: float) -> bool:
        failures = self._sources.get(source)
        return bool(failures and failures.count >= limit and now - failures.since < self.window_s)
