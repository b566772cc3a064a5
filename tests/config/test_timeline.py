"""Who would answer when: every change is noticed to the minute, gaps are told, in all kinds of offices."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.calendar import Calendar, Event
from b2bua.routing.facts import Absence, Facts
from b2bua.routing.override import Override, OverrideKind
from b2bua.routing.plan import Plan
from b2bua.routing.timeline import Stretch, timeline
from tests.config.offices import Reads

WARSAW = ZoneInfo("Europe/Warsaw")
NUMBER = "+48221230001"
OFFICE = """
[office]
timezone = "Europe/Warsaw"
[person.anna]
name = "Anna Nowak"
extension = "101"
password = "correct horse"
mobile = "+48600100200"
[person.piotr]
extension = "102"
password = "correct horse"
mobile = "+48600100201"
[voicemail.sales]
[trunk.out]
host = "192.0.2.1"
[calendar.team]
file = "team.ics"
[hours.office]
mon-fri = "09:00-13:00, 14:00-18:00"
holidays = "PL"
closed-by = "team"
[hours.late]
daily = "20:00-02:30"
[rota.weekend]
members = ["anna", "piotr"]
since = 2026-01-05
handover = "08:00"
[number."+48221230001"]
schedule = "office"
in-hours = "day"
off-hours = "night"
[[scheme.day.step]]
menu = "main"
[[scheme.day.step]]
voicemail = "sales"
[[scheme.night.step]]
ring = ["mobile of rota weekend"]
hours = "late"
[[scheme.night.step]]
voicemail = "sales"
[menu.main]
greeting = "menu-demo"
no-input = { queue = "sales" }
invalid = { queue = "sales" }
options = { 1 = { ring = ["anna"] }, 2 = { queue = "sales" }, 3 = { voicemail = "sales" } }
[queue.sales]
agents = ["anna", "piotr"]
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


@pytest.fixture
def plan(read: Reads) -> Plan:
    return read(OFFICE).plan()


def told(plan: Plan, start: str, end: str, **facts: object) -> list[str]:
    stretches = timeline(plan, NUMBER, Facts(at(start), **facts), at(end))  # type: ignore[arg-type]
    return [_told(stretch) for stretch in stretches]


def _told(stretch: Stretch) -> str:
    who = " > ".join(map(str, stretch.takers))
    return f"{stretch.start:%d %H:%M}-{stretch.end:%d %H:%M} {stretch.scheme}: {who}{' GAP' * stretch.is_gap}"


DAY = "day: menu main (Anna Nowak, Piotr) > queue sales (Anna Nowak, Piotr) > voicemail sales"
VOICEMAIL = "night: voicemail sales GAP"


def test_a_working_day_has_its_ranges_and_gaps(plan: Plan) -> None:
    assert told(plan, "2026-11-25 00:00", "2026-11-26 00:00") == [
        "25 00:00-25 02:30 night: the mobile of Anna Nowak > voicemail sales",
        f"25 02:30-25 09:00 {VOICEMAIL}",
        f"25 09:00-25 13:00 {DAY}",
        f"25 13:00-25 14:00 {VOICEMAIL}",
        f"25 14:00-25 18:00 {DAY}",
        f"25 18:00-25 20:00 {VOICEMAIL}",
        "25 20:00-26 00:00 night: the mobile of Anna Nowak > voicemail sales",
    ]


def test_what_stays_the_same_over_midnight_is_one_range(plan: Plan) -> None:
    assert told(plan, "2026-11-27 21:00", "2026-11-28 12:00") == [
        "27 21:00-28 02:30 night: the mobile of Anna Nowak > voicemail sales",
        f"28 02:30-28 12:00 {VOICEMAIL}",
    ]


def test_f18_duty_changes_hands_and_holidays_are_closed(plan: Plan) -> None:
    ranges = told(plan, "2026-12-24 00:00", "2026-12-28 21:00")
    assert not any("day:" in each for each in ranges[:8])  # from Christmas Eve to the Sunday after it
    assert ranges[-1] == "28 20:00-28 21:00 night: the mobile of Piotr > voicemail sales"
    assert ranges[-7] == "27 20:00-28 02:30 night: the mobile of Anna Nowak > voicemail sales"


