"""What somebody decided for all calls of the office, against hours and schemes, until it ends by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from b2bua.routing.destination import Goto
from b2bua.routing.plan import Plan
from b2bua.routing.schedule import Schedule

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
    if kind is OverrideKind.CLOSED and not any(_closed_by_it(plan)):
        return "neither numbers nor schemes have hours outside of which it could be"
    if kind is OverrideKind.BACKUP and plan.backup_scheme is None:
        return "[office] has no backup-scheme"
    return ""


def next_opening_day(plan: Plan, at: datetime) -> datetime:
    """Return the midnight with which the next day begins on which the office opens, after that of ``at``.

    Where that is never, or nothing has hours: the next midnight. ``at`` is in the office's time zone.
    """
    schedules = list(_closed_by_it(plan))
    for days in range(1, LOOKED_AHEAD_DAYS + 1):
        day = at.date() + timedelta(days=days)
        if any(schedule.spans_on(day) for schedule in schedules):
            return datetime.combine(day, time(), at.tzinfo)
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)


def _closed_by_it(plan: Plan) -> Iterator[Schedule]:
    """Yield the opening hours that a closed office is outside of: of numbers, else of their schemes."""
    schemes = [plan.default_scheme]
    for spec in plan.listed:
        if spec.schedule and spec.off_hours:
            yield plan.hours[spec.schedule]
        else:
            schemes.append(spec.in_hours)
    for name in sorted(_reached(plan, schemes)):
        scheme = plan.schemes[name]
        if scheme.works is not None:
            yield scheme.works
        yield from (plan.hours[step.hours] for step in scheme.steps if step.hours)


def _reached(plan: Plan, names: Iterable[str | None]) -> set[str]:
    """Return these schemes and those that their steps lead to."""
    found: set[str] = set()
    todo = [name for name in names if name is not None]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            destinations = [step.destination for step in plan.schemes[name].steps]
            todo += [each.scheme for each in destinations if isinstance(each, Goto)]
    return found
