"""Rotas as they are written, what they make of a ring, and what is said of both."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.calendar import Calendar, Event
from b2bua.routing.destination import External, Mobile, Outcome, Person, Ring, Voicemail
from b2bua.routing.explain import explain, summarise
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import enter, follow
from tests.config.offices import Reads, Says

WARSAW = ZoneInfo("Europe/Warsaw")
NUMBER = "+48221230001"
OFFICE = """
[office]
timezone = "Europe/Warsaw"
default-scheme = "main"
[person.anna]
name = "Anna Nowak"
extension = "101"
password = "correct horse"
mobile = "+48600100200"
[person.piotr]
extension = "102"
password = "correct horse"
mobile = "+48600100201"
[person.ivan]
extension = "103"
password = "correct horse"
[voicemail.sales]
emails = ["sales@office.example"]
[trunk.out]
accepts-from = ["192.0.2.1"]
host = "192.0.2.1"
[rota.weekend]
members = ["anna", "102"]
since = 2026-11-23
[rota.weekend.dates]
"2026-12-24..2026-12-26" = "+48600999888"
[[scheme.main.step]]
ring = ["rota weekend"]
[[scheme.main.step]]
voicemail = "sales"
"""
CALENDAR = """
[calendar.duty]
url = "https://calendar.example/duty.ics"
[rota.night]
calendar = "duty"
"""


def facts(moment: str) -> Facts:
    return Facts(datetime.fromisoformat(moment).replace(tzinfo=WARSAW))


def rung(plan: Plan, moment: str) -> tuple[object, ...]:
    destination = enter(plan, NUMBER, facts(moment)).destination
    return destination.targets if isinstance(destination, Ring) else (destination,)


def test_f18_whoever_is_on_duty_at_that_moment_rings(read: Reads) -> None:
    plan = read(OFFICE).plan()
    assert rung(plan, "2026-11-29 12:00") == (Person("anna"),)
    assert rung(plan, "2026-11-30 12:00") == (Person("piotr"),)
    assert rung(plan, "2026-12-24 12:00") == (External("+48600999888"),)


def test_f18_the_mobile_of_whoever_is_on_duty_rings(read: Reads) -> None:
    plan = read(OFFICE.replace('"rota weekend"', '"mobile of rota weekend"')).plan()
    assert rung(plan, "2026-11-30 12:00") == (Mobile("piotr"),)
    assert rung(plan, "2026-12-24 12:00") == (External("+48600999888"),)


def test_f8_f18_mobiles_of_a_step_with_a_rota_are_those_of_whom_it_rings_then(read: Reads) -> None:
    both = '["rota weekend", "ivan"]\n[[scheme.main.step]]\nring = ["mobiles of step 1"]'
    office = OFFICE.replace('["rota weekend"]', both)
    office = office.replace('extension = "103"\n', 'extension = "103"\nmobile = "+48600100203"\n')
    plan = read(office).plan()
    for moment, mobiles in (
        ("2026-11-29 12:00", (Mobile("anna"), Mobile("ivan"))),
        ("2026-11-30 12:00", (Mobile("piotr"), Mobile("ivan"))),
        ("2026-12-24 12:00", (Mobile("ivan"),)),
    ):
        after = follow(plan, enter(plan, NUMBER, facts(moment)), Outcome.NO_ANSWER, facts(moment))
        assert after is not None
        assert isinstance(after.destination, Ring)
        assert after.destination.targets == mobiles, moment


def test_f18_others_ring_beside_whoever_is_on_duty_in_their_order(read: Reads) -> None:
    text = OFFICE.replace('["rota weekend"]', '["piotr", "rota weekend", "mobile of rota weekend", "ivan"]')
    plan = read(text).plan()
    piotr, anna, ivan = Person("piotr"), Person("anna"), Person("ivan")
    assert rung(plan, "2026-11-23 12:00") == (piotr, anna, Mobile("anna"), ivan)
    assert rung(plan, "2026-11-30 12:00") == (piotr, Mobile("piotr"), ivan)  # who rings anyway rings once


def test_f18_in_a_gap_the_step_is_passed_over_as_if_all_were_offline(read: Reads) -> None:
    text = OFFICE.replace("since = 2026-11-23", "since = 2027-01-01")
    plan = read(text).plan()
    start = enter(plan, NUMBER, facts("2026-11-29 12:00"))
    assert start.destination == Voicemail("sales")
    assert [step.has_nobody_on_duty for step in start.skipped] == [True]
    lines = explain(plan, facts("2026-11-29 12:00"), NUMBER, "")
    assert "      skips scheme.main.step.1: nobody is on duty then" in lines


def test_f18_whoever_was_rung_is_followed_by_the_next_step(read: Reads) -> None:
    plan = read(OFFICE).plan()
    start = enter(plan, NUMBER, facts("2026-11-29 12:00"))
    after = follow(plan, start, Outcome.NO_ANSWER, facts("2026-11-29 12:01"))
    assert after is not None
    assert after.destination == Voicemail("sales")


def test_f18_explain_tells_who_is_on_duty(read: Reads) -> None:
    plan = read(OFFICE).plan()
    lines = explain(plan, facts("2026-11-29 12:00"), NUMBER, "")
    assert lines[2:4] == [
        " 0:00 rings Anna Nowak (101) for 20 s  [scheme.main.step.1]",
        "      rota weekend: Anna Nowak is on duty",
    ]
    told = summarise(plan, NUMBER, facts("2026-11-30 12:00"))
    assert told.startswith("rings Piotr (102) for 20 s (now, by rota weekend); then")


def test_s1_a_calendar_names_who_is_on_duty(read: Reads) -> None:
    text = OFFICE.replace("rota weekend", "rota night") + CALENDAR
    plan = read(text).plan()
    event = Event(
        datetime(2026, 11, 28, tzinfo=WARSAW), datetime(2026, 11, 29, tzinfo=WARSAW), "Duty: Anna Nowak"
    )
    known = plan.with_calendars({"duty": Calendar.of("duty", [event])})
    assert rung(plan, "2026-11-28 12:00") == (Voicemail("sales"),)
    assert rung(known, "2026-11-28 12:00") == (Person("anna"),)
    assert rung(known, "2026-11-29 12:00") == (Voicemail("sales"),)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '"anna", "102"',
            '"ana", "102"',
            "rota.weekend.members.1: there is no person 'ana'",
        ),
        (
            '"rota weekend"',
            '"rota weekand"',
            "ring.1: there is no rota 'weekand'; did you mean 'weekend'?",
        ),
        ('["anna", "102"]', '["ivan"]', ""),
        ('"2026-12-24..2026-12-26"', '"24.12"', "rota.weekend.dates.\"24.12\": '24.12' is no day"),
        ('"+48600999888"', '"nobody"', "there is no person 'nobody'"),
        ("since = 2026-11-23", 'handover = "9"', "rota.weekend.handover: '9' is no time of day"),
        ("since = 2026-11-23", 'turn = "36h"', "rota.weekend.turn: "),
        ("since = 2026-11-23", 'calendar = "x"', "rota.weekend.calendar: there is no calendar 'x'"),
    ],
)
def test_what_is_wrong_with_a_rota(errors: Says, read: Reads, before: str, after: str, said: str) -> None:
    text = OFFICE.replace(before, after)
    if not said:
        read(text)
        return
    found = errors(text)
    assert any(said in error for error in found), found


def test_a_rota_without_anybody(errors: Says) -> None:
    assert errors("[rota.x]\n") == ["1 rota.x: a rota needs members, a calendar or dates"]


def test_f18_a_rota_is_a_backup_for_phones_that_are_off(warnings: Says) -> None:
    number = '[number."+48221230001"]\nschedule = "h"\nin-hours = "main"\noff-hours = "main"\n'
    hours = '[hours.h]\ndaily = "24h"\n' + number
    step = '[[scheme.main.step]]\nring = ["101"]\n'
    office = OFFICE.replace("[[scheme", step + "[[scheme", 1)
    assert warnings(office + hours) == []
    assert any("no backup" in found for found in warnings(office.replace('"rota weekend"', '"101"') + hours))


def test_f18_who_has_no_mobile_cannot_be_called_there_on_duty(errors: Says) -> None:
    text = OFFICE.replace('"rota weekend"', '"mobile of rota weekend"').replace('"anna", "102"', '"ivan"')
    (error,) = errors(text)
    assert "scheme.main.step.1.ring.1: ivan has no mobile; add mobile to [person.ivan]" in error


def test_s1_whom_only_a_calendar_could_name_may_lack_a_mobile(read: Reads) -> None:
    plan = read(OFFICE.replace("rota weekend", "mobile of rota night") + CALENDAR).plan()
    (ring, _) = plan.schemes["main"].steps
    assert isinstance(ring.destination, Ring)
    assert ring.destination.targets == (Mobile("anna"), Mobile("piotr"))
