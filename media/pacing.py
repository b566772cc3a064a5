"""Absolute deadlines, 20 ms apart or as a peer wants, that never drift."""

from __future__ import annotations

FRAME_SECONDS = 0.02
MAX_CATCH_UP_S = 0.2
"""What is sent at once after a stall. After a longer one, as of a suspended machine, sending begins anew."""


class Pacer:
    """The common grid on which all playing legs send.

    Deadlines are counted from the first one, so that lateness of one tick never shifts the next (a chain of
    ``sleep(0.02)`` would).
    """

    def __init__(self, interval_s: float = FRAME_SECONDS) -> None:
        self._interval_s = interval_s
        self._start = 0.0
        self._ticks = 0
        self.deadline: float | None = None

    def start(self, now: float) -> None:
        """Begin a grid whose first deadline is ``now``; does nothing while one runs."""
        if self.deadline is None:
            self._start, self._ticks, self.deadline = now, 0, now

    def stop(self) -> None:
        """End the grid: there is nothing to send."""
        self.deadline = None

    def due(self, now: float) -> int:
        """Return how many frames each leg owes by ``now`` and move the deadline past it."""
        if self.deadline is None or now < self.deadline:
            return 0
        ticks = int((now - self._start) / self._interval_s + 1e-6) + 1
        owed = max(1, ticks - self._ticks)
        self._ticks += owed
        self.deadline = self._start + self._ticks * self._interval_s
        return owed if owed * self._interval_s <= MAX_CATCH_UP_S + 1e-9 else 1
