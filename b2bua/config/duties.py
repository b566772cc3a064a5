"""When nobody of a rota is on duty: such gaps are situations of an office as opening hours are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo

from b2bua.routing.plan import Plan
from b2bua.routing.rota import Rota

GAP = "a gap of rota "
A_DAY = timedelta(days=1)
Duty = tuple[tuple[int, frozenset[str]], ...]
"""Minutes of a day, and which gaps there are from then on."""


def gap_of(rota: str) -> str:
    """Return the name of what holds while nobody of the rota is on duty."""
    return f"{GAP}{rota}"


def has_gap(holds: frozenset[str]) -> bool:
    """Return whether nobody of some rota is on duty in a situation."""
    return any(name.startswith(GAP) for name in holds)


def gaps_on(plan: Plan, day: date, zone: tzinfo) -> Duty:
    """Return the gaps in the duties of a day, from each minute on at which a duty may begin or end."""
    rotas = [rota for rota in plan.rotas.values() if _is_for_all_days(rota)]
    if not rotas:
        return ()
    minutes = sorted({0, *(minute for rota in rotas for minute in _changes(rota, day, zone))})
    return tuple((minute, _gaps(rotas, _at(day, minute, zone))) for minute in minutes)


def _is_for_all_days(rota: Rota) -> bool:
    """Return whether it means to have somebody at any time; one of single dates does not.

    Of a calendar that nobody has read yet, nothing is known.
    """
    return bool(rota.turns) or bool(rota.calendar and rota.calendar.events)


def _changes(rota: Rota, day: date, zone: tzinfo) -> Iterator[int]:
    yield rota.handover
    if rota.calendar is None:
        return
    start, end = _at(day, 0, zone), _at(day + A_DAY, 0, zone)
    for event in rota.calendar.between(start, end):
        for moment in (event.start.astimezone(zone), event.end.astimezone(zone)):
            if moment.date() == day:
                yield moment.hour * 60 + moment.minute


def _gaps(rotas: list[Rota], at: datetime) -> frozenset[str]:
    return frozenset(gap_of(rota.name) for rota in rotas if not rota.on_duty(at) and _is_known(rota, at))


def _is_known(rota: Rota, at: datetime) -> bool:
    """Return whether a calendar has said by then who is on duty: after its last event it does not yet."""
    return rota.calendar is None or any(event.end > at for event in rota.calendar.events)


def _at(day: date, minute: int, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
