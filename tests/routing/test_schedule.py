"""Opening hours on ordinary days, special ones, over midnight and when the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.days import DayRange
from b2bua.routing.facts import Facts
from b2bua.routing.schedule import Schedule, Span, parse_days, parse_spans
from tests.config.offices import schedule_of

WARSAW = ZoneInfo("Europe/Warsaw")
KYIV = ZoneInfo("Europe/Kyiv")


def schedule(**days: object) -> Schedule:
    return schedule_of({key.replace("_", "-"): value for key, value in days.items()})


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
    hours = schedule_of({"mon-fri": "09:00-18:00", "2026-12-24": "09:00-12:00", "holidays": ["12-24"]})
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


def test_the_29th_of_february_is_a_day_of_every_year() -> None:
    assert date(2028, 2, 29) in DayRange.parse("02-29")


def test_spans_of_closed_and_of_a_whole_day() -> None:
    assert parse_spans("closed") == ()
    assert parse_spans("24h") == (Span(0, 24 * 60),)


def open_spells(hours: Schedule, night: str, zone: ZoneInfo) -> list[str]:
    """Return when it opens and closes in the eight hours after 22:00 of ``night``, in UTC."""
    start = datetime.fromisoformat(f"{night} 22:00").replace(tzinfo=zone)
    moments = [Facts(start).after(60 * minute).at for minute in range(8 * 60)]
    states = [hours.is_open(moment) for moment in moments]
    changes = zip(moments[1:], states[:-1], states[1:], strict=True)
    return [f"{moment.astimezone(UTC):%H:%M}" for moment, before, after in changes if before != after]


@pytest.mark.parametrize(
    ("zone", "hours", "autumn", "spring"),
    [
        (WARSAW, "20:00-02:30", "00:30", "01:00"),  # in spring the clock jumps over it, from 2 to 3
        (KYIV, "20:00-03:30", "00:30", "01:00"),  # there, from 3 to 4
        (KYIV, "20:00-02:30", "23:30", "00:30"),
        (WARSAW, "20:00-04:00", "03:00", "02:00"),
    ],
)
def test_s1_hours_end_once_in_either_night_of_the_clock(
    zone: ZoneInfo, hours: str, autumn: str, spring: str
) -> None:
    saturdays = schedule(sat=hours)
    assert open_spells(saturdays, "2026-10-24", zone) == [autumn]
    assert open_spells(saturdays, "2026-03-28", zone) == [spring]


@pytest.mark.parametrize("zone", [WARSAW, KYIV])
@pytest.mark.parametrize("night", ["2026-03-28", "2026-10-24"])
def test_s1_hours_around_the_clock_have_no_gap_in_either_night_of_the_clock(
    zone: ZoneInfo, night: str
) -> None:
    assert open_spells(schedule(daily="24h"), night, zone) == []


def test_s1_a_night_shift_that_begins_before_a_holiday_ends_on_it_also_over_new_year() -> None:
    hours = schedule(daily="22:00-06:00", holidays=["01-01"])
    moments = [
        "2026-12-31 22:00",
        "2027-01-01 05:59",
        "2027-01-01 06:00",
        "2027-01-01 23:00",
        "2027-01-02 22:00",
    ]
    assert [hours.is_open(at(moment)) for moment in moments] == [True, True, False, False, True]
