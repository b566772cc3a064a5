"""What routing may know of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from b2bua.routing.override import Override, OverrideKind


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody takes no calls."""

    words: str
    """What follows "Anna is": ``in a meeting until 15:00``."""
    until: datetime | None = None
    """When that ends; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The moment for which a destination is looked up."""

    at: datetime
    """Aware, in the office's time zone."""
    offline: frozenset[str] = frozenset()
    """Keys of the people of whom no phone can be reached, and single ones such as ``desk of anna``."""
    busy: frozenset[str] = frozenset()
    """Keys of the people whose phones refuse a call because they talk."""
    reserved: frozenset[str] = frozenset()
    """Keys of the people who are being rung for a call, or pause after one."""
    waiting: Mapping[str, int] = field(default_factory=dict)
    """How many callers wait in each queue; those without are not in it."""
    assumed_load: frozenset[str] | None = None
    """The conditions on the load that hold, whatever the rest says; None: as the rest says."""
    down: frozenset[str] = frozenset()
    """Names of the trunks that cannot place calls."""
    override: Override | None = None
    """What somebody decided for all calls; it may have ended by then."""
    absences: Mapping[str, Absence] = field(default_factory=dict)
    """People who said that they take no calls, by key."""
    caller: str = ""
    """The number that calls, which is not rung itself; empty: it is not known."""

    @property
    def decided(self) -> OverrideKind:
        """Return what is decided for all calls at that moment."""
        if self.override is None or not self.override.holds(self.at):
            return OverrideKind.NORMAL
        return self.override.kind

    @property
    def is_closed(self) -> bool:
        """Return whether somebody has closed the office: whatever has hours is as outside of them."""
        return self.decided is OverrideKind.CLOSED

    def settled(self) -> Facts:
        """Return the same facts for what is done because of that: hours in it count as they are."""
        return replace(self, override=None) if self.is_closed else self

    def absence(self, person: str) -> str:
        """Return what keeps ``person`` from calls at that moment: "away until 15:00"; empty: nothing."""
        found = self.absences.get(person)
        return found.words if found and (found.until is None or self.at < found.until) else ""

    def is_there(self, person: str) -> bool:
        """Return whether calls can be given to the phones of ``person`` at that moment."""
        return person not in self.offline and not self.absence(person)

    def after(self, seconds: float) -> Facts:
        """Return the same facts, that many seconds of real time later (also over a change of the clock)."""
        instant = self.at.timestamp() + seconds
        return replace(self, at=datetime.fromtimestamp(instant, tz=self.at.tzinfo))
