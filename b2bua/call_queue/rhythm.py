"""When something is told again to who waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Rhythm:
    """Something is due every so many seconds of the wait; what its own telling overran is left out."""

    every_s: float
    """From one to the next."""
    _told: int = 0

    @property
    def due_at(self) -> float:
        """After how many seconds of the wait it is due next."""
        return (self._told + 1) * self.every_s

    def told(self, passed_s: float) -> None:
        """Note that it was told, until ``passed_s`` of the wait."""
        self._told = max(self._told + 1, int(passed_s // self.every_s))

    def leave_out(self, until_s: float) -> None:
        """Note that it is not due before ``until_s`` of the wait."""
        self._told = max(self._told, int(until_s // self.every_s))
