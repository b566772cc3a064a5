"""Somebody asked on the web to be called at once: our people ring, who takes it is put through (row R14)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from b2bua.call.call import Call, CallerIdentity, Studio
from b2bua.call.confirmation import Confirmation
from b2bua.call.conversation import converse
from b2bua.call.dialer import Dialer
from b2bua.call.leg import Leg
from b2bua.call.roll import Roll
from b2bua.call.rung import Watch
from b2bua.call.sound import SoundProfile
from b2bua.call.while_up import WhileUp
from b2bua.errors import LegEnded
from b2bua.inbound.ledger import JournalLedger
from b2bua.inbound.nobody import Nobody
from b2bua.inbound.outside import Outside
from b2bua.people.occupancy import Occupancy
from b2bua.ringing.step import Reach, Ringing, RingSounds
from b2bua.routing.destination import Destination, External, Outcome, Person, Queue, Ring
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import enter_scheme, follow, scheme_named
from b2bua.sip.session import Ending
from b2bua.store.callbacks import NewCallback
from b2bua.store.calls import CallOutcome, EventKind, NewCall
from b2bua.store.journal import Journal
from b2bua.store.story import STOPPED
from media.call_tones import CallTones, for_seconds
from media.client import MediaEngine
from media.commands import PlayItem
from media.errors import MediaError

log = structlog.get_logger("call")

Music = Callable[[], Sequence[PlayItem]]
Given = TypeVar("Given")
WEB_FORM = "web form"
"""Who calls, in the journal."""
CONFIRM_S = 20.0
"""So long whoever answers has to take it."""
CALLS_US = Ending("local", "they call the office")
CUSTOMER_RINGS_S = 45.0
TONE_S = 2.5
MOBILE_OF = "mobile of "


@dataclass(slots=True)
class RingNow:
    """Rings the people of a scheme in its order, then the customer; a failure leaves the promise open."""

    plan: Callable[[], Plan]
    """The configuration in force."""
    facts: Callable[[], Facts]
    """The moment."""
    engine: MediaEngine
    """Gives sound."""
    dialer: Dialer
    """Rings."""
    reach: Reach
    """Finds whom to ring."""
    occupancy: Occupancy
    """Knows who talks."""
    sounds: RingSounds
    """What those hear who do not talk yet."""
    profile: SoundProfile
    """How sound is negotiated."""
    journal: Journal
    """Where it is told."""
    outside: Outside
    """Told when it is over."""
    roll: Roll
    """The calls that are up."""
    studio: Callable[[], Studio | None]
    """Returns what records conversations."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    _attempts: dict[str, _Attempt] = field(default_factory=dict)
    """Those that go on, by the number of the customer."""

    async def meet(self, call: Call) -> bool:
        """Return whether the caller, whom somebody was to call, has talked with whoever took that.

        Raises:
            LegEnded: the caller hung up meanwhile.
        """
        attempt = None if call.identity.is_internal else self._attempts.get(call.identity.number)
        return attempt is not None and await attempt.meet(call)

    async def __call__(self, new: NewCallback, scheme: str) -> None:
        """Ring, put through, and journal what came of it; ``scheme`` is whose people, empty: the number's."""
        call = NewCall(
            call_id=f"{new.call.call_id}-now",
            caller=WEB_FORM,
            caller_name="",
            dialled=new.call.caller,
            trunk="",
            at=self.clock(),
            direction="out",
            source=new.call.source,
        )
        ledger = JournalLedger(self.journal, call, self.clock)
        await self.journal.begin(call, tells_crm=self.outside.tells_crm(call))
        attempt = _Attempt(self, new, ledger)
        why = STOPPED
        try:
            with attempt.known_to(self._attempts):
                why = await attempt.run(scheme)
        except Exception:
            log.exception("a call back failed; the promise stays", call_id=call.call_id)
            why = "an internal error; the log has it"
        finally:
            outcome = CallOutcome.TALKED if attempt.has_talked else CallOutcome.UNANSWERED
            await self.journal.end(call.call_id, outcome, at=self.clock(), why=why)
            ledger.tell_story(outcome, why)
            self.outside.over()