def test_s1_events_of_calendars_are_ranges(plan: Plan) -> None:
    event = Event(at("2026-11-25 15:10"), at("2026-11-25 15:50"), "Training")
    known = plan.with_calendars({"team": Calendar.of("team", [event])})
    assert told(known, "2026-11-25 15:00", "2026-11-25 16:00") == [
        f"25 15:00-25 15:10 {DAY}",
        f"25 15:10-25 15:50 {VOICEMAIL}",
        f"25 15:50-25 16:00 {DAY}",
    ]


def test_s1_the_nights_of_the_clock_are_as_long_as_they_are(plan: Plan) -> None:
    autumn = timeline(plan, NUMBER, Facts(at("2026-10-24 21:00")), at("2026-10-25 12:00"))
    assert [(f"{each.end:%H:%M}", each.end.utcoffset()) for each in autumn[:1]] == [
        ("02:30", timedelta(hours=2))
    ]
    spring = timeline(plan, NUMBER, Facts(at("2026-03-28 21:00")), at("2026-03-29 12:00"))
    assert f"{spring[0].end:%H:%M}" == "03:00"


def test_what_people_said_and_what_was_decided_ends_by_itself(plan: Plan) -> None:
    away = {"anna": Absence("away until 10:00", at("2026-11-25 10:00"))}
    assert told(plan, "2026-11-25 09:30", "2026-11-25 10:30", absences=away) == [
        "25 09:30-25 10:00 day: menu main (Piotr) > queue sales (Piotr) > voicemail sales",
        f"25 10:00-25 10:30 {DAY}",
    ]
    closed = Override(OverrideKind.CLOSED, at("2026-11-25 10:00"))
    assert told(plan, "2026-11-25 09:30", "2026-11-25 10:30", override=closed) == [
        f"25 09:30-25 10:00 {VOICEMAIL}",
        f"25 10:00-25 10:30 {DAY}",
    ]


def test_who_would_join_a_staggered_step_too_late_takes_no_call(read: Reads) -> None:
    ring = 'ring = ["anna", "piotr", "mobile of piotr"]\nmode = "staggered"\nstagger = "10s"\nfor = "15s"'
    plan = read(OFFICE.replace('menu = "main"', ring)).plan()
    day = "2026-11-25 10:00", "2026-11-25 10:30"
    assert told(plan, *day) == ["25 10:00-25 10:30 day: Anna Nowak, Piotr > voicemail sales"]
    assert told(plan, *day, offline=frozenset({"anna"})) == [
        "25 10:00-25 10:30 day: Piotr, the mobile of Piotr > voicemail sales"
    ]


@pytest.mark.parametrize("start", ["2026-03-21 00:00", "2026-10-18 00:00", "2026-12-20 00:00"])
def test_every_minute_lies_in_the_range_of_what_holds_then(plan: Plan, start: str) -> None:
    first, last = at(start), at(start) + timedelta(days=14)
    event = Event(first + timedelta(days=3, hours=11.3), first + timedelta(days=3, hours=15.7), "Training")
    known = plan.with_calendars({"team": Calendar.of("team", [event])})
    stretches = timeline(known, NUMBER, Facts(first), last)
    assert stretches[0].start == first
    assert stretches[-1].end == last
    assert all(one.end == other.start for one, other in pairwise(stretches))
    instant = first.timestamp()
    while instant < last.timestamp():
        moment = datetime.fromtimestamp(instant, WARSAW)
        (holds,) = [each for each in stretches if each.start.timestamp() <= instant < each.end.timestamp()]
        (now,) = timeline(known, NUMBER, Facts(moment), moment + timedelta(seconds=1))
        assert (holds.scheme, holds.takers) == (now.scheme, now.takers), moment
        instant += 11 * 60
