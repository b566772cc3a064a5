"""Whether somebody's turn in a staggered ringing has come: looked up once for all of their phones."""

from __future__ import annotations

import asyncio

from b2bua.call.callee import Reached
from b2bua.ringing.turns import Turn
from tests.harness.clock import virtual_time


@virtual_time
async def test_a_turn_is_looked_up_once_for_all_phones_though_one_of_them_is_called_off() -> None:
    asked: list[float] = []

    async def look_up() -> Reached:
        asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        return Reached("Anna Nowak", ())

    turn = Turn(look_up)
    first, second, third = (asyncio.create_task(turn.has_come()) for _ in range(3))
    await asyncio.sleep(0.5)
    first.cancel()
    assert await asyncio.gather(second, third) == [False, False]
    assert first.cancelled()
    assert len(asked) == 2  # what the first one found is lost with it
    assert len(asyncio.all_tasks()) == 1
