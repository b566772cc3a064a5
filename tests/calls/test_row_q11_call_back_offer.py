"""Row Q11: who waits in a queue may press 1 and be called back instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.calls.test_rows_q_queue import QUEUE, everybody_talks, number, positions, queue_with, waiting
from tests.harness.clock import virtual_time
from tests.harness.prompts import marked_office, names

OFFERED: Callable[[str], str] = queue_with(**{"offer-call-back": "true"})


@virtual_time(limit_s=600)
async def test_row_q11_who_presses_1_is_promised_a_call_and_the_next_moves_up(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=OFFERED) as (demo, ears):
        await everybody_talks(demo)
        first, second = await waiting(demo, 1), await waiting(demo, 2)
        await asyncio.sleep(14)
        assert names(ears.heard(first.media))[-1] == "callback-offer"
        assert positions(ears.heard(second.media))[0][1] == 2
        first.media.send_digits("1")
        pressed = demo.now
        await demo.until(lambda: not first.is_up, within=15)
        assert names(ears.heard(first.media, since=pressed + 0.3)) == ["call-back-promise…", "goodbye"]
        await asyncio.sleep(20)
        assert positions(ears.heard(second.media))[-1][1] == 1
        [promise] = await demo.server.store.promises.open()
        assert (promise.caller, promise.why) == (number(1), "asked to be called back")
        told = [one for one in await demo.server.store.journal.calls() if one.call.caller == number(1)]
        assert told[0].outcome is CallOutcome.PROMISE
        assert "in the queue sales, asked to be called back" in story(told[0])


@virtual_time(limit_s=600)
async def test_row_q11_a_phone_that_rings_for_who_asks_stops_at_once(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=OFFERED) as (demo, _):
        phone = await demo.phone("101", Habit())
        caller = await waiting(demo, 1)
        invitation = await phone.invited(within=2)
        await asyncio.sleep(2)
        caller.media.send_digits("21")  # keys that mean nothing are passed over
        asked = demo.now
        await demo.until(lambda: not invitation.leg.is_up, within=2)
        assert demo.now - asked < 0.5
        await demo.until(lambda: not caller.is_up, within=15)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_q11_who_asks_at_once_is_called_though_who_hangs_up_as_soon_is_not(tmp_path: Path) -> None:
    def returning(text: str) -> str:
        called = text.replace(f'[number."{QUEUE}"]', f'[number."{QUEUE}"]\nreturn-call = "soon"')
        return OFFERED(called) + '\n[return-call.soon]\nafter = "30s"\nignore-under = "60s"\n'

    async with marked_office(tmp_path, change=returning) as (demo, _):
        await everybody_talks(demo)
        customer = await demo.mobiles(Habit())
        first, second = await waiting(demo, 1), await waiting(demo, 2)
        await asyncio.sleep(5)
        first.media.send_digits("1")
        second.hang_up()
        await demo.until(lambda: not first.is_up, within=15)
        await customer.invited(within=35)
        await asyncio.sleep(30)
        assert [one.invite.request.uri for one in customer.invitations] == [f"sip:{number(1)}@127.0.0.1:5090"]


@virtual_time(limit_s=600)
@pytest.mark.parametrize("caller", ["anonymous", "+48221230001"])
async def test_row_q11_who_cannot_be_called_is_offered_nothing(tmp_path: Path, caller: str) -> None:
    async with marked_office(tmp_path, change=OFFERED) as (demo, ears):
        await everybody_talks(demo)
        leg = await (await demo.call_in(QUEUE, from_number=caller)).answered(within=1)
        await asyncio.sleep(16)
        leg.media.send_digits("1")
        await asyncio.sleep(4)
        assert leg.is_up
        assert not [one for one in ears.heard(leg.media) if one.prompt == "callback-offer"]
