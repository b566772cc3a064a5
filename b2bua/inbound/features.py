"""What our people do by dialling a code from their own phone: for themselves, or for the whole office."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import structlog

from b2bua.call.call import Call
from b2bua.config.models import Person
from b2bua.people.decisions import Decisions, about
from b2bua.people.presence import Presence
from b2bua.people.status import Availability, Source, Status
from b2bua.routing.destination import Feature, Outcome
from b2bua.routing.override import OverrideKind, decision, why_impossible
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import Position
from b2bua.store.calls import EventKind
from media.commands import PlayItem, Silence

log = structlog.get_logger("office")

LEAD = (Silence(0.3),)
"""Phones clip the first instant after the answer."""
STATES = {
    "0": Availability.AVAILABLE,
    "1": Availability.AWAY,
    "2": Availability.DO_NOT_DISTURB,
    "3": Availability.MEETING,
    "4": Availability.OFF_DUTY,
}
"""What follows the status code; nothing: away, or available again."""
DECISIONS = {"0": OverrideKind.NORMAL, "1": OverrideKind.CLOSED, "2": OverrideKind.BACKUP}
"""What follows the override code; nothing: the phone hears what holds."""
AFTER_STATUS_CODE = re.compile(r"([0-4])?(?:\*([1-9]\d{0,3}))?")
"""The digit, and for how many minutes."""
INVALID = "invalid"
"""Prompt for a code that means nothing, or is not for everybody."""
OFFICE = "the office"


def feature_of(person: Person, plan: Plan, number: str) -> Position | None:
    """Return where ``person`` has a code carried out, None when another number was dialled.

    Nobody is ever sent there: a caller whom a phone transfers to a code would speak for somebody else.
    """
    if not is_feature(plan, number):
        return None
    return Position(Feature(person.name, number), key=f"office.{_key_of(plan, number)}")


def _key_of(plan: Plan, number: str) -> str:
    if number == plan.call_back_code:
        return "call-back-code"
    return "status-code" if _begins(number, plan.status_code) else "override-code"


def is_feature(plan: Plan, number: str) -> bool:
    """Return whether the number is a code that is carried out, right or wrong."""
    begins = _begins(number, plan.status_code) or _begins(number, plan.override_code)
    return begins or (bool(number) and number == plan.call_back_code)


def _begins(number: str, code: str) -> bool:
    return bool(code) and number.startswith(code)


@dataclass(slots=True)
class FeatureStep:
    """Carries out codes, and says what holds now."""

    plan: Callable[[], Plan]
    """The configuration in force."""
    presence: Presence
    """The status of everybody."""
    decisions: Decisions
    """What holds for all calls."""
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
        is_status = _begins(feature.dialled, self.plan().status_code)
        said = await (self._status if is_status else self._override)(call, feature)
        call.caller.answer()
        await call.caller.play([*LEAD, *self.prompt(said)])
        return Outcome.DONE

    async def _status(self, call: Call, feature: Feature) -> str:
        """Let the person be what they dialled; return the prompt that says so."""
        match = AFTER_STATUS_CODE.fullmatch(feature.dialled.removeprefix(self.plan().status_code))
        if match is None:
            return _no_code(call, feature)
        now = self.clock()
        state = STATES[match[1]] if match[1] else self._other(feature.person)
        until = now + timedelta(minutes=int(match[2])) if match[2] else None
        status = Status(state, now, until, source=Source.PHONE)
        await self.presence.say(feature.person, status)
        call.ledger.note(EventKind.DECLARED, self._title(feature), status.in_words(self.zone(), now))
        return f"status-{state.value}"

    def _other(self, person: str) -> Availability:
        """Return what somebody becomes who dials the bare code: whoever is not available is so again."""
        is_available = self.presence.status(person).is_available
        return Availability.AWAY if is_available else Availability.AVAILABLE

    async def _override(self, call: Call, feature: Feature) -> str:
        """Let the office do what was dialled; return the prompt that says what holds."""
        digit = feature.dialled.removeprefix(self.plan().override_code)
        if not digit:
            current = self.decisions.current
            holds = about(current, self.zone(), self.clock())
            call.ledger.note(EventKind.TOLD, self._title(feature), f"{OFFICE} {holds}")
            return f"override-{current.kind.value}"
        kind = DECISIONS.get(digit)
        if kind is None:
            return _no_code(call, feature)
        if why := self._why_not(feature, kind):
            log.warning("a code was not carried out", dialled=feature.dialled, why=why)
            call.ledger.note(EventKind.ERROR, self._title(feature), why)
            return INVALID
        now, zone = self.clock(), self.zone()
        decided = decision(self.plan(), kind, now.astimezone(zone))
        await self.decisions.decide(decided, who=self._title(feature), source=Source.PHONE)
        call.ledger.note(EventKind.DECIDED, OFFICE, about(decided, zone, now))
        return f"override-{kind.value}"

    def _why_not(self, feature: Feature, kind: OverrideKind) -> str:
        if not self.plan().people[feature.person].may_override:
            return "may not decide for the office"
        return why_impossible(self.plan(), kind)

    def _title(self, feature: Feature) -> str:
        return self.plan().people[feature.person].display


def _no_code(call: Call, feature: Feature) -> str:
    call.ledger.note(EventKind.TOLD, detail=f"{feature.dialled} is no code")
    return INVALID