class _Attempt:
    """One customer who is to be called now."""

    def __init__(self, ring_now: RingNow, new: NewCallback, ledger: JournalLedger) -> None:
        self._by = ring_now
        self._new = new
        self._ledger = ledger
        self._has_answered = False
        """One of ours is there: nobody else is rung."""
        self.has_talked = False
        self._caller: Call | None = None
        """The customer, who called themselves meanwhile and waits."""
        self._comes = _future(Ending)
        """Done while they wait."""
        self._is_given = _future(Leg)
        """Whoever of ours takes it, for them; cancelled when nobody does, or the customer was called and has
        answered: whoever calls by that number then wants something else."""
        self._is_over = asyncio.Event()
        """Set when they have talked, or have left meanwhile."""

    @contextmanager
    def known_to(self, attempts: dict[str, _Attempt]) -> Iterator[None]:
        """Let the customer find it for as long as the block runs; the first of several."""
        number = self._new.call.caller
        if number:
            attempts.setdefault(number, self)
        try:
            yield
        finally:
            self._is_given.cancel()
            if attempts.get(number) is self:
                del attempts[number]

    async def meet(self, call: Call) -> bool:
        """Return whether ``call``, which is the customer's, was connected to whoever of ours took it."""
        if self._caller is not None or self._is_given.done():
            return False
        self._caller = call
        self._is_over.clear()
        self._comes.set_result(CALLS_US)
        call.doing = "while it rang"
        call.caller.ring()
        try:
            leg = await self._given(call)
            return leg is not None and await converse(call, leg, music=partial(self._by.sounds.music, ""))
        finally:
            self._caller, self._comes = None, _future(Ending)
            self._is_over.set()

    async def _given(self, call: Call) -> Leg | None:
        """Wait with the caller for whoever takes it; None: nobody does."""
        async with call.caller.while_up():
            await asyncio.wait((self._is_given,))
        return None if self._is_given.cancelled() else self._is_given.result()

    @property
    def _tones(self) -> CallTones:
        return self._by.profile.tones

    async def run(self, scheme: str) -> str:
        """Return why it ended, in words; empty when they talked."""
        try:
            media = await self._by.engine.open_leg(WEB_FORM)
        except MediaError as error:
            return f"no sound: {error}"
        nobody = Nobody(WEB_FORM, media, profile=self._by.profile, number=self._new.call.caller)
        asked = Call(self._identity(), nobody, self._ledger)
        try:
            with self._by.roll.holding(asked):
                await self._ring_ours(asked, scheme)
        except LegEnded as ended:
            return ended.why
        finally:
            await nobody.close()
        if self.has_talked:
            return ""
        if self._is_given.done() and not self._is_given.cancelled():
            return "they called the office themselves"
        return "the customer was not reached" if self._has_answered else "nobody of ours took it"

    def _identity(self) -> CallerIdentity:
        call = self._new.call
        spec = self._by.plan().numbers.get(call.dialled)
        return CallerIdentity(
            call_id=f"{call.call_id}-now",
            number=call.caller,
            name=call.caller_name,
            dialled=call.dialled,
            trunk=None,
            label=(spec.label if spec else "") or call.source,
            source=call.source,
        )

    async def _ring_ours(self, asked: Call, scheme: str) -> None:
        """Ring step after step, up to the first that rings nobody."""
        plan, facts = self._by.plan(), self._by.facts
        ringing = Ringing(
            self._by.dialer, self._by.reach, self._by.occupancy, self._by.sounds, take=self._put_through
        )
        dialled = self._new.call.dialled
        name = scheme or scheme_named(plan, dialled, facts())
        position = enter_scheme(plan, name, facts(), number="" if scheme else dialled) if name else None
        while position is not None and (ring := self._ring_of(plan, position.destination)) is not None:
            outcome = await ringing(asked, ring) if ring.targets else Outcome.OFFLINE
            if self._has_answered or self._caller is not None:  # who calls is served by their own scheme
                return
            position = follow(plan, position, outcome, facts())

    def _ring_of(self, plan: Plan, destination: Destination) -> Ring | None:
        """Return whom a step rings: all free agents of a queue at once; None: it does something else."""
        match destination:
            case Ring():
                return replace(destination, music="")  # nobody would hear it
            case Queue(name):
                queue, now = plan.queues[name], asyncio.get_running_loop().time()
                free = (agent for agent in queue.agents if self._by.occupancy.is_free(agent, now))
                return Ring(tuple(Person(agent) for agent in free), for_seconds=queue.ring_seconds)
        return None

    # --- somebody of ours is there -------------------------------------------------------------------------

    async def _put_through(self, asked: Call, leg: Leg, *, music: Music) -> bool:
        """Return whether ``leg``, one of ours who answered, takes it; the customer has been called then."""
        staff = Call(self._staff(asked.identity, leg), leg, self._ledger)
        try:
            if not await self._takes_it(leg):
                return False
            self._has_answered = True
            staff.studio = self._by.studio()
            self._ledger.note(EventKind.ANSWERED, leg.name, party=leg.party)
            asked.is_occupied = True
            try:
                await self._reach_customer(staff, music)
            finally:
                asked.is_occupied = False
                self.has_talked = staff.has_talked and not staff.is_cut_off
            if staff.studio is not None:
                await staff.studio.finish(staff)
            return True
        except LegEnded:  # they hung up: the promise stays, unless they had talked
            return True
        finally:
            await leg.close_for(staff)

    async def _takes_it(self, leg: Leg) -> bool:
        """Let whoever answered hear who is to be called, and press 1; a voicemail does not."""
        if leg.was_asked:
            return True  # and has pressed it
        decision = await Confirmation(self._by.sounds.offer(self._new.call.caller), CONFIRM_S).ask(leg)
        if not decision.is_taken:
            self._ledger.note(EventKind.RANG, leg.name, decision.in_words, party=leg.party)
        return decision.is_taken

    def _staff(self, identity: CallerIdentity, leg: Leg) -> CallerIdentity:
        """Return who calls the customer, as if they had dialled themselves."""
        return replace(
            identity,
            number=leg.number,
            name=leg.name,
            dialled=self._new.call.caller,
            person=leg.person or leg.party.removeprefix(MOBILE_OF) or None,
            label="",
        )

    async def _reach_customer(self, staff: Call, music: Music) -> None:
        """Call the customer, unless they call meanwhile: then whoever took it has that call."""
        try:
            async with WhileUp(self._comes):
                called = await self._call_customer(staff)
        except LegEnded:
            if self._caller is None or not staff.caller.is_up:
                raise
            self._is_given.set_result(staff.caller)
            await self._is_over.wait()
            return
        if called is not None:
            self._is_given.cancel()  # also for who has come in the same instant
            await converse(staff, called, music=music)

    async def _call_customer(self, staff: Call) -> Leg | None:
        """Return the customer's leg once they have answered."""
        leg = staff.caller
        leg.ring()
        target = External(self._new.call.caller)
        async with leg.while_up():
            reached = await self._by.reach(target, staff)
        if not reached.dials:
            self._ledger.note(EventKind.OFFLINE, reached.who, reached.why_not)
        rung = await self._by.dialer.ring(
            reached.dials, seconds=CUSTOMER_RINGS_S, caller=leg, watch=Watch(on_attempt=staff.note_attempt)
        )
        if rung.leg is None:
            await leg.play(for_seconds(self._tones.busy, TONE_S))
        return rung.leg


def _future(_: type[Given]) -> asyncio.Future[Given]:
    return asyncio.get_running_loop().create_future()
