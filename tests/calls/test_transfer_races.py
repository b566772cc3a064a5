"""Transfers, take-overs, pick-ups and hang-ups in the same instant: everybody is connected or let go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit, PlacedCall
from tests.call.test_same_instant import after_turns, answers
from tests.calls.test_pickup import QUEUED, replacing
from tests.calls.test_transfer import ANSWERS, dialog_of, refer
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, TO_ANNA, Office, office

TURNS = range(0, 20, 2)


@dataclass
class Stage:
    """A customer who talks with Anna, Anna who talks with Piotr, and Olena, who is free."""

    demo: Office
    customer: Leg
    first: Leg
    """Anna's leg of the talk with the customer."""
    second: Leg
    """Anna's leg of the talk with Piotr, whom she called."""
    piotr: Leg

    def everybody(self) -> Iterator[Leg]:
        """Return the legs of all phones."""
        yield self.customer
        yield self.second
        for phone in self.demo.phones.values():
            yield from (invitation.leg for invitation in phone.invitations)

    async def take_over(self, leg: Leg, extension: str) -> PlacedCall:
        """Let a phone call in place of ``leg``."""
        return await replacing(self.demo.phones[extension], extension, dialog_of(leg), sent_by="101")


def refers_blind(stage: Stage) -> object:
    return refer(stage.first, "103")


def refers_blind_what_she_placed(stage: Stage) -> object:
    return refer(stage.second, "103")


def piotr_refers_blind(stage: Stage) -> object:
    return refer(stage.piotr, "103")


def joins_both(stage: Stage) -> object:
    return refer(stage.first, "102", replaces=dialog_of(stage.second))


def joins_both_the_other_way(stage: Stage) -> object:
    return refer(stage.second, "x", replaces=dialog_of(stage.first))


def customer_leaves(stage: Stage) -> None:
    stage.customer.hang_up()


def piotr_leaves(stage: Stage) -> None:
    stage.piotr.hang_up()


def anna_leaves_the_first(stage: Stage) -> None:
    stage.first.hang_up()


def anna_leaves_the_second(stage: Stage) -> None:
    stage.second.hang_up()


Action = Callable[[Stage], object]
CLASHES: tuple[tuple[Action, Action, bool], ...] = (
    (refers_blind, customer_leaves, False),
    (refers_blind, anna_leaves_the_first, True),
    (refers_blind, joins_both, True),
    (refers_blind_what_she_placed, piotr_leaves, True),
    (refers_blind_what_she_placed, anna_leaves_the_second, True),
    (refers_blind_what_she_placed, piotr_refers_blind, True),
    (joins_both, customer_leaves, False),
    (joins_both, piotr_leaves, False),
    (joins_both, piotr_refers_blind, True),
    (joins_both, joins_both_the_other_way, True),
)
"""What is asked in the same instant, and whether the customer talks with somebody thereafter."""


async def set_up(demo: Office) -> Stage:
    anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102", ANSWERS)
    await demo.phone("103", ANSWERS)
    customer = await (await demo.call_in(NUMBER)).answered(within=20)
    first = (await anna.invited(within=5)).leg
    second = await (await demo.call_from(anna, "101", "102")).answered(within=10)
    await asyncio.sleep(1)
    return Stage(demo, customer, first, second, (await piotr.invited(within=1)).leg)


async def check_the_end(demo: Office, legs: Callable[[], Iterator[Leg]], calls: int) -> None:
    """Check that who is up talks with somebody, and that all ends when they hang up."""
    await asyncio.sleep(10)
    up = [leg for leg in legs() if leg.is_up and leg.is_answered]
    assert demo.server.engine.legs == len(up)
    assert len(up) % 2 == 0
    for leg in up:
        leg.hang_up()
        await asyncio.sleep(0.1)
    assert not any(leg.is_up and leg.is_answered for leg in legs())
    assert all(call.outcome is not None for call in await demo.stories_of(calls))
    await demo.settled()


