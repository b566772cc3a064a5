"""Row V3: while a mailbox greets, whoever comes off the phone still gets the call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.calls.test_rows_q_queue import queue_with
from tests.calls.test_transfer import refer
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, assert_both_hear, office
from tests.harness.prompts import marked_office, names

TAKES = Habit(answers_after=1.0)
QUEUE = "+48221230004"
FIRST, SECOND = "+48500600001", "+48500600002"
GREETING = "voicemail-greeting-working"
TO_ANNA = """
[[step]]
ring = ["101"]
for = "5s"
[[step]]
voicemail = "sales"
"""


def one_agent(**settings: str) -> dict[str, str]:
    return {"agents": '["101"]', "max-wait": '"20s"', **settings}


@virtual_time
async def test_row_v3_an_agent_who_answers_10_s_into_the_greeting_has_the_caller(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=queue_with(**one_agent())) as (demo, ears):
        anna = await demo.phone("101", TAKES)
        talk = await (await demo.call_in(QUEUE, from_number=FIRST)).answered(within=3)
        caller = await (await demo.call_in(QUEUE, from_number=SECOND)).answered(within=3)
        began = await ears.until_prompt(caller.media, GREETING, within=25)
        await asyncio.sleep(began + 9 - demo.now)
        talk.hang_up()
        freed = demo.now
        rung = await anna.invited(2, within=1)
        assert rung.at - freed < 0.2
        await asyncio.sleep(1.5)
        assert [each.prompt for each in ears.heard(caller.media)][-1] == GREETING
        assert ears.heard(caller.media)[-1].until - began == pytest.approx(10.0, abs=0.2)
        await assert_both_hear(caller, rung.leg, tmp_path)
        caller.hang_up()
        second = (await demo.stories())[1]
        assert second.outcome is CallOutcome.TALKED
        assert "talked with Anna Nowak" in story(second)
        await demo.settled()


@virtual_time
async def test_row_v3_who_was_busy_is_rung_before_callers_who_have_waited_less(tmp_path: Path) -> None:
    async with office(tmp_path, change=queue_with(**one_agent(**{"wrap-up": '"3s"'}))) as demo:
        anna = await demo.phone("101", TAKES)
        talk = await (await demo.call_in(QUEUE, from_number=FIRST)).answered(within=3)
        await (await demo.call_in(QUEUE, from_number=SECOND)).answered(within=3)
        await asyncio.sleep(18)
        await (await demo.call_in(QUEUE, from_number="+48500600003")).answered(within=3)
        await asyncio.sleep(5)
        talk.hang_up()
        freed = demo.now
        rung = await anna.invited(2, within=5)
        assert rung.at - freed == pytest.approx(3.0, abs=0.2), "after the pause that she has after a call"
        assert SECOND in str(rung.invite.request.headers.get("From"))
        await asyncio.sleep(4)
        rung.leg.hang_up()
        ended = demo.now
        third = await anna.invited(3, within=5)
        assert third.at - ended == pytest.approx(3.0, abs=0.2)


@virtual_time
async def test_row_v3_two_callers_who_are_greeted_get_one_agent_each(tmp_path: Path) -> None:
    change = queue_with(**one_agent(agents='["101", "102"]'))
    async with office(tmp_path, change=change) as demo:
        phones = [await demo.phone(extension, TAKES) for extension in ("101", "102")]
        talks = [await (await demo.call_in(QUEUE, from_number=FIRST)).answered(within=3) for _ in phones]
        await asyncio.sleep(2)
        callers = [await (await demo.call_in(QUEUE, from_number=SECOND)).answered(within=3) for _ in phones]
        await asyncio.sleep(25)
        for talk in talks:
            talk.hang_up()
        for phone in phones:
            await phone.invited(2, within=1)
        await asyncio.sleep(2)
        assert all(phone.invitations[1].leg.is_answered for phone in phones)
        callers[0].hang_up()
        await asyncio.sleep(1)
        assert sum(phone.invitations[1].leg.is_up for phone in phones) == 1
        callers[1].hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_row_v3_who_comes_free_while_another_is_rung_is_not_kept_from_others(tmp_path: Path) -> None:
    change = queue_with(**one_agent(agents='["101", "102"]'))
    async with office(tmp_path, change=change) as demo:
        phones = [await demo.phone(extension, TAKES) for extension in ("101", "102")]
        talks = [await (await demo.call_in(QUEUE, from_number=FIRST)).answered(within=3) for _ in phones]
        await asyncio.sleep(2)
        await (await demo.call_in(QUEUE, from_number=SECOND)).answered(within=3)
        await asyncio.sleep(25)
        for talk in talks:
            talk.hang_up()
        await asyncio.sleep(5)
        now = demo.now
        assert sum(demo.server.occupancy.is_free(name, now) for name in ("anna", "piotr")) == 1


@virtual_time
async def test_row_v3_who_does_not_answer_by_the_end_of_the_greeting_rings_no_more(tmp_path: Path) -> None:
    async with marked_office(tmp_path, scheme=TO_ANNA) as (demo, ears):
        anna = await demo.phone("101", TAKES)
        own = await (await demo.call_from(anna, "101", "+48221230007")).answered(within=3)
        anna.habit = Habit()
        caller = await (await demo.call_in(NUMBER)).answered(within=8)
        await ears.until_prompt(caller.media, GREETING, within=5)
        await asyncio.sleep(5)
        own.hang_up()
        rung = await anna.invited(2, within=1)
        greeting_ends = await demo.until(rung.over.done, within=30)
        [greeting] = ears.heard(caller.media)
        assert greeting.until == pytest.approx(greeting_ends, abs=0.2)
        assert names(ears.heard(caller.media)) == [GREETING]
        await demo.people_leave()
        [*_, last] = await demo.stories()
        assert last.outcome is CallOutcome.PROMISE
        await demo.settled()


@virtual_time
async def test_row_v3_who_was_only_rung_for_another_has_not_come_off_the_phone(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", Habit())
        await (await demo.call_in(NUMBER, from_number=FIRST)).answered(within=8)
        other = await demo.call_in(NUMBER, from_number=SECOND)
        await anna.invited(2, within=2)
        await other.close()
        await asyncio.sleep(5)
        assert len(anna.invitations) == 2


@virtual_time
async def test_row_v3_who_is_away_is_not_rung(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", TAKES)
        own = await (await demo.call_from(anna, "101", "+48221230007")).answered(within=3)
        anna.habit = Habit()
        await (await demo.call_in(NUMBER)).answered(within=8)
        await demo.call_from(anna, "101", "*451")
        await asyncio.sleep(2)
        own.hang_up()
        await asyncio.sleep(5)
        assert len(anna.invitations) == 1


@virtual_time
async def test_row_v3_who_has_sent_the_caller_to_the_mailbox_does_not_get_them_back(tmp_path: Path) -> None:
    scheme = TO_ANNA + '[extension."300"]\nvoicemail = "sales"\n'
    async with office(tmp_path, scheme=scheme) as demo:
        anna = await demo.phone("101", TAKES)
        await (await demo.call_in(NUMBER)).answered(within=8)
        assert await refer(anna.invitations[0].leg, "300").result == 200
        await asyncio.sleep(5)
        assert len(anna.invitations) == 1


@virtual_time
async def test_row_c12_a_caller_who_hangs_up_in_the_last_chance_is_owed_a_call(tmp_path: Path) -> None:
    async with office(tmp_path, change=queue_with(**one_agent())) as demo:
        anna = await demo.phone("101", TAKES)
        talk = await (await demo.call_in(QUEUE, from_number=FIRST)).answered(within=3)
        caller = await (await demo.call_in(QUEUE, from_number=SECOND)).answered(within=3)
        await asyncio.sleep(25)
        anna.habit = Habit()
        talk.hang_up()
        rung = await anna.invited(2, within=1)
        await asyncio.sleep(1)
        caller.hang_up()
        await demo.until(rung.over.done, within=1)
        second = (await demo.stories())[1]
        assert second.outcome is CallOutcome.PROMISE
        assert "hung up in the voicemail greeting" in story(second)
        await demo.settled()
