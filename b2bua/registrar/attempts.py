"""Wrong passwords counted per source address, so that guessing is slow and costs us little."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


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
        failures = self._sources.get(host)
        if failures is None or now - failures.since >= self.window_s:
            failures = self._sources[host] = _Failures(now)
        failures.count += 1
        self._sources.move_to_end(host)
        if len(self._sources) > self.max_sources:
            self._sources.popitem(last=False)
        return failures.count == self.limit

    def is_blocked(self, host: str, now: float) -> bool:
        """Whether ``host`` has used up its failures for this window."""
        failures = self._sources.get(host)
        return bool(failures and failures.count >= self.limit and now - failures.since < self.window_s)
