"""Who is on duty: by date, by a calendar, in turn, or else."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.calendar import Calendar, Event
from b2bua.routing.days import DayRange
from b2bua.routing.rota import Rota

WARSAW = ZoneInfo("Europe/Warsaw")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


def who(rota: Rota, *moments: str) -> list[str]:
    return [" ".join(rota.on_duty(at(moment))) for moment in moments]


def test_s1_members_take_turns_week_by_week() -> None:
    rota = Rota("weekend", turns=("anna", "piotr", "olena"), since=date(2026, 11, 23))
    mondays = [f"{date(2026, 11, 23) + timedelta(weeks=week)} 12:00" for week in range(4)]
    assert who(rota, *mondays) == ["anna", "piotr", "olena", "anna"]
    assert who(rota, "2026-11-29 23:59", "2026-11-30 00:00") == ["anna", "piotr"]


def test_s1_without_a_first_day_turns_begin_on_mondays() -> None:
    rota = Rota("weekend", turns=("anna", "piotr"))
    sunday, monday = who(rota, "2026-11-29 12:00", "2026-11-30 12:00")
    assert {sunday, monday} == {"anna", "piotr"}


def test_s1_turns_may_be_as_short_as_a_day_and_over_the_year() -> None:
    rota = Rota("daily", turns=("anna", "piotr"), since=date(2026, 12, 31), turn_days=1)
    assert who(rota, "2026-12-31 12:00", "2027-01-01 12:00", "2027-01-02 12:00") == ["anna", "piotr", "anna"]


def test_s1_the_next_one_takes_over_at_an_hour_also_when_the_clock_is_changed() -> None:
    rota = Rota("weekly", turns=("anna", "piotr"), since=date(2026, 3, 23), handover=8 * 60)
    assert who(rota, "2026-03-30 07:59", "2026-03-30 08:00") == ["anna", "piotr"]
    nightly = Rota("nightly", turns=("anna", "piotr"), since=date(2026, 3, 28), turn_days=1, handover=150)
    assert who(nightly, "2026-03-29 01:59", "2026-03-29 03:00") == ["anna", "piotr"]  # 02:30 is skipped


def test_s1_before_the_first_turn_and_in_gaps_others_are_on_duty() -> None:
    rota = Rota("weekly", turns=("anna",), since=date(2026, 12, 1), otherwise=("olena",))
    assert who(rota, "2026-11-30 12:00", "2026-12-01 12:00") == ["olena", "anna"]
    assert Rota("empty", dates=((DayRange.parse("12-24"), ("anna",)),)).on_duty(at("2026-12-25 12:00")) == ()


def test_s1_days_of_their_own_win_over_turns() -> None:
    christmas = (DayRange.parse("2026-12-24..2026-12-26"), ("piotr",))
    new_year = (DayRange.parse("01-01"), ("anna", "olena"))
    rota = Rota("weekly", turns=("anna",), dates=(christmas, new_year), handover=9 * 60)
    assert who(rota, "2026-12-24 08:59", "2026-12-24 09:00") == ["anna", "piotr"]
    assert who(rota, "2026-12-27 08:59", "2026-12-27 09:00") == ["piotr", "anna"]
    assert who(rota, "2031-01-01 12:00") == ["anna olena"]


NAMES = (("anna", "anna"), ("anna nowak", "anna"), ("101", "anna"), ("piotr", "piotr"), ("ан", "ан"))


@pytest.mark.parametrize(
    ("title", "members"),
    [
        ("Anna", ("anna",)),
        ("Duty: ANNA NOWAK (mobile)", ("anna",)),
        ("dyżur – piotr, anna", ("piotr", "anna")),
        ("101", ("anna",)),
        ("Annabelle", ()),
        ("1012", ()),
        ("", ()),
    ],
)
def test_s1_the_title_of_an_event_names_who_is_on_duty(title: str, members: tuple[str, ...]) -> None:
    event = Event(at("2026-11-28 08:00"), at("2026-11-29 20:00"), title)
    rota = Rota("weekend", calendar=Calendar("duty"), names=NAMES, otherwise=("olena",))
    rota = rota.with_calendars({"duty": Calendar.of("duty", [event])})
    assert rota.on_duty(at("2026-11-29 19:59")) == (members or ("olena",))
    assert rota.on_duty(at("2026-11-29 20:00")) == ("olena",)
