"""Rows Q2 to Q5: who of the free agents gets the next call, and whose call, in one queue and in several."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from b2bua.call_queue.hall import Hall
from b2bua.call_queue.line import Line
from b2bua.demo.softphone import Habit
from b2bua.people.engaged import talking
from b2bua.people.occupancy import Occupancy
from b2bua.routing.plan import QueueSpec, QueueStrategy
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, office

AGENTS = ("anna", "piotr", "olena", "ivan", "eva", "jan")
QUEUE = "+48221230004"
FIRST, LONGEST, LATER = "+48500600001", "+48500600002", "+48500600003"
SUPPORT = """
[queue.support]
agents = ["101"]

[[step]]
queue = "support"

[[step]]
voicemail = "sales"
"""


def everybody(_: str) -> bool:
    return True


def line_of(strategy: QueueStrategy, *, hall: Hall | None = None) -> Line:
    hall = hall or Hall(Occupancy(), everybody, randomness=random.Random(1))
    return hall.line(QueueSpec("sales", AGENTS, strategy=strategy))


async def takes_one(line: Line, *, talks: float = 0.0) -> str:
    """Let a caller come into the line, and whoever is offered them talk; return who that was."""
    place = line.join()
    async with asyncio.timeout(1):
        offer = await line.next_offer(place)
    line.leave(place)
    assert offer is not None
    (agent,) = offer.agents
    with offer.offered as offered:
        offered.answered(agent)
        line.took(agent, rung_at=asyncio.get_running_loop().time())
        await asyncio.sleep(talks)
    return agent


@virtual_time
async def test_row_q2_an_agent_of_two_queues_gets_whoever_waits_longest_in_either(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SUPPORT) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0))
        talk = await (await demo.call_in(QUEUE, from_number=FIRST)).answered(within=2)
        await asyncio.sleep(3)
        await (await demo.call_in(NUMBER, from_number=LONGEST)).answered(within=1)
        await asyncio.sleep(20)
        await (await demo.call_in(QUEUE, from_number=LATER)).answered(within=1)
        await asyncio.sleep(20)
        talk.hang_up()
        freed = demo.now
        second = await anna.invited(2, within=2)
        assert second.at - freed < 0.2
        assert LONGEST in str(second.invite.request.headers.get("From"))
        await asyncio.sleep(10)
        second.leg.hang_up()
        third = await anna.invited(3, within=2)
        assert LATER in str(third.invite.request.headers.get("From"))


@virtual_time
async def test_row_q2_who_has_no_agents_free_holds_up_nobody_in_another_queue() -> None:
    hall = Hall(Occupancy(), everybody)
    sales, support = hall.line(QueueSpec("sales", ("anna",))), hall.line(QueueSpec("support", ("piotr",)))
    sales.join()
    second = sales.join()
    await asyncio.sleep(5)
    offer = await support.next_offer(support.join())
    assert offer is not None
    assert offer.agents == ("piotr",)
    assert not second.offer.done()


@virtual_time
async def test_row_q3_random_is_even_by_chi_square() -> None:
    line = line_of("random")
    count = 3000
    taken = Counter([await takes_one(line) for _ in range(count)])
    expected = count / len(AGENTS)
    chi_square = sum((taken[agent] - expected) ** 2 / expected for agent in AGENTS)
    assert 0.2 < chi_square < 20.5  # 5 degrees of freedom: p between 0.999 and 0.001


@virtual_time
async def test_row_q4_longest_idle_is_who_has_not_talked_for_longest_with_whomever() -> None:
    occupancy = Occupancy()
    line = line_of("longest-idle", hall=Hall(occupancy, everybody))
    assert [await takes_one(line, talks=5) for _ in AGENTS] == list(AGENTS)
    with talking(occupancy, "anna"):  # with somebody whom no queue sent
        await asyncio.sleep(5)
    assert [await takes_one(line) for _ in range(3)] == ["piotr", "olena", "ivan"]


@virtual_time
async def test_row_q4_being_rung_in_vain_is_no_talk() -> None:
    occupancy = Occupancy()
    line = line_of("longest-idle", hall=Hall(occupancy, everybody))
    for _ in AGENTS[1:]:
        await takes_one(line, talks=5)
    occupancy.offer("jan", until=asyncio.get_running_loop().time() + 20, now=0.0)
    await asyncio.sleep(21)
    occupancy.expire(asyncio.get_running_loop().time())
    assert await takes_one(line) == "jan"


@virtual_time
async def test_row_q4_fewest_calls_counts_those_of_today_in_all_queues() -> None:
    days = [date(2026, 11, 23)]
    hall = Hall(Occupancy(), everybody, today=lambda: days[-1])
    line = line_of("fewest-calls", hall=hall)
    other = hall.line(QueueSpec("other", ("anna",)))
    for _ in range(3):
        await takes_one(other)
    taken = Counter([await takes_one(line, talks=1) for _ in range(5 * 3)])
    assert taken == dict.fromkeys(AGENTS[1:], 3)
    assert Counter([await takes_one(line, talks=1) for _ in AGENTS]) == dict.fromkeys(AGENTS, 1)
    days.append(date(2026, 11, 24))
    await takes_one(other)
    assert await takes_one(line) != "anna"


@virtual_time
async def test_row_q5_linear_is_the_first_of_the_list_who_is_free() -> None:
    occupancy = Occupancy()
    line = line_of("linear", hall=Hall(occupancy, everybody))
    assert [await takes_one(line) for _ in range(3)] == ["anna"] * 3
    with talking(occupancy, "anna"), talking(occupancy, "piotr"):
        assert await takes_one(line) == "olena"


@virtual_time
@pytest.mark.parametrize("strategy", ["roundrobin", "longest-idle", "fewest-calls"])
async def test_row_q5_600_calls_are_spread_evenly_over_six(strategy: QueueStrategy) -> None:
    line = line_of(strategy)
    taken = Counter([await takes_one(line, talks=1) for _ in range(600)])
    assert taken == dict.fromkeys(AGENTS, 100)
