"""Some minutes in an office on a bad network: scheme, people, callers and disasters come from one seed.

What must hold is said by ``_check``: custody of every caller, and nothing left of any call.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from random import Random
from typing import Any

from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from b2bua.store.calls import CallOutcome, CallStory, EventKind
from tests.harness.office import MOBILES, SERVER
from tests.simulator.forker import Forker
from tests.simulator.offices import NUMBER, PEOPLE, some_office
from tests.simulator.people import Customer, Employee
from tests.simulator.playing import play_seed
from tests.simulator.town import Town, thinned, town

MOST_CUSTOMERS = 5
RUSH_S = 30.0
"""All callers come within that time."""
QUIET_S = 420.0
"""After that the timers of a call have run out, session timers of 90 s and two rounds of 64*T1 included."""
SESSION_TIMER_S = 1800.0 + 64.0
"""The default of ``session-timer``, and the time in which a refresh is given up."""
DESK = "127.0.1.{}"
STREET = "127.0.2.{}"
FORK = Hop("udp", "127.0.3.3", 5060)
ENDED_BY_US = {CallOutcome.TALKED, CallOutcome.MESSAGE, CallOutcome.SELF_SERVED}
EXCUSED = ("the media worker died", "a caller had to be refused")
"""Errors that the log tells when the media engine was killed."""


def play(seed: int) -> None:
    """Play the minutes of ``seed``.

    Raises:
        BaseException: an invariant does not hold; a note names the seed.
    """
    play_seed(_play, seed, excused=EXCUSED)


async def _play(seed: int) -> None:
    random = Random(seed)
    async with town(_network(random, seed), random, some_office(random)) as place:
        employees = await _open(place, random)
        customers = await _rush(place, random, employees)
        await _go_home(employees)
        await asyncio.sleep(QUIET_S)
        await _check(place, customers, employees)


def _network(random: Random, seed: int) -> MemoryNetwork:
    return MemoryNetwork(
        Random(seed + 1),
        latency_s=random.choice((0.001, 0.001, 0.05)),
        jitter_s=random.choice((0.0, 0.0, 0.02)),
        loss=random.choice((0.0, 0.0, 0.05, 0.15)),
        duplicate=random.choice((0.0, 0.1)),
        reorder=random.choice((0.0, 0.1)),
    )


# --- what happens -------------------------------------------------------------------------------------------


async def _open(place: Town, random: Random) -> list[Employee]:
    """Let people plug in their phones; one of them has two behind a proxy that forks."""
    employees = []
    for _, extension in PEOPLE:
        if random.random() < 0.8:
            phone = await place.employee(extension, DESK.format(extension))
            is_forked = extension == "103" and random.random() < 0.5
            contact = f"<sip:103@{FORK.authority}>" if is_forked else None
            await phone.register(SERVER, extension, f"demo-{extension}", contact=contact)
            employees.append(phone)
            if is_forked:
                twin = await place.employee("twin", DESK.format(113))
                Forker(place.network, FORK, [Hop("udp", DESK.format(n), 5060) for n in (103, 113)])
                employees.append(twin)
    if random.random() < 0.7:
        employees.append(await place.employee("mobiles", *MOBILES))
    return employees


async def _rush(place: Town, random: Random, employees: list[Employee]) -> list[Customer]:
    """Let callers call and disasters happen; return when every caller has hung up."""
    customers = []
    async with asyncio.TaskGroup() as group:
        for number in range(random.randrange(1, MOST_CUSTOMERS + 1)):
            phone = await place.outsider(STREET.format(number + 1))
            customer = Customer(f"+4850060070{number}", phone, random)
            customers.append(customer)
            at = random.choice((0.0, 0.0, 5.0, random.random() * RUSH_S))
            group.create_task(_later(at, customer.live(NUMBER)))
        for doing in _errands(random, employees):
            group.create_task(_later(random.choice((0.5, 2.0, random.random() * RUSH_S)), doing))
        for disaster in _disasters(place, random, employees):
            group.create_task(_later(random.choice((1.0, 5.0, random.random() * 60)), disaster))
    return customers


def _errands(random: Random, employees: list[Employee]) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what people of the office want of their own accord."""
    for employee in employees:
        if employee.extension and random.random() < 0.4:
            yield employee.dial()
        if employee.extension and random.random() < 0.2:
            yield employee.watch_lamp()


