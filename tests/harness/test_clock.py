"""The virtual clock jumps, but never while work outside the loop is under way."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiosqlite
import pytest

from tests.harness.clock import DeadlockError, OutOfTimeError, run_virtually, virtual_time


@virtual_time
async def test_a_day_passes_in_an_instant() -> None:
    loop, started = asyncio.get_running_loop(), time.monotonic()
    await asyncio.sleep(86400 * 2)
    assert loop.time() == pytest.approx(86400 * 2, abs=1e-3)
    assert time.monotonic() - started < 5


@virtual_time
async def test_timers_fire_in_order_at_their_time() -> None:
    loop = asyncio.get_running_loop()
    fired: list[float] = []
    for delay in (3.0, 0.1, 0.7, 2.0):
        loop.call_later(delay, lambda: fired.append(round(loop.time(), 3)))
    await asyncio.sleep(4)
    assert fired == [0.1, 0.7, 2.0, 3.0]


@virtual_time
async def test_executor_jobs_take_no_virtual_time() -> None:
    async with asyncio.timeout(0.001):
        await asyncio.to_thread(time.sleep, 0.05)
    assert asyncio.get_running_loop().time() < 0.001


@virtual_time
async def test_database_statements_take_no_virtual_time(tmp_path: Path) -> None:
    async with asyncio.timeout(0.001), aiosqlite.connect(tmp_path / "x.db") as database:
        await database.execute("create table t (n integer)")
        for n in range(20):
            await database.execute("insert into t values (?)", (n,))
        await database.commit()


def test_a_deadlock_says_who_waits() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError, match=r"test_clock\.py"):
        run_virtually(story())


def test_a_story_that_never_ends_runs_out_of_time() -> None:
    async def story() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(OutOfTimeError, match="after 50 s"):
        run_virtually(story(), limit_s=50)
