"""Row R4: when a call back is due."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.crm.due import due_at
from b2bua.routing.schedule import Schedule, parse_spans

WARSAW = ZoneInfo("Europe/Warsaw")
WEEKDAY, CLOSED = parse_spans("09:00-13:00, 14:00-18:00"), parse_spans("closed")
OFFICE = Schedule((WEEKDAY,) * 5 + (CLOSED,) * 2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-11-23 12:00:30", "2026-11-23 12:15:30"),
        ("2026-11-27 18:05:00", "2026-11-30 09:15:00"),
        ("2026-11-27 17:50:00", "2026-11-30 09:05:00"),
        ("2026-11-23 12:50:00", "2026-11-23 14:05:00"),
        ("2026-11-23 17:45:00", "2026-11-23 18:00:00"),
        ("2026-11-29 03:00:00", "2026-11-30 09:15:00"),
    ],
)
def test_row_r4_15_minutes_run_while_the_office_is_open(moment: str, due: str) -> None:
    assert due_at(at(moment), 900, OFFICE, WARSAW) == at(due)


def test_row_r4_without_hours_the_time_runs_day_and_night() -> None:
    assert due_at(at("2026-11-27 18:05"), 900, None, WARSAW) == at("2026-11-27 18:20")


def test_hours_that_never_open_hold_nothing_up() -> None:
    assert due_at(at("2026-11-27 18:05"), 900, Schedule((CLOSED,) * 7), WARSAW) == at("2026-11-27 18:20")


def test_row_r4_in_the_night_in_which_the_clock_is_put_back_the_time_is_that_of_a_watch() -> None:
    always = Schedule((parse_spans("24h"),) * 7)
    moment = datetime(2026, 10, 25, 2, 55, tzinfo=WARSAW)
    assert due_at(moment, 900, always, WARSAW).timestamp() - moment.timestamp() == 900
