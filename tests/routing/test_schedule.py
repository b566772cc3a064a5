"""Opening hours on ordinary days, special ones, over midnight and when the clock is changed."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.hours import read_hours
from b2bua.routing.facts import Facts
from b2bua.routing.schedule import ClosedDays, Schedule, Span, parse_days, parse_spans

WARSAW = ZoneInfo("Europe/Warsaw")


def schedule(**days: object) -> Schedule:
    read = read_hours({key.replace("_", "-"): value for key, value in days.items()})
    assert isinstance(read, Schedule)
    return read


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-06 08:59:59", False),  # a Friday
        ("2026-03-06 09:00:00", True),
        ("2026-03-06 17:59:59", True),
        ("2026-03-06 18:00:00", False),
        ("2026-03-07 10:00:00", False),
    ],
)
def test_f24_the_minute_of_opening_is_open_and_that_of_closing_closed(moment: str, is_open: bool) -> None:
    assert schedule(mon_fri="09:00-18:00").is_open(at(moment)) is is_open


def test_f27_days_can_be_named_one_by_one_in_runs_and_over_the_weekend() -> None:
    assert parse_days("mon") == (0,)
    assert parse_days("mon-fri") == (0, 1, 2, 3, 4)
    assert parse_days("sat-mon") == (5, 6, 0)
    assert parse_days("daily") == (0, 1, 2, 3, 4, 5, 6)


def test_a_lunch_break_is_closed() -> None:
    hours = schedule(daily="09:00-13:00, 14:00-17:00")
    assert [hours.is_open(at(f"2026-03-06 {hour}:30")) for hour in (12, 13, 14)] == [True, False, True]


def test_a_night_shift_ends_on_the_next_morning() -> None:
    hours = schedule(fri="22:00-06:00")
    open_at = ["2026-03-06 22:00", "2026-03-06 23:59", "2026-03-07 05:59"]
    closed_at = ["2026-03-06 05:00", "2026-03-06 21:59", "2026-03-07 06:00", "2026-03-07 22:30"]
    assert [hours.is_open(at(moment)) for moment in open_at + closed_at] == [True] * 3 + [False] * 4


def test_always_and_never() -> None:
    assert schedule(daily="24h").is_open(at("2026-03-06 23:59"))
    assert schedule(daily="00:00-24:00").is_open(at("2026-03-06 00:00"))
    assert not schedule(daily="24h", fri="closed").is_open(at("2026-03-06 12:00"))


def test_f18_holidays_are_closed_every_year_once_or_for_a_run_of_days() -> None:
    hours = schedule(daily="24h", holidays=["01-01", "2026-04-06", "12-24..01-02", date(2026, 8, 15)])
    closed = [
        "2026-01-01",
        "2031-01-01",
        "2026-04-06",
        "2026-12-24",
        "2026-12-31",
        "2027-01-02",
        "2026-08-15",
    ]
    assert not any(hours.is_open(at(f"{day} 12:00")) for day in closed)
    assert all(hours.is_open(at(f"{day} 12:00")) for day in ("2026-01-03", "2027-04-06", "2026-12-23"))


def test_a_special_day_wins_over_its_weekday_and_over_holidays() -> None:
    hours = read_hours({"mon-fri": "09:00-18:00", "2026-12-24": "09:00-12:00", "holidays": ["12-24"]})
    assert isinstance(hours, Schedule)
    assert [hours.is_open(at(f"2026-12-24 {hour}:00")) for hour in ("11", "12", "13")] == [True, False, False]


def test_s1_the_night_of_the_clock_change_is_read_in_wall_clock_time() -> None:
    hours = schedule(sun="02:00-04:00")
    spring = Facts(at("2026-03-29 01:59:30"))
    assert not hours.is_open(spring.at)
    assert spring.after(60).at.hour == 3  # 02:xx does not exist
    assert hours.is_open(spring.after(60).at)
    assert spring.after(60).at.utcoffset() != spring.at.utcoffset()
    autumn = Facts(at("2026-10-25 02:30"))
    assert hours.is_open(autumn.at)
    assert hours.is_open(autumn.after(3600).at)  # 02:30 again
    assert not hours.is_open(autumn.after(3 * 3600).at)


@pytest.mark.parametrize("text", ["09:00-18:00", "22:00-06:00", "00:00-24:00"])
def test_spans_round_trip(text: str) -> None:
    assert str(Span.parse(text)) == text


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"mon": "9-18"}, "'9' is no time of day"),
        ({"mon": "09:00"}, "'09:00' is no span of time"),
        ({"mon": "25:00-26:00"}, "'25:00' is no time of day"),
        ({"mond": "09:00-18:00"}, "'mond' is no day of the week"),
        ({"mon": 9}, "mon: expected times"),
        ({"2026-02-30": "09:00-18:00"}, "'2026-02-30' is no date"),
        ({"holidays": "PL"}, "holidays: expected a list of days"),
        ({"holidays": ["PL"]}, "'PL' is no day"),
        ({"holidays": ["02-30"]}, "'02-30' is no day"),
        ({"holidays": ["2026-12-26..2026-12-24"]}, "ends before it starts"),
        ({"holidays": ["2026-12-24..01-02"]}, "give a year on both sides"),
        ("always", "expected a table of days"),
    ],
)
def test_what_is_not_understood_is_said(table: object, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(")):
        read_hours(table)


def test_the_29th_of_february_is_a_day_of_every_year() -> None:
    assert date(2028, 2, 29) in ClosedDays.parse("02-29")


def test_spans_of_closed_and_of_a_whole_day() -> None:
    assert parse_spans("closed") == ()
    assert parse_spans("24h") == (Span(0, 24 * 60),)
