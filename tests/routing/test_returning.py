"""When missed callers are called back (rows C3, C4, C8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.plan import NumberSpec, Plan, ReturnSpec
from b2bua.routing.returning import first_attempt, next_attempt, open_from
from b2bua.routing.schedule import Schedule, parse_spans

WARSAW = ZoneInfo("Europe/Warsaw")
DIALLED, CALLER = "+48221234567", "+48500600700"
WORKDAYS = Schedule(week=(*(parse_spans("09:00-12:00, 13:00-18:00"),) * 5, (), ()))
NIGHT = Schedule(week=(parse_spans("22:00-06:00"),) * 7)
SPEC = ReturnSpec("soon", 60.0, (300.0, 900.0), "office", "", False, None, 45.0, False, 0.0)


def plan(hours: Schedule = WORKDAYS) -> Plan:
    number = NumberSpec(DIALLED, "day", return_call="soon")
    return Plan(
        timezone="Europe/Warsaw",
        numbers={DIALLED: number},
        hours={"office": hours},
        return_calls={"soon": SPEC},
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("2026-11-27 10:00:30", "2026-11-27 10:01:30"),  # Friday
        ("2026-11-27 11:59:30", "2026-11-27 13:00"),  # in the break by then
        ("2026-11-27 18:05", "2026-11-30 09:00"),
        ("2026-11-28 12:00", "2026-11-30 09:00"),
        ("2026-11-30 08:58", "2026-11-30 09:00"),
        ("2026-11-30 08:59", "2026-11-30 09:00"),
    ],
)
def test_row_c4_what_is_due_while_closed_waits_for_the_opening(ended: str, expected: str) -> None:
    moment = at(ended)
    assert first_attempt(plan(), CALLER, DIALLED, ended=moment, waited_s=10.0) == at(expected)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-28 07:00", "2026-03-28 22:00"),
        ("2026-03-29 03:30", "2026-03-29 03:30"),  # the night in which the clock is put forward
        ("2026-10-25 06:30", "2026-10-25 22:00"),  # after the one in which it is put back
    ],
)
def test_row_c4_hours_over_midnight_and_in_the_nights_of_the_clock(moment: str, expected: str) -> None:
    assert open_from(plan(NIGHT), SPEC, at(moment)) == at(expected)


def test_row_c4_hours_that_are_never_open_hold_up_nobody_for_ever() -> None:
    closed = Schedule(week=((),) * 7)
    moment = at("2026-11-27 10:00")
    assert open_from(plan(closed), SPEC, moment) == moment


def test_row_c8_attempts_are_counted_from_the_first_one() -> None:
    now = at("2026-11-27 10:00")
    second = next_attempt(plan(), SPEC, attempts=1, now=now)
    assert second == now + timedelta(minutes=5)
    assert next_attempt(plan(), SPEC, attempts=2, now=second) == now + timedelta(minutes=15)
    assert next_attempt(plan(), SPEC, attempts=3, now=now) is None
