"""The situations that opening hours bring within a year: which of them are open together, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from b2bua.config.duties import gaps_on
from b2bua.routing.plan import Plan
from b2bua.routing.schedule import MINUTES_A_DAY, Schedule, Span

DAYS_LOOKED_AT = 366
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is open, and what kind of day it is."""

    holds: frozenset[str]
    """Keys of hours that are open, ``holiday_of`` them where it is one, ``working_hours_of`` schemes.

    And ``gap_of`` rotas of whom nobody is on duty.
    """
    at: datetime
    """The first moment at which it is so; aware."""
    load: frozenset[str] = frozenset()
    """The conditions on the load that hold."""


def holiday_of(hours: str) -> str:
    """Return the name of what holds while the hours have a holiday."""
    return f"a holiday of {hours}"


def working_hours_of(scheme: str) -> str:
    """Return the name of what holds while the scheme works."""
    return f"scheme {scheme} works"


def situations(plan: Plan, now: datetime) -> tuple[Situation, ...]:
    """Return every combination of what is open and what is not that comes within a year from ``now`` on.

    Each change point of each day is looked at, of holidays and days that differ as well, and each gap in a
    rota. Without hours and rotas there is one situation.
    """
    zone = ZoneInfo(plan.timezone)
    since, schedules = now.astimezone(zone).date(), _schedules(plan)
    minded = {spec.schedule for spec in plan.listed if spec.schedule and spec.holiday}
    found: dict[frozenset[str], datetime] = {}
    seen: set[tuple[object, ...]] = set()
    before = [each.spans_on(since - timedelta(days=1)) for each in schedules.values()]
    for number in range(DAYS_LOOKED_AT):
        day = since + timedelta(days=number)
        spans = [each.spans_on(day) for each in schedules.values()]
        holidays = frozenset(holiday_of(name) for name in minded if schedules[name].is_holiday(day))
        duty = gaps_on(plan, day, zone)
        alike, yesterday, before = (holidays, duty, *before, *spans), before, spans
        if alike in seen:  # most days are as those of another week
            continue
        seen.add(alike)
        for minute in sorted({*_change_points(spans, yesterday), *(minute for minute, _ in duty)}):
            at = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
            is_open = (name for name, schedule in schedules.items() if schedule.is_open(at))
            gaps = next((each for since, each in reversed(duty) if since <= minute), frozenset[str]())
            found.setdefault(holidays.union(is_open, gaps), at)
    return tuple(Situation(holds, at) for holds, at in found.items())


def _schedules(plan: Plan) -> dict[str, Schedule]:
    working = {working_hours_of(name): each.works for name, each in plan.schemes.items() if each.works}
    return {**plan.hours, **working}


def _change_points(today: Iterable[Spans], yesterday: Iterable[Spans]) -> list[int]:
    """Return the minutes of the day at which something opens or closes, and midnight.

    Spans of the day before may still run.
    """
    minutes = {0}
    for span in chain(*today):
        minutes |= {span.start, span.end}
    for span in chain(*yesterday):
        minutes |= {span.start - MINUTES_A_DAY, span.end - MINUTES_A_DAY}
    return sorted(minute for minute in minutes if 0 <= minute < MINUTES_A_DAY)
