"""What routing may know of the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """The moment for which a destination is looked up."""

    at: datetime
    """Aware, in the office's time zone."""
    offline: frozenset[str] = frozenset()
    """Keys of the people of whom no phone can be reached."""
    busy: frozenset[str] = frozenset()
    """Keys of the people whose phones refuse a call because they talk."""
    down: frozenset[str] = frozenset()
    """Names of the trunks that cannot place calls."""

    def after(self, seconds: float) -> Facts:
        """Return the same facts, that many seconds of real time later (also over a change of the clock)."""
        instant = self.at.timestamp() + seconds
        return replace(self, at=datetime.fromtimestamp(instant, tz=self.at.tzinfo))
