"""What our people's phones are doing: every leg between them and us, for whoever watches."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from b2bua.call.callee import CalleeLeg
from b2bua.call.caller import CallerLeg
from b2bua.call.leg import Leg
from b2bua.sip.dialog import DialogKey
from b2bua.sip.headers import NameAddr


class Stage(Enum):
    """How far a call of a phone is."""

    DIALLED = auto()
    """The phone called, and nobody is being rung yet."""
    RINGING = auto()
    """The phone rings, or whom it called does."""
    TALKING = auto()
    """It is answered."""


@dataclass(eq=False, slots=True)
class PhoneCall:
    """One call between a phone and us."""

    person: str
    """Key of whose phone it is."""
    leg: Leg
    """Its leg."""
    key: DialogKey
    """Call-ID, our tag, the phone's tag."""
    stage: Stage
    """How far it is."""
    shown: NameAddr | None = None
    """Whom the phone shows as calling; None: the phone called."""
    number: int = 0
    """Names it among all calls of our phones, and says nothing else."""

    @property
    def is_called(self) -> bool:
        """Whether the phone is called; else it calls."""
        return self.shown is not None


class Lines:
    """The calls of every phone of ours, by person."""

    def __init__(self) -> None:
        self.on_change: Callable[[str], None] | None = None
        """Told whose calls are others than before."""
        self._calls: dict[str, dict[Leg, PhoneCall]] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return sum(map(len, self._calls.values()))

    def of(self, person: str) -> tuple[PhoneCall, ...]:
        """Return the calls of the phones of ``person``, the oldest first."""
        return tuple(self._calls.get(person, {}).values())

    def rings(self, leg: CalleeLeg, key: DialogKey) -> None:
        """Note that the phone at the end of ``leg`` rings; ``key`` is the early dialog with it."""
        person = leg.person
        if person is None:
            return
        call = self._calls.get(person, {}).get(leg)
        if call is None:
            self._begin(PhoneCall(person, leg, key, Stage.RINGING, leg.dial.from_))
        elif call.key != key:  # another fork of it, or another way to reach it
            call.key = key
            self._tell(person)

    def answered(self, leg: CalleeLeg) -> None:
        """Note that the phone at the end of ``leg`` took the call."""
        person, session = leg.person, leg.session
        if person is None or session is None:
            return
        call = self._calls.get(person, {}).get(leg)
        if call is None:
            self._begin(PhoneCall(person, leg, session.dialog.key, Stage.TALKING, leg.dial.from_))
        else:
            call.key, call.stage = session.dialog.key, Stage.TALKING
            self._tell(person)

    def calls(self, leg: Leg) -> None:
        """Follow ``leg`` from now on to its end, if a phone of ours calls us by it."""
        if leg.person is None or not isinstance(leg, CallerLeg):
            return
        call = PhoneCall(leg.person, leg, leg.dialog_key, _stage_of(leg))
        leg.on_stage = lambda: self._moved(call, leg)
        self._begin(call)

    def _moved(self, call: PhoneCall, leg: CallerLeg) -> None:
        stage = _stage_of(leg)
        if stage is not call.stage and leg.is_up:
            call.stage = stage
            self._tell(call.person)

    def _begin(self, call: PhoneCall) -> None:
        if not call.leg.is_up:
            return
        call.number = next(self._numbers)
        self._calls.setdefault(call.person, {})[call.leg] = call
        call.leg.ended.add_done_callback(lambda _: self._end(call))
        self._tell(call.person)

    def _end(self, call: PhoneCall) -> None:
        calls = self._calls[call.person]
        del calls[call.leg]
        if not calls:
            del self._calls[call.person]
        self._tell(call.person)

    def _tell(self, person: str) -> None:
        if self.on_change is not None:
            self.on_change(person)


def _stage_of(leg: CallerLeg) -> Stage:
    if leg.is_answered:
        return Stage.TALKING
    return Stage.RINGING if leg.has_rung else Stage.DIALLED
