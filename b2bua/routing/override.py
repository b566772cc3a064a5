"""What somebody decided for all calls of the office, against hours and schemes, until it ends by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from b2bua.routing.plan import Plan

LOOKED_AHEAD_DAYS = 366
"""A schedule that is closed for longer opens never."""


class OverrideKind(StrEnum):
    """What is decided."""

    NORMAL = "normal"
    """Nothing: hours and schemes rule."""
    CLOSED = "closed"
    """It is as outside of opening hours."""
    BACKUP = "backup"
    """Every call of every number goes to the backup scheme."""


WORDS = {
    OverrideKind.NORMAL: "works by its hours",
    OverrideKind.CLOSED: "is closed",
    OverrideKind.BACKUP: "sends all calls to the backup",
}
"""What follows "the office"."""


@dataclass(frozen=True, slots=True)
class Override:
    """A decision."""

    kind: OverrideKind
    """What was decided."""
    until: datetime | None = None
    """When it ends by itself; None: when something else is decided."""

    def holds(self, at: datetime) -> bool:
        """Return whether it has an effect then."""
        return self.kind is not OverrideKind.NORMAL and (self.until is None or at < self.until)


def decision(plan: Plan, kind: OverrideKind, at: datetime, until: datetime | None = None) -> Override:
    """Return what is decided at ``at``; without an end of its own it ends with the next opening day."""
    if kind is OverrideKind.NORMAL:
        return Override(kind)
    return Override(kind, until or next_opening_day(plan, at))


def why_impossible(plan: Plan, kind: OverrideKind) -> str:
    """Return why this cannot be decided in such an office; empty: it can."""
    if kind is OverrideKind.CLOSED and not any(spec.off_hours for spec in plan.listed):
        return "no number has an off-hours scheme"
    if kind is OverrideKind.BACKUP and plan.backup_scheme is None:
        return "[office] has no backup-scheme"
    return ""


def next_opening_day(plan: Plan, at: datetime) -> datetime:
    """Return the midnight with which the next day begins on which a number is open, after that of ``at``.

    Where that is never, or no number has hours: the next midnight. ``at`` is in the office's time zone.
    """
    schedules = {spec.schedule for spec in plan.listed if spec.schedule and spec.off_hours}
    for days in range(1, LOOKED_AHEAD_DAYS + 1):
        day = at.date() + timedelta(days=days)
        if any(plan.hours[schedule].spans_on(day) for schedule in schedules):
            return datetime.combine(day, time(), at.tzinfo)
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)
