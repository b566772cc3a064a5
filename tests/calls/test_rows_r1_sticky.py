"""Row R1: whoever talked with the caller today is rung first, and costs nothing when they cannot be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, MOBILES, SERVER, Office, office

STICKY = "+48221238888"
IN_TURN = f"""
[number."{STICKY}"]
scheme = "anna-first"
sticky = "today"
sticky-for = "8s"

[[scheme.anna-first.step]]
ring = ["101"]
for = "5s"

[[scheme.anna-first.step]]
ring = ["102", "mobile of olena"]
for = "20s"

[[scheme.anna-first.step]]
voicemail = "sales"
"""
TAKES_IT = Habit(answers_after=1)
BEFORE_MIDNIGHT = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
"""Ten minutes before midnight of Warsaw."""


def with_sticky(text: str) -> str:
    return text + IN_TURN


async def talk(demo: Office, *, seconds: float = 3, from_number: str = CALLER) -> float:
    """Call, talk and hang up; return when the call came."""
    began = demo.now
    leg = await (await demo.call_in(STICKY, from_number=from_number)).answered(within=30)
    await asyncio.sleep(seconds)
    leg.hang_up()
    await asyncio.sleep(1)
    return began


async def first_rung(demo: Office, *, from_number: str = CALLER) -> list[tuple[int, float]]:
    """Call, hang up 14 s later, and return which ports were rung after how long."""
    began = demo.now
    call = await demo.call_in(STICKY, from_number=from_number)
    await asyncio.sleep(14)
    await call.close()
    await asyncio.sleep(1)
    rung = [(packet.destination.port, round(packet.at - began, 1)) for packet in demo.packets("INVITE")]
    return [(port, at) for port, at in rung if at >= 0 and port in (5101, 5102, MOBILES[1])]


@virtual_time(limit_s=600)
async def test_row_r1_who_talked_today_rings_first_with_a_time_of_their_own(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", TAKES_IT)
        await talk(demo)
        piotr.habit = Habit()
        assert await first_rung(demo) == [(5102, 0), (5101, 8), (5102, 13), (5090, 13)]
        last = (await demo.stories())[-1]
        assert story(last).startswith("rang Piotr Zieliński 8 s, no answer; rang Anna Nowak 5 s, no answer")
        assert (await first_rung(demo, from_number="+48500999111"))[0] == (5101, 0)  # somebody else


@virtual_time(limit_s=600)
async def test_row_r1_who_is_offline_costs_no_time(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", TAKES_IT)
        await talk(demo)
        await piotr.register(SERVER, "102", "demo-102", expires=0)
        assert (await first_rung(demo))[0] == (5101, 0)
        assert story((await demo.stories())[-1]).startswith("Piotr Zieliński's phone was off; rang Anna")


@virtual_time(limit_s=1200)
async def test_row_r1_today_ends_at_midnight_of_the_office(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky, at=BEFORE_MIDNIGHT) as demo:
        anna = await demo.phone("101")
        piotr = await demo.phone("102", TAKES_IT)
        await talk(demo)
        piotr.habit = Habit()
        await asyncio.sleep(8 * 60)
        assert (await first_rung(demo))[0] == (5102, 0)  # 23:58
        await anna.register(SERVER, "101", "demo-101")
        await piotr.register(SERVER, "102", "demo-102")
        await asyncio.sleep(3 * 60)
        assert (await first_rung(demo))[0] == (5101, 0)  # 00:01


@virtual_time(limit_s=600)
async def test_row_r1_only_talks_count_and_the_last_one_most(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky) as demo:
        anna = await demo.phone("101")
        piotr = await demo.phone("102")
        assert (await first_rung(demo))[0] == (5101, 0)
        piotr.habit = TAKES_IT
        assert (await first_rung(demo))[0] == (5101, 0)  # both were rung before, nobody had answered
        anna.habit, piotr.habit = TAKES_IT, Habit()
        await talk(demo)
        anna.habit = Habit()
        assert (await first_rung(demo))[:2] == [(5101, 0), (5101, 8)]


@virtual_time(limit_s=600)
async def test_row_r1_whom_one_of_us_has_called_reaches_them_as_well(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102")
        await demo.mobiles(TAKES_IT)
        outgoing = await demo.call_from(piotr, "102", "500 600 700")
        leg = await outgoing.answered(within=5)
        await asyncio.sleep(3)
        leg.hang_up()
        await asyncio.sleep(1)
        assert (await first_rung(demo))[0] == (5102, 0)


@virtual_time(limit_s=600)
async def test_row_r1_d5_who_talked_on_a_mobile_is_rung_there_and_asked(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky) as demo:
        await demo.phone("101")
        mobiles = await demo.mobiles(TAKES_IT)
        await talk(demo)
        began = demo.now
        call = await demo.call_in(STICKY)
        again = await mobiles.invited(2, within=2)
        assert again.at - began == pytest.approx(0, abs=0.2)
        await asyncio.sleep(4)
        assert 200 not in [status for _, status in call.statuses]  # it may be her voicemail
        again.leg.media.send_digits("1")
        leg = await call.answered(within=2)
        leg.hang_up()
        assert "talked with Olena Kovalenko's mobile" in story((await demo.stories())[-1])


@virtual_time(limit_s=600)
async def test_row_r1_a_caller_without_a_number_is_nobody_we_know(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_sticky) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", TAKES_IT)
        await talk(demo, from_number="anonymous")
        piotr.habit = Habit()
        assert (await first_rung(demo, from_number="anonymous"))[0] == (5101, 0)


@virtual_time(limit_s=600)
async def test_row_r1_a_number_that_is_not_sticky_begins_with_its_scheme(tmp_path: Path) -> None:
    def plainly(text: str) -> str:
        return with_sticky(text).replace('sticky = "today"', "")

    async with office(tmp_path, change=plainly) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", TAKES_IT)
        await talk(demo)
        piotr.habit = Habit()
        assert (await first_rung(demo))[0] == (5101, 0)
