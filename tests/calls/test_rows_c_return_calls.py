"""Rows C1 to C8, C11 and C14: the office itself calls back whoever was missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b2bua.config.load import load_config
from b2bua.demo.softphone import Habit, Invitation, Softphone
from b2bua.errors import ConfigError
from b2bua.people.decisions import NORMAL
from b2bua.people.status import Source
from b2bua.routing.override import Override, OverrideKind
from b2bua.store.calls import CallOutcome
from b2bua.store.promises import Promise, PromiseStatus
from b2bua.store.story import story
from media.commands import Tone
from tests.calls.test_rows_f19_alert import copy_of_crash
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, MONDAY_NOON, NUMBER, Office, office
from tests.harness.prompts import Ears, marked_office, names

OTHER = "+48221230001"
RETURN = "\n[return-call.soon]\n"
SCHEME = """
[[step]]
ring = ["101", "102", "103"]
for = "5s"

[[step]]
voicemail = "sales"
"""
MINUTE = 60.0


def returning(table: str = "") -> Callable[[str], str]:
    """Return what lets an office call back the missed callers of NUMBER."""
    return lambda office: office + RETURN + table


def scheme(steps: str = SCHEME) -> str:
    """Return the scheme of NUMBER, whose callers are called back."""
    return f'return-call = "soon"\n{steps}'


async def missed(demo: Office, *, after_s: float = 2.0, number: str = NUMBER, caller: str = CALLER) -> float:
    """Call and hang up after so many seconds of ringing; return when."""
    placed = await demo.call_in(number, from_number=caller)
    await asyncio.sleep(after_s)
    await placed.close()
    return demo.now


async def rung(customer: Softphone, since: float, *, count: int = 1, within: float) -> list[float]:
    """Return how long after ``since`` the customer was called, so many times."""
    await customer.invited(count, within=within)
    return [round(invitation.at - since, 1) for invitation in customer.invitations]


async def promises(demo: Office) -> list[Promise]:
    await asyncio.sleep(1)
    found: list[Promise] = await demo.server.store.promises.latest()
    return found


@virtual_time(limit_s=3600)
async def test_row_c1_c3_c5_after_60_s_the_customer_is_greeted_and_put_through_to_whoever_answers(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path, scheme=scheme(), change=returning()) as (demo, ears):
        phone = await demo.phone("101")
        customer = await demo.mobiles(Habit(answers_after=2.0))
        ended = await missed(demo)
        assert await rung(customer, ended, within=90) == [pytest.approx(60.0, abs=0.5)]
        phone.habit = Habit(answers_after=2.0)
        call = await phone.invited(2, within=20)
        await demo.until(lambda: call.leg.is_answered, within=10)
        await asyncio.sleep(5)
        [invitation] = customer.invitations
        assert names(ears.heard(invitation.leg.media)) == ["return-call-greeting"]
        invitation.leg.hang_up()
        stories = await demo.stories()
        back = stories[1]
        assert (back.call.direction, back.call.dialled, back.outcome) == ("out", CALLER, CallOutcome.TALKED)
        assert "talked with Anna Nowak" in story(back)
        [promise] = await promises(demo)
        assert (promise.status, promise.closed_why, promise.attempts) == (
            PromiseStatus.KEPT,
            "called back",
            1,
        )
        await asyncio.sleep(20 * MINUTE)
        assert len(customer.invitations) == 1
        assert demo.leftovers() == {}


@virtual_time(limit_s=3600)
async def test_row_c1_who_was_missed_before_the_clock_was_set_by_years_is_called_soon_after(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning('after = "10m"\n')) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        await missed(demo)
        await asyncio.sleep(30)
        demo.clock.set_by(timedelta(days=3653))
        assert (await rung(customer, demo.now, within=90))[0] < 61


@virtual_time(limit_s=3600)
@pytest.mark.parametrize("at_s", [1.0, 32.0])
async def test_row_c1_c8_when_the_clock_is_set_back_nobody_waits_longer(tmp_path: Path, at_s: float) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        asyncio.get_running_loop().call_later(at_s, demo.clock.set_by, timedelta(hours=-5))
        ended = await missed(demo)
        await customer.invited(1, within=90)
        demo.clock.set_by(timedelta(days=-365))
        times = await rung(customer, ended, count=3, within=20 * MINUTE)
        assert times == [pytest.approx(60 + offset, abs=1.5) for offset in (0, 300, 900)]


@virtual_time(limit_s=600)
async def test_row_c4_when_the_clock_is_set_back_who_waits_for_the_opening_waits_for_that(
    tmp_path: Path,
) -> None:
    change = returning('hours = "office"\n[hours.office]\nmon-fri = "12:05-18:00"\n')
    async with office(tmp_path, scheme=scheme(), change=change) as demo:  # at 12:00
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        began = demo.now
        await missed(demo)
        demo.clock.set_by(timedelta(minutes=-3))
        assert (await rung(customer, began, within=600))[0] == pytest.approx(8 * MINUTE, abs=1.5)


def test_row_c1_a_clock_that_was_set_back_during_a_restart_lets_nobody_wait_for_hours(tmp_path: Path) -> None:
    @virtual_time(limit_s=600)
    async def misses() -> None:
        async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
            await demo.phone("101")
            await missed(demo)
            await demo.stories()

    @virtual_time(limit_s=600)
    async def calls() -> None:
        async with office(
            tmp_path, scheme=scheme(), change=returning(), at=MONDAY_NOON - timedelta(hours=5)
        ) as demo:
            customer = await demo.mobiles(Habit(refuses_with=486))
            times = await rung(customer, demo.now, count=2, within=500)
            assert times == [pytest.approx(62, abs=2), pytest.approx(362, abs=3)]

    misses()
    calls()


@virtual_time(limit_s=3600)
async def test_row_c4_s1_nobody_is_called_while_somebody_has_closed_the_office(tmp_path: Path) -> None:
    change = returning('hours = "office"\n[hours.office]\nmon-fri = "09:00-18:00"\n')
    async with office(tmp_path, scheme=scheme(), change=change) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        decisions = demo.server.attendance.decisions
        closed = Override(OverrideKind.CLOSED, MONDAY_NOON + timedelta(hours=12))
        await decisions.decide(closed, who="Anna", source=Source.PHONE)
        await missed(demo)
        await asyncio.sleep(600)
        assert customer.invitations == []
        await decisions.decide(NORMAL, who="Anna", source=Source.PHONE)
        assert (await rung(customer, demo.now, within=301))[0] <= 300


@virtual_time(limit_s=3600)
async def test_row_c8_attempts_follow_at_0_5_and_15_minutes_and_then_people_have_to(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        ended = await missed(demo)
        times = await rung(customer, ended, count=3, within=20 * MINUTE)
        assert times == [pytest.approx(60 + offset, abs=1.5) for offset in (0, 300, 900)]
        await asyncio.sleep(20 * MINUTE)
        assert len(customer.invitations) == 3
        [promise] = await promises(demo)
        assert (promise.status, promise.attempts, promise.call_at) == (PromiseStatus.OPEN, 3, None)


@virtual_time(limit_s=3600)
async def test_row_c2_callers_of_other_numbers_are_not_called(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(answers_after=1.0))
        await missed(demo, number=OTHER)
        await asyncio.sleep(5 * MINUTE)
        assert customer.invitations == []


@pytest.mark.parametrize(
    ("at", "table", "later"),
    [
        (MONDAY_NOON, 'after = "24h"\n', timedelta(hours=24)),
        # Saturday, 13:00 in Warsaw: on Monday at 9
        (datetime(2026, 11, 28, 12, 0, tzinfo=UTC), 'hours = "office"\n', timedelta(hours=44)),
    ],
)
def test_row_c3_c4_a_day_later_or_when_the_office_opens_again(
    tmp_path: Path, at: datetime, table: str, later: timedelta
) -> None:
    change = returning(table + '[hours.office]\nmon-fri = "09:00-18:00"\n')
    called: list[float] = []

    @virtual_time(limit_s=600)
    async def misses() -> None:
        async with office(tmp_path, scheme=scheme(), change=change, at=at) as demo:
            await demo.phone("101")
            customer = await demo.mobiles()
            await missed(demo)
            await asyncio.sleep(2 * MINUTE)
            assert customer.invitations == []

    @virtual_time(limit_s=600)
    async def calls() -> None:
        begin = at + later - timedelta(minutes=1)
        async with office(tmp_path, scheme=scheme(), change=change, at=begin) as demo:
            customer = await demo.mobiles(Habit(refuses_with=486))
            called.extend(await rung(customer, demo.started, within=90))

    misses()
    calls()
    assert called == [pytest.approx(60.0, abs=3.0)]


@virtual_time(limit_s=3600)
async def test_row_c6_the_customer_may_be_sent_straight_to_the_voicemail(tmp_path: Path) -> None:
    to_mailbox = 'scheme = "later"\n[[scheme.later.step]]\nvoicemail = "sales"\n'
    async with office(tmp_path, scheme=scheme(), change=returning(to_mailbox)) as demo:
        phone = await demo.phone("101")
        customer = await demo.mobiles(Habit(answers_after=1.0))
        await missed(demo)
        invitation = await customer.invited(within=90)
        await demo.until(lambda: invitation.leg.is_answered, within=5)
        await asyncio.sleep(8)
        invitation.leg.media.send_digits("#")  # skips the greeting of the mailbox
        await asyncio.sleep(2)
        await invitation.leg.play([Tone((440.0,), 3.0)])
        invitation.leg.hang_up()
        back = (await demo.stories())[1]
        assert back.outcome is CallOutcome.MESSAGE
        assert len(phone.invitations) == 1, "only the customer's own call has rung here"
        [promise] = await promises(demo)
        assert promise.status is PromiseStatus.OPEN


@virtual_time(limit_s=3600)
async def test_row_c7_several_employees_are_rung_at_once_for_the_customer(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        phones = [await demo.phone(extension) for extension in ("101", "102", "103")]
        customer = await demo.mobiles(Habit(answers_after=1.0))
        await missed(demo)
        await customer.invited(within=90)
        second = [await phone.invited(2, within=20) for phone in phones]
        assert max(each.at for each in second) - min(each.at for each in second) < 0.1


@virtual_time(limit_s=3600)
async def test_row_c11_who_calls_again_is_not_called_and_rings_no_more_while_being_called(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        phone = await demo.phone("101")
        customer = await demo.mobiles()
        await missed(demo)
        invitation = await customer.invited(within=90)
        phone.habit = Habit(answers_after=1.0)
        placed = await demo.call_in(NUMBER)
        leg = await placed.answered(within=5)
        assert not invitation.leg.is_up, "rings no more"
        await asyncio.sleep(5)
        leg.hang_up()
        [promise] = await promises(demo)
        assert (promise.status, promise.closed_why) == (PromiseStatus.KEPT, "they called again")
        stories = {each.call.direction: each for each in (await demo.stories())[1:]}
        assert stories["out"].why == "they call the office themselves"
        assert stories["in"].outcome is CallOutcome.TALKED
        await asyncio.sleep(20 * MINUTE)
        assert len(customer.invitations) == 1


@virtual_time(limit_s=3600)
async def test_row_c11_who_is_missed_again_is_called_once_for_the_last_time(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        await missed(demo)
        await asyncio.sleep(20)
        ended = await missed(demo)
        assert await rung(customer, ended, within=90) == [pytest.approx(60.0, abs=0.5)]
        latest, first = await promises(demo)
        assert (first.call_at, first.status) == (None, PromiseStatus.OPEN)
        assert latest.attempts == 1


@virtual_time(limit_s=3600)
@pytest.mark.parametrize(("number", "after_s"), [(OTHER, 6.0), (NUMBER, 2.0)], ids=["elsewhere", "short"])
async def test_row_c11_who_is_missed_again_where_nobody_would_be_called_is_called_all_the_same(
    number: str, after_s: float, tmp_path: Path
) -> None:
    table = 'ignore-under = "5s"\n'
    async with office(tmp_path, scheme=scheme(), change=returning(table)) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(refuses_with=486))
        ended = await missed(demo, after_s=6.0)
        await asyncio.sleep(20)
        await missed(demo, number=number, after_s=after_s)
        assert await rung(customer, ended, within=90) == [pytest.approx(60.0, abs=0.5)]


@virtual_time(limit_s=3600)
@pytest.mark.parametrize(
    ("table", "caller", "after_s"),
    [
        ('ignore-under = "5s"\n', CALLER, 2.0),  # row C14
        ("", "+380441234567", 6.0),  # abroad
        ("", "+48703123456", 6.0),  # costs whoever calls it more
        ("", "", 6.0),  # withheld
    ],
)
async def test_row_c14_who_hangs_up_at_once_or_would_be_costly_is_not_called(
    tmp_path: Path, table: str, caller: str, after_s: float
) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning(table)) as demo:
        await demo.phone("101")
        customer = await demo.mobiles(Habit(answers_after=1.0))
        await missed(demo, caller=caller or "anonymous", after_s=after_s)
        await asyncio.sleep(3 * MINUTE)
        assert customer.invitations == []
        assert [each.call_at for each in await promises(demo)] == [None], "people may call all the same"


async def _takes(ears: Ears, invitation: Invitation, key: str) -> None:
    await ears.until_prompt(invitation.leg.media, "return-call-confirm", within=10)
    if key:
        invitation.leg.media.send_digits(key)


@virtual_time(limit_s=3600)
@pytest.mark.parametrize(("key", "outcome"), [("1", CallOutcome.TALKED), ("", CallOutcome.UNANSWERED)])
async def test_row_c5_with_confirm_nobody_is_rung_for_the_voicemail_of_a_customer(
    tmp_path: Path, key: str, outcome: CallOutcome
) -> None:
    change = returning("confirm = true\n")
    async with marked_office(tmp_path, scheme=scheme(), change=change) as (demo, ears):
        phone = await demo.phone("101")
        customer = await demo.mobiles(Habit(answers_after=1.0))
        await missed(demo)
        phone.habit = Habit(answers_after=1.0)
        invitation = await customer.invited(within=90)
        await demo.until(lambda: invitation.leg.is_answered, within=5)
        await _takes(ears, invitation, key)
        await asyncio.sleep(25)
        assert len(phone.invitations) == (2 if key else 1)
        if invitation.leg.is_up:
            invitation.leg.hang_up()
        assert (await demo.stories())[1].outcome is outcome


def test_row_c1_d12_a_restart_between_the_miss_and_the_call_forgets_nobody(tmp_path: Path) -> None:
    called: list[float] = []

    @virtual_time(limit_s=600)
    async def first() -> None:
        async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
            await demo.phone("101")
            await missed(demo)
            placed = await demo.call_in(NUMBER, from_number="+48500600799")
            await asyncio.sleep(2)
            copy_of_crash(demo, tmp_path / "crashed")
            await placed.close()

    @virtual_time(limit_s=600)
    async def again() -> None:
        at = MONDAY_NOON + timedelta(seconds=20)
        async with office(tmp_path / "crashed", scheme=scheme(), change=returning(), at=at) as demo:
            customer = await demo.mobiles(Habit(refuses_with=486))
            called.extend(await rung(customer, demo.started, count=2, within=90))

    first()
    again()
    assert called == [pytest.approx(42.0, abs=2.0), pytest.approx(60.0, abs=2.0)]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('after = "29s"', "after"),
        ('after = "25h"', "after"),
        ('hours = "nowhere"', "there is no hours table"),
        ('scheme = "nowhere"', "there is no scheme"),
    ],
)
def test_row_c3_what_cannot_be_is_refused(tmp_path: Path, table: str, why: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f"[return-call.soon]\n{table}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path).plan()
    assert "return-call.soon" in str(caught.value)
    assert why in str(caught.value)


@virtual_time(limit_s=3600)
async def test_row_c4_of_all_who_are_due_at_once_two_are_called_at_the_same_time(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning("again = []\n")) as demo:
        customer = await demo.mobiles()
        for index in range(5):
            await missed(demo, after_s=0.1, caller=f"+4850060000{index}")
        await customer.invited(5, within=400)
        rings = [each.at for each in customer.invitations]
        assert [at - rings[0] for at in rings] == [pytest.approx(at, abs=3) for at in (0, 0, 45, 45, 90)]


@virtual_time(limit_s=3600)
async def test_row_c11_nobody_is_called_with_whom_a_colleague_talks(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=scheme(), change=returning()) as demo:
        phone = await demo.phone("101")
        customer = await demo.mobiles(Habit(answers_after=1.0))
        await missed(demo)
        talk = await (await demo.call_from(phone, "101", CALLER.removeprefix("+48"))).answered(within=5)
        await asyncio.sleep(3 * MINUTE)
        assert len(customer.invitations) == 1
        talk.hang_up()
        await asyncio.sleep(20 * MINUTE)
        assert len(customer.invitations) == 1
