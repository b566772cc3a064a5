"""The situations that opening hours bring within a year: which of them are open together, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from b2bua.routing.schedule import MINUTES_A_DAY, Schedule, Span

DAYS_LOOKED_AT = 366


@dataclass(frozen=True, slots=True)
class Situation:
    """Some hours are open, the others closed."""

    open: frozenset[str]
    """Keys of the hours that are open."""
    at: datetime
    """The first moment at which it is so; aware."""


def situations(hours: Mapping[str, Schedule], *, since: date, zone: tzinfo) -> tuple[Situation, ...]:
    """Return every combination of open and closed hours that comes within a year from ``since`` on.

    Each change point of each day is looked at, of holidays and days that differ as well. Without hours there
    is one situation.
    """
    found: dict[frozenset[str], datetime] = {}
    seen: set[tuple[tuple[Span, ...], ...]] = set()
    for number in range(DAYS_LOOKED_AT):
        day = since + timedelta(days=number)
        alike = tuple(spans for each in hours.values() for spans in _spans_that_reach(each, day))
        if alike in seen:  # most days are as those of another week
            continue
        seen.add(alike)
        for minute in _change_points(hours.values(), day):
            at = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
            open_ = frozenset(name for name, schedule in hours.items() if schedule.is_open(at))
            found.setdefault(open_, at)
    return tuple(Situation(open_, at) for open_, at in found.items())


def _spans_that_reach(schedule: Schedule, day: date) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return the spans that begin on the day, and those of the day before, which may still run."""
    return schedule.spans_on(day), schedule.spans_on(day - timedelta(days=1))


def _change_points(schedules: Iterable[Schedule], day: date) -> list[int]:
    """Return the minutes of the day at which something opens or closes, and midnight."""
    minutes = {0}
    for schedule in schedules:
        today, yesterday = _spans_that_reach(schedule, day)
        for span in today:
            minutes |= {span.start, span.end}
        for span in yesterday:
            minutes |= {span.start - MINUTES_A_DAY, span.end - MINUTES_A_DAY}
    return sorted(minute for minute in minutes if 0 <= minute < MINUTES_A_DAY)
