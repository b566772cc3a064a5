"""A code by which one of us promises to call back whom they talk with, or talked with last (row F22)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from b2bua.call.call import Call
from b2bua.inbound.features import LEAD, FeatureStep
from b2bua.routing.destination import Feature, Outcome
from b2bua.routing.plan import Plan
from b2bua.store.promises import Promises
from media.commands import PlayItem

LOOKS_BACK = timedelta(hours=12)
"""Whom somebody talked with longer ago is not meant."""
NOBODY = "call-back-nobody"


@dataclass(frozen=True, slots=True)
class CallBackStep:
    """Keeps who promised whom, and says the number back; other codes go on to ``others``."""

    plan: Callable[[], Plan]
    """The configuration in force."""
    promises: Promises
    """Where promises are kept."""
    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    noted: Callable[[str], Sequence[PlayItem]]
    """Returns "noted, please call back" and the number."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    others: FeatureStep
    """Carries out all other codes."""

    async def __call__(self, call: Call, feature: Feature) -> Outcome:
        """Return DONE once the person has heard whom they promised a call.

        Raises:
            LegEnded: the person hung up; the promise holds all the same.
        """
        if feature.dialled != self.plan().call_back_code:
            return await self.others(call, feature)
        call.doing = "while dialling a code"
        call.is_self_served = True
        now = self.clock()
        name = self.plan().people[feature.person].display
        number = await self.promises.give(feature.person, name, since=now - LOOKS_BACK, at=now)
        call.caller.answer()
        sound = self.noted(number) if number else self.prompt(NOBODY)
        await call.caller.play([*LEAD, *sound])
        return Outcome.DONE
