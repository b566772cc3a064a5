"""The office is told to stop: talks go on for a while, nobody else is taken, who waited is owed a call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit
from b2bua.sip.message import Headers, Request, parse_message
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.client import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, SERVER, Office, office

RING = '[[step]]\nring = ["anna"]\nfor = "20s"\n[[step]]\nvoicemail = "sales"\n'
MAILBOX = '[[step]]\nvoicemail = "sales"\n'


def patient(text: str) -> str:
    return text.replace("[office]\n", '[office]\nstop-waits = "30s"\n')


def stopping(demo: Office, hurry: asyncio.Event | None = None) -> asyncio.Task[None]:
    """Tell the office to stop."""
    return asyncio.create_task(demo.server.wind_down(hurry or asyncio.Event()))


@virtual_time
async def test_a_talk_goes_on_and_who_waits_is_owed_a_call_when_the_office_is_told_to_stop(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=RING, change=patient) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0))
        talking = await (await demo.call_in(NUMBER)).answered(within=5)
        anna.habit = Habit()
        waiting = await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        stopped = stopping(demo)
        with pytest.raises(CallRefused):
            await waiting.answered(within=1)
        with pytest.raises(CallRefused) as refused:
            await (await demo.call_in(NUMBER)).answered(within=1)
        assert refused.value.status == 503
        answers = demo.packets("SIP/2.0 503", to_port=demo.trunk_ports)
        assert parse_message(answers[-1].wire).headers.get("Retry-After") == "40"
        await asyncio.sleep(10)
        assert talking.is_up
        talking.hang_up()
        await asyncio.wait_for(stopped, 1)
        first, second = await demo.stories()
        assert first.outcome is CallOutcome.TALKED
        assert "stopped" not in story(first)
        assert second.outcome is CallOutcome.PROMISE


@virtual_time
async def test_rfc3261_11_2_who_asks_whether_calls_are_taken_is_told_that_they_are_not(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, change=patient) as demo:
        phone = await demo.softphone("asks", 6002)
        asking = Request("OPTIONS", "sip:127.0.0.1", Headers([]))
        assert (await phone.endpoint.request(asking, SERVER)).status == 200
        await stopping(demo)
        answer = await phone.endpoint.request(Request("OPTIONS", "sip:127.0.0.1"), SERVER)
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "40")


@pytest.mark.parametrize(("hurries_after", "lasts"), [(None, 30.0), (5.0, 5.0)])
@virtual_time
async def test_a_talk_ends_when_the_time_is_over_or_the_order_to_stop_comes_again(
    tmp_path: Path, hurries_after: float | None, lasts: float
) -> None:
    async with office(tmp_path, scheme=RING, change=patient) as demo:
        await demo.phone("101", Habit(answers_after=1.0))
        await (await demo.call_in(NUMBER)).answered(within=5)
        began, hurry = demo.now, asyncio.Event()
        stopped = stopping(demo, hurry)
        if hurries_after is not None:
            asyncio.get_running_loop().call_later(hurries_after, hurry.set)
        await stopped
        assert demo.now - began == pytest.approx(lasts, abs=0.1)
        await demo.server.calls.end()
        (told,) = await demo.stories()
        assert story(told).endswith("until the office was stopped")


@virtual_time
async def test_who_leaves_a_message_may_end_it_when_the_office_is_told_to_stop(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=MAILBOX, change=patient) as demo:
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        await demo.until(lambda: bool(demo.server.serving.roll.engaged), within=60)
        stopped = stopping(demo)
        await caller.play([Tone((440.0,), 8.0)])
        caller.hang_up()
        await asyncio.wait_for(stopped, 2)
        (told,) = await demo.stories()
        assert told.outcome is CallOutcome.MESSAGE


@virtual_time
async def test_a_message_that_is_not_at_its_end_when_the_office_stops_is_said_to_be_cut_short(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=MAILBOX, change=patient) as demo:
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        await demo.until(lambda: bool(demo.server.serving.roll.engaged), within=60)
        caller.loop([Tone((440.0,), 8.0)])
        await stopping(demo)
        await demo.server.calls.end()
        (told,) = await demo.stories()
        assert told.outcome is CallOutcome.MESSAGE
        assert story(told).endswith(", cut short")


@virtual_time
async def test_an_office_that_waits_for_no_talk_stops_at_once(tmp_path: Path) -> None:
    async with office(
        tmp_path, scheme=RING, change=lambda text: text.replace("[office]\n", "[office]\nstop-waits = 0\n")
    ) as demo:
        await demo.phone("101", Habit(answers_after=1.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        began = demo.now
        await stopping(demo)
        assert demo.now - began < 1
        await demo.until(lambda: not caller.is_up, within=1)


@virtual_time
async def test_help_can_be_called_while_the_office_waits_to_stop_and_goes_on_ringing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=RING, change=patient) as demo:
        anna, piotr = await demo.phone("101", Habit(answers_after=1.0)), await demo.phone("102")
        outside = await demo.mobiles()
        talking = await (await demo.call_in(NUMBER)).answered(within=5)
        rings = await demo.call_from(piotr, "102", "112")
        await outside.invited(within=2)
        stopped = stopping(demo)
        await asyncio.sleep(1)
        outside.habit = Habit(answers_after=1.0)
        help_ = await (await demo.call_from(anna, "101", "112")).answered(within=5)
        with pytest.raises(CallRefused) as refused:
            await (await demo.call_from(anna, "101", "102")).answered(within=5)
        assert refused.value.status == 503
        talking.hang_up()
        await rings.close()
        await asyncio.sleep(5)
        assert help_.is_up
        assert not stopped.done()
        help_.hang_up()
        await asyncio.wait_for(stopped, 1)
