"""Row F20: the report of missed calls is what happened, as the phones themselves saw it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from b2bua.cli.missed import lines
from b2bua.demo.softphone import Habit, Invitation, Softphone
from b2bua.inbound.alerts import office_of
from b2bua.sip.session import IncomingInvite
from b2bua.store.backup import Office as JournalOffice
from b2bua.store.calls import CallEvent, CallOutcome, CallStory, EventKind, NewCall
from b2bua.store.missed import MissedReport, report
from tests.harness.clock import virtual_time
from tests.harness.office import MONDAY_NOON, NUMBER, SERVER, Office, office

CALLS = 200
SCHEME = """
[[step]]
ring = ["101", "102"]
for = "4s"

[[step]]
ring = ["103"]
for = "3s"

[[step]]
ring = ["+48600999888"]
for = "4s"
caller-id = "caller"

[[step]]
voicemail = "sales"
"""
PEOPLE = {"101": "anna", "102": "piotr", "103": "olena"}
STEPS = ({"101", "102"}, {"103"})


class Chance:
    """Phones that do as they like."""

    def __init__(self) -> None:
        self.random = random.Random(20)

    def habit(self, _: IncomingInvite) -> Habit:
        return self.random.choice(
            [
                Habit(),
                Habit(),
                Habit(answers_after=self.random.uniform(0.2, 2.8)),
                Habit(refuses_with=603, refuses_after=self.random.uniform(0.1, 2.0)),
                Habit(refuses_with=486),
            ]
        )


async def one(demo: Office, number: int, *, after: float) -> None:
    await asyncio.sleep(after)
    leg = await (await demo.call_in(NUMBER, from_number=caller(number))).answered(within=60)
    await asyncio.sleep(0.5)
    leg.hang_up()


def caller(number: int) -> str:
    return f"+48500600{number:03}"


def of(invitations: list[Invitation], number: int) -> Invitation | None:
    found = [each for each in invitations if caller(number) in str(each.invite.request.from_.uri)]
    return found[0] if found else None


def truth(phones: dict[str, Softphone], mobiles: Softphone, *, off: dict[int, set[str]]) -> MissedReport:
    """Return what the phones and the mobiles have seen themselves."""
    found = MissedReport(calls=CALLS)
    for number in range(CALLS):
        rung = {extension: of(phone.invitations, number) for extension, phone in phones.items()}
        took = {extension for extension, each in rung.items() if each and each.leg.answered_at is not None}
        for step in STEPS:
            for extension in step & set(rung):
                each = rung[extension]
                if each is None or extension in took:
                    continue
                was_refused = each.over.result().why.startswith("refused")
                if was_refused or not took & step:
                    found.missed[PEOPLE[extension]] += 1
        backup = of(mobiles.invitations, number)
        found.reached_backup += backup is not None
        found.taken_by_backup += backup is not None and backup.leg.answered_at is not None
        for extension in off[number] if not took & STEPS[0] else set():
            found.off[PEOPLE[extension]] += 1
    return found


@pytest.mark.timeout(120)
@virtual_time(limit_s=3600)
async def test_row_f20_the_report_of_200_calls_is_what_the_phones_have_seen(tmp_path: Path) -> None:
    chance = Chance()
    async with office(tmp_path, scheme=SCHEME) as demo:
        phones = {extension: await demo.phone(extension) for extension in PEOPLE}
        mobiles = await demo.mobiles()
        for phone in (*phones.values(), mobiles):
            phone.choose_habit = chance.habit
        half = CALLS // 2
        await asyncio.gather(*(one(demo, number, after=number * 0.2) for number in range(half)))
        await asyncio.sleep(5)
        await phones["103"].register(SERVER, "103", "demo-103", expires=0)
        await asyncio.gather(*(one(demo, half + number, after=number * 0.2) for number in range(half)))
        await asyncio.sleep(5)
        stories = [each for each in await demo.stories() if each.call.direction == "in"]
        expected = truth(
            phones, mobiles, off={number: {"103"} if number >= half else set() for number in range(CALLS)}
        )
        assert report(stories, office_of(demo.server.config)) == expected
        assert expected.reached_backup > 30
        assert min(expected.missed.values()) > 20
        assert expected.off["olena"] > 30


def test_row_f20_the_report_in_words_has_whoever_missed_most_first() -> None:
    found = MissedReport(200, 37, 30, Counter(anna=41, piotr=7), Counter(piotr=1, olena=3))
    names = {"anna": "Anna Nowak", "piotr": "Piotr Zieliński", "olena": "Olena Kovalenko"}
    assert lines(found, names=names) == [
        "200 calls from outside; 37 reached a backup, which took 30 of them",
        "Anna Nowak       missed 41 calls",
        "Piotr Zieliński  missed 7 calls, phone off for 1 call",
        "Olena Kovalenko  missed 0 calls, phone off for 3 calls",
    ]


def test_row_f20_a_marked_step_is_the_backup_though_it_rings_somebody_of_the_office() -> None:
    def call(*events: tuple[EventKind, str, str, str]) -> CallStory:
        new = NewCall("id", "+48500600700", "", NUMBER, "demo", MONDAY_NOON)
        told = (CallEvent(MONDAY_NOON, kind, who, detail, 5, party) for kind, who, detail, party in events)
        return CallStory(new, tuple(told), MONDAY_NOON, CallOutcome.PROMISE)

    missed = (EventKind.RANG, "Anna Nowak", "no answer", "anna")
    outside = (EventKind.RANG, "+48600111222", "no answer", "")
    backup = (EventKind.BACKUP, "", "", "")
    taken = (EventKind.TALKED, "Olena Kovalenko", "", "olena")
    stories = [call(missed, outside), call(missed, outside, backup, taken), call(missed, backup), call(taken)]
    keys = {"Anna Nowak": "anna", "Olena Kovalenko": "olena"}
    by_marks = report(stories, JournalOffice(keys, marks_backups=True))
    assert (by_marks.calls, by_marks.reached_backup, by_marks.taken_by_backup) == (4, 2, 1)
    assert by_marks.missed == Counter(anna=3)
    without = report(stories, JournalOffice(keys))
    assert (without.reached_backup, without.taken_by_backup) == (2, 0)