def play(folder: Path, scheme: str, story: Callable[[Office], Awaitable[None]]) -> None:
    folder.mkdir()

    @virtual_time
    async def tell() -> None:
        async with office(folder, scheme=scheme) as demo:
            await story(demo)

    tell()


@pytest.mark.parametrize(
    ("one", "other", "talks"),
    [pytest.param(*each, id=f"{each[0].__name__}-{each[1].__name__}") for each in CLASHES],
)
def test_rfc5589_what_is_asked_in_the_same_instant_leaves_nobody_alone(
    one: Action, other: Action, talks: bool, tmp_path: Path
) -> None:
    for turns in TURNS:

        async def story(demo: Office, turns: int = turns) -> None:
            stage = await set_up(demo)
            demo.network.latency_s = 0.0
            one(stage)
            after_turns(turns, lambda: other(stage) and None)
            await asyncio.sleep(1)
            assert stage.customer.is_up is talks
            await check_the_end(demo, stage.everybody, 2)

        play(tmp_path / str(turns), TO_ANNA, story)


def test_rfc3891_3_of_two_who_take_over_in_the_same_instant_one_has_the_call(tmp_path: Path) -> None:
    for turns in TURNS:

        async def story(demo: Office, turns: int = turns) -> None:
            stage = await set_up(demo)
            stage.second.hang_up()
            await asyncio.sleep(1)
            demo.network.latency_s = 0.0
            asked: list[asyncio.Task[PlacedCall]] = []

            def ask(extension: str) -> None:
                asked.append(asyncio.create_task(stage.take_over(stage.first, extension)))

            ask("102")
            after_turns(turns, lambda: ask("103"))
            await asyncio.sleep(1)
            placed = [await one for one in asked]
            has_it = [one.leg.is_answered and one.leg.is_up for one in placed]
            assert sorted(has_it) == [False, True]
            assert not stage.first.is_up
            (winner,) = [one.leg for one, has in zip(placed, has_it, strict=True) if has]
            await check_the_end(demo, lambda: iter([*stage.everybody(), winner]), 2)

        play(tmp_path / str(turns), TO_ANNA, story)


@pytest.mark.parametrize("who", [customer_leaves, anna_leaves_the_first], ids=lambda action: action.__name__)
def test_rfc3891_3_a_hang_up_in_the_instant_of_a_take_over_leaves_nobody_alone(
    who: Action, tmp_path: Path
) -> None:
    for turns in range(0, 40, 3):

        async def story(demo: Office, turns: int = turns) -> None:
            stage = await set_up(demo)
            demo.network.latency_s = 0.0
            asked = asyncio.create_task(stage.take_over(stage.first, "103"))
            after_turns(turns, lambda: who(stage) and None)
            await asyncio.sleep(1)
            taken = (await asked).leg
            await check_the_end(demo, lambda: iter([*stage.everybody(), taken]), 2)

        play(tmp_path / str(turns), TO_ANNA, story)


def test_rfc3891_3_of_a_queues_agent_and_who_picks_up_in_the_same_instant_one_is_connected(
    tmp_path: Path,
) -> None:
    winners = set()
    for turns in range(0, 40, 2):

        async def story(demo: Office, turns: int = turns) -> None:
            anna, ivan = await demo.phone("101", Habit()), await demo.phone("104", Habit())
            caller = await (await demo.call_in(NUMBER)).answered(within=1)
            agent = (await anna.invited(within=5)).leg
            await asyncio.sleep(1)
            demo.network.latency_s = 0.0
            asked = await demo.call_from(ivan, "104", "*8101")
            after_turns(turns, lambda: answers(agent))
            await asyncio.sleep(1)
            legs = {"agent": agent, "picker": asked.leg}
            (winner,) = [name for name, leg in legs.items() if leg.is_answered and leg.is_up]
            winners.add(winner)
            await check_the_end(demo, lambda: iter([caller, *legs.values()]), 1)

        play(tmp_path / str(turns), QUEUED, story)
    assert winners == {"agent", "picker"}  # the turns reached both sides of the instant
