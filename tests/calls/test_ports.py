"""RTP ports that run out: who does not fit is told so, and fits as soon as somebody has left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit
from b2bua.sip.message import parse_message
from b2bua.store.calls import CallOutcome
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, TO_ANNA, assert_both_hear, office

ECHO = "+48221230007"


@virtual_time(limit_s=600)
async def test_q12_a_caller_beyond_the_ports_gets_503_with_retry_after_one_line_of_log_and_a_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office(tmp_path, ports=(20000, 20003)) as demo:
        first, second = [await (await demo.call_in(ECHO)).answered(within=5) for _ in range(2)]
        with pytest.raises(CallRefused, match="503"):
            await (await demo.call_in(ECHO)).answered(within=5)
        (refusal,) = demo.packets("SIP/2.0 503")
        assert parse_message(refusal.wire).headers.get("Retry-After") == "5"
        lines = [line for line in capsys.readouterr().out.splitlines() if "[error" in line]
        assert len(lines) == 1
        assert "all 2 RTP port pairs are in use" in lines[0]
        assert "widen `ports` of [rtp]" in lines[0]
        await asyncio.sleep(5)  # by then it was said that this is an echo
        first.hang_up()
        await asyncio.sleep(0.1)
        third = await (await demo.call_in(ECHO)).answered(within=5)
        await asyncio.sleep(5)
        for leg in (second, third):
            leg.hang_up()
        outcomes = [story.outcome for story in await demo.stories()]
        served = CallOutcome.SELF_SERVED
        assert outcomes == [served, served, CallOutcome.PROMISE, served]
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_caller_for_whose_callee_no_port_is_left_goes_to_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ports=(20000, 20001)) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        assert not anna.invitations
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "[error" in line]
        assert "could not be rung" in line
        assert "widen `ports` of [rtp]" in line
        caller.media.send_digits("#")
        await asyncio.sleep(5)
        caller.hang_up()
        (call,) = await demo.stories()
        assert "all 1 RTP port pairs are in use" in " ".join(event.detail for event in call.events)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_q12_a_callee_is_reached_by_the_ports_of_another_worker_and_503_is_said_when_all_are_in_use(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ports=(20000, 20007), workers=2) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        for _ in range(2):
            await (await demo.call_in(ECHO)).answered(within=5)
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        await assert_both_hear(caller, anna.invitations[0].leg, tmp_path)
        assert [slot.load for slot in demo.server.engine.slots] == [3, 1]
        with pytest.raises(CallRefused, match="503"):
            await (await demo.call_in(ECHO)).answered(within=5)
        assert len(demo.packets("INVITE", to_port=5101)) == 1


@virtual_time(limit_s=600)
async def test_ports_are_given_back_by_calls_that_nobody_answered_and_that_were_cancelled(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ports=(20000, 20003)) as demo:
        await demo.phone("101")
        for _ in range(5):
            call = await demo.call_in(NUMBER)
            await asyncio.sleep(2)
            await call.close()
            await asyncio.sleep(1)
        assert not demo.packets("SIP/2.0 503")
        await demo.settled()
