"""Rows Q2, Q16 and D2 under stress: whoever hangs up, declines or disappears, nothing is left over."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from b2bua.call_queue.hall import Hall
from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.people.occupancy import Occupancy
from b2bua.routing.plan import QueueSpec
from b2bua.store.calls import CallOutcome, EventKind
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import SERVER, Office, office
from tests.harness.prompts import marked_office

QUEUE = "+48221230004"
AGENTS = ("101", "102", "103")
CALLERS = 12
SHIFT_S = 150.0
SERVED = {CallOutcome.TALKED, CallOutcome.PROMISE, CallOutcome.MESSAGE}


def any_habit(dice: random.Random) -> Habit:
    """Return how a phone takes its next call."""
    match dice.randrange(6):
        case 0:
            return Habit()
        case 1:
            return Habit(
                refuses_with=dice.choice([486, 480, 603, 503, 302]), refuses_after=dice.uniform(0, 3)
            )
        case 2:
            return Habit(rings=False, answers_after=dice.uniform(0, 6))
        case _:
            return Habit(answers_after=dice.choice([0.0, 0.001, dice.uniform(0, 8)]))


async def caller(demo: Office, dice: random.Random) -> None:
    """Call after a while, wait, perhaps lose patience."""
    await asyncio.sleep(dice.uniform(0, SHIFT_S))
    placed = await demo.call_in(QUEUE)
    patience = dice.choice([0.0, 0.002, 1.0, dice.uniform(0, 90), 200.0])
    try:
        leg = await placed.answered(within=60)
    except CallRefused:
        return
    await asyncio.wait({leg.ended}, timeout=patience)
    leg.hang_up()


async def agent(demo: Office, phone: Softphone, extension: str, dice: random.Random) -> None:
    """Talk a little with everybody; now and then go offline and come back."""
    phone.choose_habit = lambda _: any_habit(dice)
    while True:
        await asyncio.sleep(dice.uniform(0.5, 20))
        for invitation in phone.invitations:
            if invitation.leg.is_answered:
                invitation.leg.hang_up()
        if dice.random() < 0.15:
            await phone.register(SERVER, extension, f"demo-{extension}", expires=0)
            await asyncio.sleep(dice.uniform(0, 20))
            await phone.register(SERVER, extension, f"demo-{extension}")


@virtual_time(limit_s=1800)
@pytest.mark.parametrize("strategy", ["roundrobin", "ringall"])
@pytest.mark.parametrize("seed", range(4))
async def test_row_q2_a_wild_shift_leaves_nobody_and_nothing_behind(
    seed: int, strategy: str, tmp_path: Path
) -> None:
    dice = random.Random(seed)

    def change(text: str) -> str:
        return text.replace('"roundrobin"', f'"{strategy}"').replace(
            "[queue.sales]\n", f'[queue.sales]\nwrap-up = "{seed}s"\n'
        )

    async with office(tmp_path, change=change) as demo:
        await demo.mobiles(Habit(answers_after=5.0))
        phones = {extension: await demo.phone(extension) for extension in AGENTS}
        working = [asyncio.create_task(agent(demo, phone, name, dice)) for name, phone in phones.items()]
        await asyncio.gather(*(caller(demo, dice) for _ in range(CALLERS)))
        for task in working:
            task.cancel()
        await demo.people_leave()
        stories = await demo.stories()
        assert len(stories) == CALLERS
        assert {each.outcome for each in stories} <= SERVED
        await demo.settled()
        line = demo.server.serving.queues.hall.lines.get("sales")
        assert line is None or line.callers == 0


@virtual_time(limit_s=600)
@pytest.mark.parametrize("step", range(12))
async def test_row_d2_caller_and_agent_decide_in_the_same_instant(step: int, tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", Habit(answers_after=2.0))
        leg = await (await demo.call_in(QUEUE)).answered(within=1)
        await anna.invited(within=1)
        await asyncio.sleep(1.995 + step * 0.001)
        leg.hang_up()
        (only,) = await demo.stories()
        if step < 4:
            assert only.outcome is CallOutcome.PROMISE
        if step > 6:  # between these either is right
            assert only.outcome is CallOutcome.TALKED
        talks = [event for event in only.events if event.kind is EventKind.TALKED]
        assert len(talks) == (only.outcome is CallOutcome.TALKED)
        await asyncio.sleep(1)
        assert not anna.invitations[0].leg.is_up, "she is not left talking to nobody"
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=600)
@pytest.mark.parametrize("step", range(8))
async def test_row_q16_an_answer_in_the_instant_in_which_the_wait_is_over(step: int, tmp_path: Path) -> None:
    def change(text: str) -> str:
        return text.replace('max-wait = "60s"', 'max-wait = "10s"')

    async with marked_office(tmp_path, change=change) as (demo, ears):
        anna = await demo.phone("101", Habit(answers_after=9.996 + step * 0.001))
        leg = await (await demo.call_in(QUEUE)).answered(within=1)
        await asyncio.sleep(12)
        is_talking = anna.invitations[0].leg.is_up
        is_greeted = bool(ears.heard(leg.media, since=demo.now - 1))
        assert is_talking != is_greeted, "either the talk or the voicemail, never both"
        leg.hang_up()
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_q2_a_missing_piece_of_music_loses_no_caller(tmp_path: Path) -> None:
    def change(text: str) -> str:
        return text.replace("[queue.sales]\n", '[queue.sales]\nmusic = "never-recorded"\n')

    async with office(tmp_path, change=change) as demo:
        anna = await demo.phone("101", Habit(answers_after=3.0))
        leg = await (await demo.call_in(QUEUE)).answered(within=1)
        await asyncio.sleep(5)
        assert anna.invitations[0].leg.is_answered
        leg.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.TALKED


@virtual_time(limit_s=600)
async def test_row_q2_an_offer_that_a_leaving_caller_did_not_take_up_goes_to_the_next() -> None:
    occupancy = Occupancy()
    line = Hall(occupancy, lambda _: True).line(QueueSpec("sales", ("anna",)))
    first, second = line.join(), line.join()
    assert not occupancy.is_free("anna", 0.0)
    line.leave(first)
    offer = await line.next_offer(second)
    assert offer is not None
    assert offer.agents == ("anna",)
    with offer.offered:
        line.declined(second, offer, dead=frozenset(), after_s=1.0)
    line.leave(second)
    assert occupancy.is_free("anna", 0.0)
    assert line.callers == 0


@virtual_time(limit_s=600)
async def test_row_q5_an_agent_who_calls_out_instead_of_answering_delays_nobody(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.mobiles(Habit(answers_after=1.0))
        anna = await demo.phone("101", Habit())
        piotr = await demo.phone("102", Habit())
        began = demo.now
        leg = await (await demo.call_in(QUEUE)).answered(within=1)
        await asyncio.sleep(5)
        own = await (await demo.call_from(anna, "101", "+48600100201")).answered(within=5)
        rung = await piotr.invited(within=20)
        assert rung.at - began == pytest.approx(20.0, abs=0.3)
        for each in (leg, own):
            each.hang_up()
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d10_who_died_in_the_queue_holds_no_agent_and_is_owed_a_call(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        for extension in ("101", "102"):
            await demo.phone(extension, Habit())
        olena = await demo.phone("103", Habit(answers_after=10.0))
        caller = await (await demo.call_in(QUEUE)).answered(within=1)
        caller.loop([Tone((700.0,), 1.0)])
        await asyncio.sleep(5)
        host, port = caller.media.address
        demo.rtp.drop = lambda _, source, __: source in ((host, port), (host, port + 1))
        agent = (await olena.invited(within=60)).leg
        agent.loop([Tone((900.0,), 1.0)])
        await asyncio.wait({agent.ended}, timeout=10 + 35)
        assert agent.ended.done()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE
        assert (only.events[-1].kind, only.events[-1].detail) == (EventKind.TALKED, "the sound was lost")
