"""While a mailbox greets, whoever comes off the phone still gets the call (row V3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType

from b2bua.call.beside import beside
from b2bua.call.call import Call
from b2bua.call.conversation import converse
from b2bua.call.dialer import Dialer
from b2bua.call.leg import Leg
from b2bua.call.rung import Watch
from b2bua.people.engaged import Offered
from b2bua.people.occupancy import Occupancy
from b2bua.ringing.step import Reach
from b2bua.routing.destination import Person
from media.commands import PlayItem

Greet = Callable[[], Awaitable[object]]
"""Plays the greeting."""
LONGEST_GREETING_S = 300.0
JUST_NOW_S = 0.1


@dataclass(slots=True)
class Vacancy:
    """Somebody who has just come off the phone, and is kept for the caller."""

    person: str
    """Their key."""
    offered: Offered
    """Their lease; whoever gets the vacancy enters and leaves it."""
    is_taken_up: bool = False
    """Somebody has it."""


class Vacancies:
    """``with`` block in which whom a caller wanted is kept for them once free: each once, one at a time."""

    def __init__(self, occupancy: Occupancy, sought: Mapping[str, float]) -> None:
        self._occupancy = occupancy
        self._sought = dict(sought)
        self._later: list[str] = []
        """Who came free while somebody else was kept."""
        self._kept: Vacancy | None = None
        self._news = asyncio.Event()
        self._now = asyncio.get_running_loop().time
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the greeting is over."""

    def __enter__(self) -> Vacancies:
        self._unsubscribe = self._occupancy.on_freed(self._freed)
        self.over.add_done_callback(lambda _: self._news.set())
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._unsubscribe()
        del self._unsubscribe  # it knows us
        if self._kept is not None and not self._kept.is_taken_up:
            self._kept.offered.end()

    def _freed(self, person: str) -> None:
        """Keep ``person`` at once: who waits in a queue has not waited longer than this caller.

        Whoever was rung for somebody else, and did not take that call, has not come off the phone.
        """
        has_talked = self._now() - self._occupancy.talked_until(person) < JUST_NOW_S
        if person not in self._sought or not has_talked:
            return
        if self._kept is None:
            self._keep(person)
        else:
            self._later.append(person)

    def _keep(self, person: str) -> None:
        if person in self._sought and self._occupancy.is_free(person, self._now()):
            wrap_up_s = self._sought.pop(person)
            kept = Offered(self._occupancy, [person], seconds=LONGEST_GREETING_S, wrap_up_s=wrap_up_s)
            self._kept = Vacancy(person, kept)
            self._news.set()

    async def next(self) -> Vacancy | None:
        """Return the next one, in place of the one before; None when the greeting is over."""
        self._turn_to_later()
        while self._kept is None and not self.over.done():
            self._news.clear()
            await self._news.wait()
        if self._kept is None or self.over.done():
            return None
        self._kept.is_taken_up = True
        return self._kept

    def _turn_to_later(self) -> None:
        self._kept = None
        while self._later and self._kept is None:
            self._keep(self._later.pop(0))

    async def greet(self, greet: Greet) -> None:
        """Let the caller hear the greeting to its end, or to theirs."""
        try:
            await greet()
        finally:
            if not self.over.done():
                self.over.set_result(None)


@dataclass(slots=True)
class LastChance:
    """Lets a greeting be heard, and rings meanwhile."""

    dialer: Dialer
    """Rings."""
    reach: Reach
    """Finds phones."""
    occupancy: Occupancy
    """Knows who talks."""
    music: Callable[[], Sequence[PlayItem]]
    """For whoever is held later."""

    async def __call__(self, call: Call, greet: Greet) -> bool:
        """Let the caller hear the greeting; return whether somebody took the call instead, and talked.

        Raises:
            LegEnded: the caller hung up.
        """
        if not call.sought:
            await greet()
            return False
        async with AsyncExitStack() as held:
            with Vacancies(self.occupancy, call.sought) as vacancies:
                async with beside(vacancies.greet(greet), name="greeting of a mailbox"):
                    leg = await self._find(call, vacancies, held)
            return leg is not None and await converse(call, leg, music=self.music)

    async def _find(self, call: Call, vacancies: Vacancies, held: AsyncExitStack) -> Leg | None:
        """Return the leg of who took the call; ``held`` ends it and its lease. None: nobody did."""
        while True:
            async with call.caller.while_up():
                vacancy = await vacancies.next()
            if vacancy is None:
                return None
            async with AsyncExitStack() as undo:
                undo.enter_context(vacancy.offered)
                leg = await self._ring(call, vacancy, vacancies.over)
                if leg is not None:
                    leg.owner = call
                    undo.push_async_callback(leg.close_for, call)
                    held.push_async_exit(undo.pop_all())
                    return leg

    async def _ring(self, call: Call, vacancy: Vacancy, over: asyncio.Future[None]) -> Leg | None:
        """Ring until the greeting is ``over``."""
        reached = await self.reach(Person(vacancy.person), call)
        try:
            async with asyncio.timeout(None) as limit:

                def stop(_: object) -> None:
                    limit.reschedule(asyncio.get_running_loop().time())

                over.add_done_callback(stop)
                try:
                    rung = await self.dialer.ring(
                        reached.dials,
                        seconds=LONGEST_GREETING_S,
                        caller=call.caller,
                        watch=Watch(
                            on_attempt=call.note_attempt,
                            on_answer=lambda leg: vacancy.offered.answered(leg.person),
                            on_picked_up=call.note_pick_up,
                        ),
                    )
                finally:
                    over.remove_done_callback(stop)
        except TimeoutError:
            return None
        return rung.leg