def _disasters(place: Town, random: Random, employees: list[Employee]) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what goes wrong on this day."""
    if random.random() < 0.25:
        yield place.crash(dark_s=random.choice((0.0, 1.0, 10.0)))
    if random.random() < 0.1:
        yield place.lose_sound()
    if random.random() < 0.2:
        place.rtp.drop = lambda packet, *_: thinned(packet) or packet[3] % 3 == 0
    if employees and random.random() < 0.4:
        victim = random.choice(employees)._local
        cut = random.choice((place.network.unplug, lambda hop: place.network.blackhole(hop.host)))
        yield _do(lambda: cut(victim))
    if random.random() < 0.15:
        yield _do(lambda: place.network.blackhole(STREET.format(1)))


async def _do(action: Callable[[], None]) -> None:
    action()


async def _later(seconds: float, work: Coroutine[Any, Any, None]) -> None:
    await asyncio.sleep(seconds)
    await work


async def _go_home(employees: list[Employee]) -> None:
    """Wait for those who talk with one another, then let everybody hang up whatever is left."""
    for employee in employees:
        while employee._tasks:
            await asyncio.wait(tuple(employee._tasks))
        for invitation in employee.invitations:
            invitation.leg.reject(480)
            await invitation.leg.close()


# --- what must hold -----------------------------------------------------------------------------------------


async def _check(place: Town, customers: list[Customer], employees: list[Employee]) -> None:
    await _settled(place)
    stories = await place.server.store.journal.calls(limit=1000)
    promised = {promise.call_id for promise in await place.server.store.promises.latest(1000)}
    await place.stop()
    await asyncio.sleep(80)  # of an OPTIONS that the office sent to see who is there
    for phone in (*employees, *(customer.phone for customer in customers)):
        alive = {name: count for name, count in phone.endpoint.alive().items() if count}
        assert alive == {}, (phone.name, alive)
    for story in stories:
        _check_story(story, promised)
    for customer in customers:
        mine = [story for story in stories if story.call.caller == customer.number]
        _check_customer(customer, mine, place)
    talks = sum(story.outcome is CallOutcome.TALKED for story in stories if story.call.direction == "in")
    assert talks <= sum(employee.talks for employee in employees)


async def _settled(place: Town) -> None:
    """Check that nothing is left but, now and then, an OPTIONS to a phone.

    Two who died in the middle of their talk are found out by the session timer at last.
    """
    for _ in range(int(SESSION_TIMER_S)):
        if not place.leftovers():
            return
        await asyncio.sleep(1.0)
    raise AssertionError(place.leftovers())


def _check_story(story: CallStory, promised: set[str]) -> None:
    """Check that a call has one outcome, that somebody owes a call where it must be so, and no two talks."""
    assert story.outcome is not None, story
    is_owed = story.outcome is CallOutcome.PROMISE
    assert (story.call.call_id in promised) is is_owed, story
    if story.call.direction == "in":
        assert story.outcome is not CallOutcome.UNANSWERED, story
    talks = [event for event in story.events if event.kind is EventKind.TALKED]
    for before, after in itertools.pairwise(talks):
        assert after.seconds is not None
        assert (after.at - before.at).total_seconds() >= after.seconds - 0.1, story


def _check_customer(customer: Customer, stories: list[CallStory], place: Town) -> None:
    """Check that who was heard was journaled, and that nobody was let go before the scheme's end."""
    assert customer.placed is not None
    assert len(stories) <= 1 + place.crashes, stories
    if any(status < 300 for status in customer.statuses):
        assert stories, customer.number
    if customer.gave_up or place.crashes or not stories:
        return
    [story] = stories
    is_through = any(event.kind is EventKind.VOICEMAIL for event in story.events)
    assert is_through or story.outcome in ENDED_BY_US, (story, customer.statuses)
