"""How often somebody may do something."""

from __future__ import annotations

from collections import deque

MOST_KEYS = 20_000
"""So many are remembered; those who were quiet longest are forgotten first."""


class Limit:
    """Counts, for each key, what happened within a span of time."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._times: dict[str, deque[float]] = {}

    def wait_s(self, key: str, most: int, now: float) -> float:
        """Return after how many seconds it may happen again for that key; 0: now."""
        times = self._times.get(key)
        if times is None:
            return 0.0
        while times and times[0] <= now - self._span_s:
            times.popleft()
        return times[-most] + self._span_s - now if len(times) >= most else 0.0

    def count(self, key: str, now: float) -> None:
        """Note that it happened."""
        times = self._times.pop(key, None) or deque()
        times.append(now)
        self._times[key] = times
        if len(self._times) > MOST_KEYS:
            del self._times[next(iter(self._times))]
