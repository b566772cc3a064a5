"""What was counted of one party's sound, in one worker after another."""

from __future__ import annotations

_LATEST = {"jitter_ms", "remote_jitter_ms", "round_trip_ms", "silent_s"}
"""What is as it was last; all else are numbers of packets."""


class Figures:
    """The numbers that each worker has told last: when it dies, what it counted since then is not in them."""

    def __init__(self) -> None:
        self._told: dict[int, dict[str, float]] = {}
        """By the number under which a worker knew the leg."""

    def note(self, number: int, statistics: dict[str, float]) -> None:
        """Take what a worker has counted so far."""
        self._told[number] = statistics

    @property
    def total(self) -> dict[str, float]:
        """The numbers of all of them together."""
        total: dict[str, float] = {}
        for statistics in self._told.values():
            for name, value in statistics.items():
                total[name] = value if name in _LATEST else total.get(name, 0) + value
        return total
