"""The menu, digits and extensions on the demo office, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.prompts import marked_office, names

MENU = "+48221230003"


@virtual_time(limit_s=600)
async def test_row_i8_a_silent_caller_reaches_reception_after_two_plays_in_less_than_45_s(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        reception = await demo.phone("104", Habit(answers_after=1.0))
        began = demo.now
        caller = await (await demo.call_in(MENU)).answered(within=1)
        invitation = await reception.invited(within=45)
        assert invitation.at - began < 45
        await asyncio.sleep(2)
        heard = ears.heard(caller.media)
        print(heard, invitation.at)
        assert names(heard) == ["menu-demo", "no-input", "menu-demo", "no-input"]
        caller.hang_up()
