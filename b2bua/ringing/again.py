"""Ring whoever talked with this caller today, before the scheme of the number begins (row R1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from b2bua.call.call import Call
from b2bua.ringing.step import Ringing
from b2bua.routing.destination import Mobile, Outcome, Person, Ring, RingAgain
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.sticky import comes_back_to
from b2bua.store.journal import Journal

log = structlog.get_logger("call")

LOOK_UP_S = 1.0
"""A journal that takes longer does not hold the caller up."""


@dataclass(frozen=True, slots=True)
class RingAgainStep:
    """The step before the first one of a number that is sticky."""

    journal: Journal
    """Knows who talked with whom."""
    facts: Callable[[], Facts]
    """The moment, in the office's time zone: "today" is a day of its calendar."""
    plan: Callable[[], Plan]
    """The configuration in force."""
    ringing: Ringing
    """Rings."""

    async def __call__(self, call: Call, again: RingAgain) -> Outcome:
        """Return how it ended; OFFLINE at once when nobody talked with the caller today.

        Raises:
            LegEnded: the caller hung up while it rang.
        """
        target = await self._whom(call)
        if target is None:
            return Outcome.OFFLINE
        return await self.ringing(call, Ring((target,), for_seconds=again.for_seconds))

    async def _whom(self, call: Call) -> Person | Mobile | None:
        number = call.identity.number
        if call.identity.is_internal or not number:
            return None
        midnight = self.facts().at.replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            async with asyncio.timeout(LOOK_UP_S):
                party = await self.journal.talked_with(number, midnight)
        except TimeoutError:
            log.warning("the journal takes long; the caller goes on", call_id=call.identity.call_id)
            return None
        return comes_back_to(self.plan(), party)
