"""Row D6 with the started product: an answer in the middle of an announcement, heard by the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.transport.hop import Hop
from media.commands import Tone
from tests.harness.hearing import FRAME_S, MARKER_DB, Hearing, Party, deaf
from tests.harness.markers import with_marked_prompts
from tests.harness.ports import HOST
from tests.harness.product import Product
from tests.interop.carrier import carrier_call
from tests.interop.softphones import softphone

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBER = "+48221240606"
AGENT_HZ, CALLER_HZ = 1750.0, 600.0
"""Between the tones of the prompts."""
CUT_S = 0.1
BUSY_MACHINE_S = 0.5
WELCOMED = f"""
[number."{NUMBER}"]
scheme = "welcomed"
[queue.welcomed]
agents = ["101"]
[[scheme.welcomed.step]]
queue = "welcomed"
[[scheme.welcomed.step]]
voicemail = "sales"
"""


@asynccontextmanager
async def agent(office: Product, *, answers_after: float) -> AsyncIterator[Softphone]:
    """Return a phone of 101 that answers and has a tone to say."""
    async with softphone("phone 101") as phone:
        phone.habit = Habit(answers_after=answers_after)
        assert (await phone.register(Hop("udp", HOST, office.port), "101", "demo-101")).status == 200
        yield phone


async def test_row_d6_an_answer_cuts_the_announcement_within_100_ms(tmp_path: Path) -> None:
    now = asyncio.get_running_loop().time
    with Product.running(tmp_path / "office", extra=WELCOMED, change=with_marked_prompts) as office:
        async with (
            agent(office, answers_after=1.0) as phone,
            carrier_call(office, NUMBER) as first,
            busy(phone),
            carrier_call(office, NUMBER) as caller,
        ):
            began, tape = now(), caller.media.record(tmp_path / "caller.wav")
            first.hang_up()
            offered = await phone.invited(2, within=10)
            async with asyncio.timeout(10):
                while not offered.leg.is_answered:
                    await asyncio.sleep(FRAME_S / 4)
            answered = now() - began
            tapes = tape, offered.leg.media.record(tmp_path / "agent.wav")
            offered.leg.loop([Tone((AGENT_HZ,), 1.0)])
            caller.loop([Tone((CALLER_HZ,), 1.0)])
            await asyncio.sleep(3.0)  # longer than what is left of the announcement
            for each in tapes:
                await each.stop()
        office.assert_log_is_clean()
    heard = Hearing.of_file(tmp_path / "caller.wav")
    [welcome] = heard.prompts()
    said = heard.times_of(AGENT_HZ, above_db=MARKER_DB)
    assert welcome.prompt == "queue-welcome"
    assert welcome.at < answered - 0.3, "an announcement was under way"
    assert welcome.until - answered < CUT_S + BUSY_MACHINE_S
    assert said[0] - answered < CUT_S + BUSY_MACHINE_S
    agent_heard = Hearing.of_file(tmp_path / "agent.wav")
    talk = Party("caller", CALLER_HZ, heard), Party("agent", AGENT_HZ, agent_heard)
    assert deaf(*talk, for_s=2.0, above_db=MARKER_DB) == []
    assert heard.clipping() == agent_heard.clipping() == []


@asynccontextmanager
async def busy(phone: Softphone) -> AsyncIterator[None]:
    """Play the block once the phone talks."""
    invitation = await phone.invited(within=10)
    async with asyncio.timeout(10):
        while not invitation.leg.is_answered:
            await asyncio.sleep(FRAME_S)
    yield
