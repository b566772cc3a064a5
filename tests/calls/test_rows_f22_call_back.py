"""Row F22: a colleague who cannot help promises to call back, by a code of their phone."""

from __future__ import annotations

import asyncio
from itertools import groupby
from pathlib import Path

from b2bua.demo.softphone import Habit, Softphone
from b2bua.store.promises import Promise, PromiseStatus
from b2bua.store.story import story
from tests.calls.test_media_worker_dies import START_S, crash_and_steal, refuse
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, Office, office
from tests.harness.prompts import Ears, marked_office, names

ANNA, CODE = "+48221230001", "*47"
DIGITS = ["plus", *(f"number-{digit}" for digit, _ in groupby(CALLER[1:]))]
"""As they are heard: two of the same sound like a long one."""


async def dial(demo: Office, phone: Softphone, ears: Ears | None = None) -> list[str]:
    """Dial the code and return what was heard."""
    call = await demo.call_from(phone, "101", CODE)
    leg = await call.answered(within=2)
    began = demo.now
    await demo.until(lambda: not leg.is_up, within=20)
    return [] if ears is None else names(ears.heard(leg.media, since=began))


async def promises(demo: Office) -> list[tuple[str, str, PromiseStatus]]:
    """Return number, owner and state of all promises, the oldest first."""
    await asyncio.sleep(1)
    found: list[Promise] = await demo.server.store.promises.latest()
    return [(each.caller, each.owner, each.status) for each in found[::-1]]


@virtual_time(limit_s=600)
async def test_row_f22_a_code_during_the_call_opens_a_promise_that_is_theirs(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        anna = await demo.phone("101", Habit(answers_after=1))
        leg = await (await demo.call_in(ANNA)).answered(within=2)
        await asyncio.sleep(3)
        heard = await dial(demo, anna, ears)  # on her second line
        assert heard == ["call-back-noted", *DIGITS]
        assert await promises(demo) == [(CALLER, "anna", PromiseStatus.OPEN)]
        await asyncio.sleep(2)
        leg.hang_up()
        await asyncio.sleep(1)
        assert await promises(demo) == [(CALLER, "anna", PromiseStatus.OPEN)]  # this talk does not keep it
        [talk] = [each for each in await demo.stories() if each.call.direction == "in"]
        assert story(talk).startswith("Anna Nowak promised to call back; talked with Anna Nowak for ")
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f22_after_the_call_it_means_the_last_one_and_a_talk_keeps_it(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        await demo.mobiles(Habit(answers_after=1))
        for number in ("+48500111222", CALLER):
            leg = await (await demo.call_in(ANNA, from_number=number)).answered(within=2)
            await asyncio.sleep(2)
            leg.hang_up()
            await asyncio.sleep(1)
        await dial(demo, anna)
        await dial(demo, anna)  # once more changes nothing
        assert await promises(demo) == [(CALLER, "anna", PromiseStatus.OPEN)]
        back = await (await demo.call_from(anna, "101", CALLER)).answered(within=5)
        await asyncio.sleep(2)
        back.hang_up()
        assert await promises(demo) == [(CALLER, "anna", PromiseStatus.KEPT)]


@virtual_time(limit_s=600)
async def test_row_f22_a_talk_whose_sound_was_lost_keeps_no_promise(tmp_path: Path) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        await demo.mobiles(Habit(answers_after=1))
        leg = await (await demo.call_in(ANNA, from_number=CALLER)).answered(within=2)
        await asyncio.sleep(2)
        leg.hang_up()
        await asyncio.sleep(1)
        await dial(demo, anna)
        back = await (await demo.call_from(anna, "101", CALLER)).answered(within=5)
        assert back.session is not None
        back.session.on_offer = refuse
        await crash_and_steal(demo, back)
        async with asyncio.timeout(3):
            await asyncio.wait({back.ended})
        await demo.stories()
        assert await promises(demo) == [(CALLER, "anna", PromiseStatus.OPEN)]


@virtual_time(limit_s=600)
async def test_row_f22_who_talked_with_nobody_outside_is_told_so(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        anna = await demo.phone("101", Habit(answers_after=1))
        await demo.phone("102", Habit(answers_after=1))
        colleague = await (await demo.call_from(anna, "101", "102")).answered(within=5)
        await asyncio.sleep(2)
        colleague.hang_up()
        await asyncio.sleep(1)
        withheld = await (await demo.call_in(ANNA, from_number="anonymous")).answered(within=2)
        await asyncio.sleep(2)
        withheld.hang_up()
        await asyncio.sleep(1)
        assert await dial(demo, anna, ears) == ["call-back-nobody"]
        assert [owner for _, owner, _ in await promises(demo) if owner] == []
