"""Row S1: gaps in a rota are seen by the checker's walk and by the timeline, when they are and not before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from b2bua.config.proof import prove
from b2bua.routing.calendar import Calendar, Event
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.timeline import timeline
from tests.config.offices import PEOPLE, Reads

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
NUMBER = "+48221230001"
OFFICE = (
    PEOPLE.replace("[office]", '[office]\ntimezone = "Europe/Warsaw"')
    + """
[hours.office]
mon-fri = "09:00-18:00"
[calendar.duty]
file = "duty.ics"
[number."+48221230001"]
schedule = "office"
in-hours = "main"
off-hours = "night"
[[scheme.main.step]]
ring = ["101"]
[[scheme.main.step]]
ring = ["+48600999888"]
[[scheme.main.step]]
voicemail = "sales"
[[scheme.night.step]]
ring = ["rota duty"]
[[scheme.night.step]]
voicemail = "sales"
[rota.duty]
"""
)
BY_CALENDAR = 'calendar = "duty"\n'


def said(read: Reads, text: str, events: tuple[Event, ...] = ()) -> list[str]:
    """Return what the walk says of duties."""
    config = read(OFFICE + text)
    plan = config.plan().with_calendars({"duty": Calendar.of("duty", events)})
    return [fault.message for fault in prove(config, plan, NOW).faults if "duty" in fault.message]


def event(day: int, first: int, last: int, title: str = "101") -> Event:
    start = datetime(2026, 11, day, first, tzinfo=WARSAW)
    return Event(start, start + timedelta(hours=last - first), title)


def test_row_s1_turns_without_a_gap_are_not_warned_of(read: Reads) -> None:
    assert said(read, 'members = ["101", "102"]\n') == []


def test_row_s1_a_rota_that_begins_later_is_a_gap_until_then(read: Reads) -> None:
    [warning] = said(read, 'members = ["101", "102"]\nsince = 2026-12-07\n')
    assert warning == "nobody is on duty at mon 2026-11-23 00:00, and nobody else is rung: a gap in a rota"
    assert said(read, 'members = ["101", "102"]\nsince = 2026-12-07\notherwise = ["102"]\n') == []


def test_row_s1_a_gap_between_two_events_of_the_duty_calendar_is_told_with_its_first_moment(
    read: Reads,
) -> None:
    without_gap = (event(23, 0, 9), event(23, 18, 33), event(24, 18, 33))
    [warning] = said(read, BY_CALENDAR, (event(23, 0, 9), event(23, 18, 22), event(24, 18, 33)))
    assert "nobody is on duty at mon 2026-11-23 22:00" in warning
    assert said(read, BY_CALENDAR, without_gap) == []


def test_row_s1_after_the_last_event_nothing_is_known_and_nothing_said(read: Reads) -> None:
    assert said(read, BY_CALENDAR, (event(23, 0, 24),)) == []
    assert said(read, BY_CALENDAR) == []


def test_row_s1_a_gap_in_a_rota_that_is_asked_in_open_hours_alone_is_none_at_night(read: Reads) -> None:
    text = 'members = ["101"]\nsince = 2026-12-07\n'
    swapped = OFFICE.replace('in-hours = "main"', 'in-hours = "night"')
    config = read(swapped.replace('off-hours = "night"', 'off-hours = "main"') + text)
    [fault] = [each for each in prove(config, config.plan(), NOW).faults if "duty" in each.message]
    assert "mon 2026-11-23 09:00" in fault.message


def test_row_s1_a_rota_of_single_dates_means_to_have_gaps(read: Reads) -> None:
    assert said(read, '[rota.duty.dates]\n"12-24..12-26" = "101"\n') == []


def test_row_s1_the_timeline_shows_a_gap_of_the_rota_as_a_gap(read: Reads) -> None:
    plan: Plan = read(OFFICE + 'members = ["101"]\nsince = 2026-11-25\nhandover = "08:00"\n').plan()
    start = datetime(2026, 11, 24, 20, tzinfo=WARSAW)
    found = timeline(plan, NUMBER, Facts(start), start + timedelta(days=2))
    told = [(f"{each.start:%d %H:%M}", each.is_gap) for each in found]
    assert told == [
        ("24 20:00", True),
        ("25 08:00", False),
        ("25 09:00", False),
        ("25 18:00", False),
        ("26 09:00", False),
        ("26 18:00", False),
    ]
