"""Row Q6: the announced wait, in a simulated office of an afternoon."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

import pytest

from b2bua.call_queue.hall import Hall
from b2bua.call_queue.line import Line
from b2bua.people.occupancy import Occupancy
from b2bua.routing.plan import QueueSpec
from tests.harness.clock import virtual_time

AGENTS = ("anna", "piotr", "olena")
TALK_S = (60.0, 180.0)
BETWEEN_CALLS_S = 38.0
LEARNING_CALLS = 15
CALLS = 200
ANNOUNCE_EVERY_S = 15.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one caller was told."""

    at: float
    """Loop time."""
    position: int
    """Place in line."""
    wait_s: float
    """The estimate."""


@dataclass(slots=True)
class Simulation:
    """One line, its callers and their agents, without sound."""

    line: Line
    random: random.Random

    async def caller(self) -> tuple[list[Announcement], float]:
        """Wait and talk; return what was announced, and when an agent came."""
        loop = asyncio.get_running_loop()
        place = self.line.join()
        told: list[Announcement] = []
        offer = None
        while offer is None:
            told.append(Announcement(loop.time(), self.line.position(place), self.line.wait_seconds(place)))
            try:
                async with asyncio.timeout(ANNOUNCE_EVERY_S):
                    offer = await self.line.next_offer(place)
            except TimeoutError:
                continue
        self.line.leave(place)
        served = loop.time()
        (agent,) = offer.agents
        with offer.offered as offered:
            offered.answered(agent)
            self.line.pace.started(agent, served)
            await asyncio.sleep(self.random.uniform(*TALK_S))
            self.line.pace.finished(agent, loop.time())
        return told, served


async def afternoon(seed: int, *, wrap_up_s: float = 0.0) -> list[tuple[list[Announcement], float]]:
    """Return what the callers of one afternoon were told, and when they were served."""
    spec = QueueSpec("sales", AGENTS, strategy="roundrobin", wrap_up_s=wrap_up_s)
    simulation = Simulation(Hall(Occupancy(), lambda _: True).line(spec), random.Random(seed))
    between = BETWEEN_CALLS_S + wrap_up_s / len(AGENTS)
    async with asyncio.TaskGroup() as group:
        callers = []
        for _ in range(CALLS):
            callers.append(group.create_task(simulation.caller()))
            await asyncio.sleep(simulation.random.expovariate(1 / between))
    return [caller.result() for caller in callers]


@virtual_time
@pytest.mark.parametrize("wrap_up_s", [0.0, 30.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_row_q6_the_estimate_is_within_30_percent_of_the_wait(seed: int, wrap_up_s: float) -> None:
    told = (await afternoon(seed, wrap_up_s=wrap_up_s))[LEARNING_CALLS:]
    pairs = [(each.wait_s, served - each.at) for announced, served in told for each in announced]
    waits = [(guess, actual) for guess, actual in pairs if actual >= 60]
    assert len(waits) > 100
    close = sum(abs(guess - actual) <= 0.3 * actual for guess, actual in waits)
    assert close / len(waits) > 0.75
    assert mean(guess for guess, _ in waits) == pytest.approx(mean(actual for _, actual in waits), rel=0.1)


@virtual_time
async def test_row_q6_the_position_never_grows() -> None:
    for announced, _ in await afternoon(4):
        assert all(later.position <= earlier.position for earlier, later in pairwise(announced))
