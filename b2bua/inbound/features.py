"""What our people do by dialling a code from their own phone: say that they are away, or back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from b2bua.call.call import Call
from b2bua.config.models import Person
from b2bua.people.presence import Presence
from b2bua.people.status import Availability, Source, Status
from b2bua.routing.destination import Feature, Outcome
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import Position
from b2bua.store.calls import EventKind
from media.commands import PlayItem, Silence

LEAD = (Silence(0.3),)
"""Phones clip the first instant after the answer."""
BY_DIGIT = {
    "0": Availability.AVAILABLE,
    "1": Availability.AWAY,
    "2": Availability.DO_NOT_DISTURB,
    "3": Availability.MEETING,
    "4": Availability.OFF_DUTY,
}
"""What follows the status code; nothing: away, or available again."""
AFTER_CODE = re.compile(r"([0-4])?(?:\*([1-9]\d{0,3}))?")
"""The digit, and for how many minutes."""
INVALID = "invalid"
"""Prompt for a code that means nothing."""


def feature_of(person: Person, plan: Plan, number: str) -> Position | None:
    """Return where ``person`` has a code carried out, None when another number was dialled.

    Nobody is ever sent there: a caller whom a phone transfers to a code would speak for somebody else.
    """
    if not is_feature(plan, number):
        return None
    return Position(Feature(person.name, number), key="office.status-code")


def is_feature(plan: Plan, number: str) -> bool:
    """Return whether the number is a code that is carried out, right or wrong."""
    return bool(plan.status_code) and number.startswith(plan.status_code)


@dataclass(slots=True)
class FeatureStep:
    """Carries out codes, and says what holds now."""

    plan: Callable[[], Plan]
    """The configuration in force."""
    presence: Presence
    """The status of everybody."""
    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    zone: Callable[[], tzinfo]
    """Where the office's clock hangs."""

    async def __call__(self, call: Call, feature: Feature) -> Outcome:
        """Return DONE once the person has heard what holds now.

        Raises:
            LegEnded: the person hung up; what was dialled holds all the same.
        """
        call.doing = "while dialling a code"
        call.is_self_served = True
        said = await self._status(call, feature)
        call.caller.answer()
        await call.caller.play([*LEAD, *self.prompt(said)])
        return Outcome.DONE

    async def _status(self, call: Call, feature: Feature) -> str:
        """Let the person be what they dialled; return the prompt that says so."""
        match = AFTER_CODE.fullmatch(feature.dialled.removeprefix(self.plan().status_code))
        if match is None:
            return INVALID
        now = self.clock()
        state = BY_DIGIT[match[1]] if match[1] else self._other(feature.person)
        until = now + timedelta(minutes=int(match[2])) if match[2] else None
        status = Status(state, now, until, source=Source.PHONE)
        await self.presence.say(feature.person, status)
        title = self.plan().people[feature.person].display
        call.ledger.note(EventKind.DECLARED, title, status.in_words(self.zone(), now))
        return f"status-{state.value}"

    def _other(self, person: str) -> Availability:
        """Return what somebody becomes who dials the bare code: whoever is not available is so again."""
        is_available = self.presence.status(person).is_available
        return Availability.AWAY if is_available else Availability.AVAILABLE
