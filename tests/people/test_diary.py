"""Row S4: what somebody is by their own word and by their calendar. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from b2bua.people.diary import edges, status_at
from b2bua.people.status import UNSAID, Availability, Source, Status
from b2bua.routing.calendar import Calendar, Event

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def meeting(start: float, end: float, *, is_busy: bool = True) -> Event:
    return Event(at(start), at(end), "budget", is_busy=is_busy)


def diary(*events: Event) -> Calendar:
    return Calendar.of("anna", events)


def said(state: Availability, since: float, until: float | None = None) -> Status:
    return Status(state, at(since), at(until) if until is not None else None)


def state(word: Status | None, calendar: Calendar | None, minutes: float) -> str:
    found = status_at(word, calendar, at(minutes))
    return f"{found.state.value} {found.source.value}" if found is not UNSAID else "unsaid"


def test_s4_an_event_is_a_meeting_from_its_first_to_before_its_last_instant() -> None:
    calendar = diary(meeting(0, 60))
    assert state(None, calendar, -0.001) == "unsaid"
    assert state(None, calendar, 0) == "meeting calendar"
    assert state(None, calendar, 59.999) == "meeting calendar"
    assert state(None, calendar, 60) == "unsaid"
    found = status_at(None, calendar, at(30))
    assert found == Status(Availability.MEETING, at(0), at(60), source=Source.CALENDAR)
    assert found.reason == "", "nobody is told the title"


def test_s4_events_that_are_free_do_not_count_and_overlapping_ones_last_until_the_last_ends() -> None:
    assert state(None, diary(meeting(0, 60, is_busy=False)), 30) == "unsaid"
    found = status_at(None, diary(meeting(0, 60), meeting(30, 90)), at(45))
    assert (found.since, found.until) == (at(0), at(90))


def test_s4_their_own_word_comes_first_while_it_lasts() -> None:
    calendar = diary(meeting(0, 60))
    assert state(said(Availability.DO_NOT_DISTURB, -10), calendar, 30) == "do-not-disturb phone"
    assert state(said(Availability.AWAY, 10, 20), calendar, 15) == "away phone"
    assert state(said(Availability.AWAY, 10, 20), calendar, 20) == "meeting calendar"


def test_s4_who_says_in_a_meeting_that_they_take_calls_does_until_the_next_one() -> None:
    calendar = diary(meeting(0, 60), meeting(45, 120))
    word = said(Availability.AVAILABLE, 30)
    assert state(word, calendar, 40) == "available phone"
    assert state(word, calendar, 45) == "meeting calendar"
    assert state(said(Availability.AVAILABLE, -5), calendar, 0) == "meeting calendar"
    assert state(said(Availability.AVAILABLE, 30, 40), calendar, 41) == "meeting calendar"


def test_s4_the_next_changes_are_the_ends_of_what_runs_and_the_next_begin() -> None:
    calendar = diary(meeting(-30, 10), meeting(0, 60), meeting(90, 120), meeting(200, 300))
    assert list(edges(calendar, at(5))) == [at(10), at(60), at(90)]
    assert list(edges(calendar, at(130))) == [at(200)]
    assert list(edges(calendar, at(500))) == []
