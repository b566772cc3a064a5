"""From the text of a calendar to its events: whole days, zones, repetitions, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from b2bua.calendars import ics as reader
from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.calendars.ics import Contents, Period, read_ics
from b2bua.routing.calendar import Calendar, Event
from tests.harness.effort import calls_of
from tests.harness.ics import event, ics

WARSAW = ZoneInfo("Europe/Warsaw")
NOVEMBER = datetime(2026, 11, 20, tzinfo=WARSAW)
PERIOD = Period(NOVEMBER, NOVEMBER + timedelta(days=60), WARSAW)


def read(*events: str, period: Period = PERIOD) -> Contents:
    return read_ics(ics(*events).encode(), period)


def told(contents: Contents) -> list[str]:
    return [f"{each.title} {each.start:%m-%d %H:%M}..{each.end:%m-%d %H:%M}" for each in contents.events]


def test_rfc5545_3_3_4_a_whole_day_is_one_of_the_office() -> None:
    (found,) = read(event("Closed", "20261224")).events
    assert (found.start, found.end) == (
        datetime(2026, 12, 24, tzinfo=WARSAW),
        datetime(2026, 12, 25, tzinfo=WARSAW),
    )
    assert found.is_all_day
    several = read(event("Closed", "20261224", "20261228"))
    assert told(several) == ["Closed 12-24 00:00..12-28 00:00"]


def test_a_whole_day_that_ends_on_the_day_on_which_it_begins_is_that_day() -> None:
    assert told(read(event("Closed", "20261224", "20261224"))) == ["Closed 12-24 00:00..12-25 00:00"]


def test_rfc5545_3_3_5_a_time_is_in_its_zone_in_utc_or_in_that_of_the_office() -> None:
    zoned = event("Zoned", "20261201T090000", "20261201T100000")
    utc = event("UTC", "20261202T090000Z", "20261202T100000Z")
    floating = event("Floating", "20261203T090000", "20261203T100000").replace(";TZID=Europe/Warsaw", "")
    assert told(read(zoned, utc, floating)) == [
        "Zoned 12-01 09:00..12-01 10:00",
        "UTC 12-02 10:00..12-02 11:00",
        "Floating 12-03 09:00..12-03 10:00",
    ]


def test_rfc5545_3_8_5_events_repeat_but_for_their_exceptions() -> None:
    weekly = event(
        "Team",
        "20261102T090000",
        "20261102T093000",
        "RRULE:FREQ=WEEKLY;COUNT=7",
        "EXDATE;TZID=Europe/Warsaw:20261130T090000",
        uid="team",
    )
    instead = "RECURRENCE-ID;TZID=Europe/Warsaw:20261207T090000"
    moved = event("Team later", "20261207T150000", "20261207T153000", instead, uid="team")
    assert told(read(weekly, moved)) == [
        "Team 11-23 09:00..11-23 09:30",
        "Team later 12-07 15:00..12-07 15:30",
        "Team 12-14 09:00..12-14 09:30",
    ]


def test_rfc5545_3_8_5_3_a_meeting_stays_at_its_hour_over_the_change_of_the_clock() -> None:
    daily = event("Stand-up", "20261020T090000", "20261020T091500", "RRULE:FREQ=DAILY")
    around = Period(datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC), WARSAW)
    assert [f"{each.start.astimezone(UTC):%d %H}" for each in read(daily, period=around).events] == [
        *("24 07", "25 08", "26 08")
    ]


def test_rfc5545_3_6_1_an_event_may_have_a_duration_or_no_end_at_all() -> None:
    lasting = event("Lasting", "20261201T090000", "", "DURATION:PT45M")
    assert told(read(lasting)) == ["Lasting 12-01 09:00..12-01 09:45"]
    assert told(read(event("Reminder", "20261201T090000"))) == ["Reminder 12-01 09:00..12-01 09:00"]


def test_rfc5545_3_8_2_7_a_transparent_event_takes_no_time_and_a_cancelled_one_is_none() -> None:
    found = read(
        event("Meeting", "20261201T090000", "20261201T100000"),
        event("Birthday", "20261202", "", "TRANSP:TRANSPARENT"),
        event("Off", "20261203T090000", "20261203T100000", "STATUS:CANCELLED"),
    ).events
    assert [(each.title, each.is_busy) for each in found] == [("Meeting", True), ("Birthday", False)]


def test_only_events_with_a_part_in_the_period_are_kept() -> None:
    found = read(
        event("Past", "20261101T090000", "20261101T100000"),
        event("Running", "20261101", "20261121"),
        event("Next year", "20270301"),
        event("For ever", "20200101T030000", "20200101T040000", "RRULE:FREQ=MONTHLY"),
    )
    assert told(found) == [
        "Running 11-01 00:00..11-21 00:00",
        "For ever 12-01 03:00..12-01 04:00",
        "For ever 01-01 03:00..01-01 04:00",
    ]


def test_an_event_without_a_beginning_does_not_hide_the_others() -> None:
    broken = "BEGIN:VEVENT\r\nUID:broken\r\nSUMMARY:Broken\r\nEND:VEVENT"
    found = read(broken, event("Good", "20261201T090000", "20261201T100000"))
    assert told(found) == ["Good 12-01 09:00..12-01 10:00"]
    assert found.has_broken


def test_one_broken_event_does_not_hide_the_others() -> None:
    broken = event("Broken", "20261201T090000", "20261201T080000", "RRULE:FREQ=BOGUS")
    found = read(broken, event("Good", "20261201T090000", "20261201T100000"))
    assert told(found) == ["Good 12-01 09:00..12-01 10:00"]
    assert found.has_broken
    assert not read(event("Good", "20261201")).has_broken


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html><body>Log in</body></html>",
        b"\xff\xfe\x00\x01garbage",
        b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n",
        b'{"error": "no such calendar"}',
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:yesterday\r\nRRULE:\r\nEND:VEVENT\r\n",
    ],
)
def test_what_is_no_calendar_is_told_as_such(text: bytes) -> None:
    with pytest.raises(UnreadableCalendarError, match="is no calendar"):
        read_ics(text, PERIOD)


@pytest.mark.parametrize("pace", ["SECONDLY", "MINUTELY"])
def test_something_without_end_is_refused_at_once(pace: str) -> None:
    with pytest.raises(UnreadableCalendarError, match="repeats an event every minute, or faster"):
        read(event("Tick", "20261120T090000", "", f"RRULE:FREQ={pace}"))


def test_too_many_events_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_EVENTS", 500)
    with pytest.raises(UnreadableCalendarError, match="has more than 500 events"):
        read(event("Tick", "20261120T090000", "", "RRULE:FREQ=HOURLY"))


def test_an_event_over_more_than_one_window_is_one_event() -> None:
    found = read(event("Leave", "20261201", "20270301"), event("Leave too", "20261201", "20270301"))
    assert [each.title for each in found.events] == ["Leave", "Leave too"]


def test_a_calendar_of_2000_events_is_read_within_seconds() -> None:
    days = [NOVEMBER + timedelta(hours=5 * hour) for hour in range(2000)]
    events = [event(f"Event {day}", f"{day:%Y%m%dT%H%M%S}", uid=str(day)) for day in days]
    found: list[Contents] = []

    def read_all() -> None:
        found.append(read(*events, period=Period(NOVEMBER, NOVEMBER + timedelta(days=402), WARSAW)))

    assert calls_of(read_all) < 6_000_000  # functions; 3.5 million take 0.5 s of a free core
    assert len(found[0].events) == 1929


def test_a_calendar_finds_what_runs_at_a_moment_and_in_a_time() -> None:
    day = datetime(2026, 12, 1, tzinfo=WARSAW)
    long = Event(day, day + timedelta(days=7), "long", is_all_day=True)
    short = [
        Event(day + timedelta(hours=hour), day + timedelta(hours=hour, minutes=30), f"at {hour}")
        for hour in (30, 10, 50)
    ]
    calendar = Calendar.of("x", [*short, long])
    assert [each.title for each in calendar.at(day + timedelta(hours=10))] == ["long", "at 10"]
    assert [each.title for each in calendar.at(day + timedelta(hours=10.5))] == ["long"]
    later = calendar.between(day + timedelta(hours=30.5), day + timedelta(days=9))
    assert [each.title for each in later] == ["long", "at 50"]
    assert [each.title for each in calendar.all_day((day + timedelta(days=6)).date())] == ["long"]
    assert list(calendar.all_day((day + timedelta(days=7)).date())) == []
    assert list(Calendar("empty").at(day)) == []
