"""Missed callers are called back by the office itself, and served like callers (rows C1 to C11)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from b2bua.call.call import Call, CallerIdentity
from b2bua.call.callee import Dial
from b2bua.call.confirmation import Confirmation
from b2bua.call.dialer import Dialer
from b2bua.call.leg import Leg
from b2bua.call.rung import Watch
from b2bua.call.sound import SoundProfile
from b2bua.errors import LegEnded
from b2bua.inbound.custody import Custody
from b2bua.inbound.ledger import JournalLedger
from b2bua.inbound.nobody import Nobody
from b2bua.inbound.outside import Outside
from b2bua.ringing.step import Reach
from b2bua.routing.destination import External
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan, ReturnSpec
from b2bua.routing.returning import first_attempt, next_attempt, open_from, return_spec
from b2bua.routing.scheme import Position, enter, enter_scheme, number_spec
from b2bua.store.calls import CallOutcome, NewCall
from b2bua.store.faults import in_words
from b2bua.store.journal import Journal
from b2bua.store.promises import Promise, Promises
from b2bua.store.story import ASKED, STOPPED
from media.client import MediaEngine
from media.commands import PlayItem
from media.errors import MediaError

log = structlog.get_logger("call")

RETURN_CALL = "call back"
"""Who calls, in the journal."""
GREETING, CONFIRM = "return-call-greeting", "return-call-confirm"
SHORTEST_NAP_S, LONGEST_NAP_S = 1.0, 60.0
"""The wall clock may be set meanwhile: it is looked at again after the longer one at the latest."""
CLOCKS_APART_S = 0.01
RETRY_S = 30.0
LOOKED_UP = 20
"""So many who are due are looked at together."""
AT_ONCE = 2
"""So many customers are called at the same time: the other lines are for those who call."""
BUSY_WITH_US = timedelta(seconds=30)
"""Who is in a call with the office is called later."""
WHILE_CLOSED = timedelta(minutes=5)
CONFIRM_S = 20.0
CALLS_US = "they call the office themselves"


class Calls(Protocol):
    """The calls that are up."""

    @property
    def is_closing(self) -> bool:
        """Whether no more are taken."""

    def start(self, work: Coroutine[object, object, None], *, call_id: str) -> None:
        """Run a call to its end."""


@dataclass(slots=True)
class ReturnCalls:
    """Calls those whom the office owes a call, when it is time."""

    plan: Callable[[], Plan]
    """The configuration in force for a call that begins."""
    current: Callable[[], Plan]
    """The configuration in force."""
    keep: Callable[[], None]
    """Lets the task that calls it go on with the configuration that is in force now."""
    facts: Callable[[], Facts]
    """The moment."""
    engine: MediaEngine
    """Gives sound."""
    dialer: Dialer
    """Rings."""
    reach: Reach
    """Finds the way to a number."""
    custody: Custody
    """Serves whoever answered."""
    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    profile: SoundProfile
    """How sound is negotiated."""
    journal: Journal
    """Where it is told."""
    promises: Promises
    """Whom the office owes a call."""
    outside: Outside
    """Told when a call is over."""
    calls: Calls
    """Own what goes on."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    _rung: dict[str, Nobody] = field(default_factory=dict)
    """Who stands for the office while a number is rung."""
    _dialling: set[str] = field(default_factory=set)
    """Attempts in which the customer has not answered yet, from their beginning on."""
    _planned: dict[str, float] = field(default_factory=dict)
    """When those are called whose call had that id, by the loop's clock: nobody sets that one back."""
    _has_news: asyncio.Event = field(default_factory=asyncio.Event)

    def first_at(self, call: NewCall, ended: datetime, why: str) -> datetime | None:
        """Return when whoever was not served in ``call`` is called back; None: never by the office itself.

        Who asked for it is called, however soon that was.
        """
        if call.direction != "in":
            return None
        waited_s = None if why == ASKED else (ended - call.at).total_seconds()
        moment = first_attempt(self.current(), call.caller, call.dialled, ended=ended, waited_s=waited_s)
        if moment is not None:
            self._expect(call.call_id, moment)
            self._has_news.set()
        return moment

    def _expect(self, call_id: str, moment: datetime) -> None:
        seconds = (moment - self.clock()).total_seconds()
        self._planned[call_id] = asyncio.get_running_loop().time() + seconds

    def came(self, call: Call) -> None:
        """Ring whoever calls us no more: they are here (row C11)."""
        if (nobody := self._rung.get(call.identity.number)) is not None and call.caller is not nobody:
            nobody.end(CALLS_US)

    async def run(self) -> None:
        """Call until cancelled."""
        knows_clock = False
        while True:
            self._has_news.clear()
            try:
                if not knows_clock:
                    await self._look_at_clock()
                    knows_clock = True
                nap_s = self._nap_s(await self.promises.next_call_at())
                with suppress(TimeoutError):
                    async with asyncio.timeout(nap_s):
                        await self._has_news.wait()
                await self._call_due()
            except SQLAlchemyError as error:
                log.error("cannot read who is to be called back; trying again", why=in_words(error))
                await asyncio.sleep(RETRY_S)

    async def _look_at_clock(self) -> None:
        """Wait as long as ever for who called by a clock that was set back while nobody looked."""
        now = self.clock()
        for promise in await self.promises.since(now):
            if promise.call_at is not None and promise.call_id not in self._planned:
                self._expect(promise.call_id, now + (promise.call_at - promise.since))

    def _nap_s(self, next_at: datetime | None) -> float:
        loop_s = asyncio.get_running_loop().time()
        waits = [LONGEST_NAP_S, *(due - loop_s for due in self._planned.values())]
        if next_at is not None:
            waits.append((next_at - self.clock()).total_seconds())
        # one that is due already could not be called yet; the loop's clock may be a little before the wall's
        nap_s = min(waits)
        return nap_s + CLOCKS_APART_S if nap_s > 0 else SHORTEST_NAP_S

    async def _call_due(self) -> None:
        for promise in await self._due():
            if self.calls.is_closing or len(self._dialling) >= AT_ONCE:
                return
            await self._turn_to(promise)

    async def _due(self) -> list[Promise]:
        """Return whom to call now, by the wall clock or because so long has passed."""
        now_s = asyncio.get_running_loop().time()
        passed = [call_id for call_id, due in self._planned.items() if due <= now_s][:LOOKED_UP]
        by_clock = await self.promises.to_call(self.clock())
        late = await self.promises.to_call_for(passed)
        for call_id in set(passed) - {promise.call_id for promise in late}:
            del self._planned[call_id]  # nobody is owed a call for it any more
        return [*by_clock, *(promise for promise in late if promise not in by_clock)]

    async def _turn_to(self, promise: Promise) -> None:
        """Call whoever is owed it, unless it is not the time; the next attempt is on disk before this one."""
        plan, now = self.current(), self.clock()
        spec = return_spec(plan, promise.dialled)
        if spec is None:
            await self._plan(promise, call_at=None)
        elif spec.hours and self.facts().is_closed:  # somebody has closed the office, and may open it again
            await self._plan(promise, call_at=now + WHILE_CLOSED)
        elif (opening := open_from(plan, spec, now)) > now:
            await self._plan(promise, call_at=opening)
        elif any(promise.caller in _parties(call) for call in self.custody.roll):
            await self._plan(promise, call_at=now + BUSY_WITH_US)
        else:
            tried = replace(promise, attempts=promise.attempts + 1)
            following = next_attempt(plan, spec, attempts=tried.attempts, now=now)
            if await self._plan(tried, call_at=following):
                self._begin(tried, spec)

    async def _plan(self, promise: Promise, *, call_at: datetime | None) -> bool:
        is_kept = await self.promises.plan_attempt(promise, attempts=promise.attempts, call_at=call_at)
        if is_kept:
            self._planned.pop(promise.call_id, None)
            if call_at is not None:
                self._expect(promise.call_id, call_at)
        return is_kept

    def _begin(self, promise: Promise, spec: ReturnSpec) -> None:
        call_id = secrets.token_hex(6)
        self._dialling.add(call_id)

        async def run() -> None:
            self.keep()
            try:
                await _Attempt(self, promise, spec, call_id).run()
            finally:
                self.dialled(call_id)

        self.calls.start(run(), call_id=call_id)

    def dialled(self, call_id: str) -> None:
        """Note that in this attempt the customer has answered, or will not; there is room for another."""
        self._dialling.discard(call_id)

    def rung(self, number: str, nobody: Nobody | None) -> None:
        """Remember who stands for the office while ``number`` is rung; None: it is rung no more."""
        if nobody is None:
            self._rung.pop(number, None)
        else:
            self._rung[number] = nobody


def _parties(call: Call) -> tuple[str, str]:
    """Return who is on the phone in a call, as far as they may be owed one: who calls, and whom ours call."""
    return call.identity.number, call.identity.dialled


class _Attempt:
    """One customer who is called back."""

    def __init__(self, by: ReturnCalls, promise: Promise, spec: ReturnSpec, call_id: str) -> None:
        self._by = by
        self._promise = promise
        self._spec = spec
        self._plan = by.plan()
        number = number_spec(self._plan, promise.dialled)
        self._source = (number.source or "") if number is not None else ""
        self._label = number.label if number is not None else ""
        self._call = NewCall(
            call_id=call_id,
            caller=RETURN_CALL,
            caller_name="",
            dialled=promise.caller,
            trunk="",
            at=by.clock(),
            direction="out",
            source=self._source,
        )
        self._ledger = JournalLedger(by.journal, self._call, by.clock)
        self._customer: Call | None = None

    async def run(self) -> None:
        """Ring, serve, and journal what came of it; a failure leaves the promise open."""
        by, call = self._by, self._call
        await by.journal.begin(call, tells_crm=by.outside.tells_crm(call))
        log.info("calling back", customer=call.dialled, attempt=self._promise.attempts, call_id=call.call_id)
        why = STOPPED
        try:
            why = await self._call_back()
        except LegEnded as ended:
            why = ended.why
        except MediaError as error:
            why = f"no sound: {error}"
        except Exception:
            log.exception("a call back failed; the promise stays", call_id=call.call_id)
            why = "an internal error; the log has it"
        finally:
            outcome = self._outcome
            if by.journal.is_open(call.call_id):  # a message that was left has ended it
                await by.journal.end(call.call_id, outcome, at=by.clock(), why=why)
            self._ledger.tell_story(outcome, why)
            by.outside.over()

    @property
    def _outcome(self) -> CallOutcome:
        if self._customer is not None and self._customer.has_talked and not self._customer.is_cut_off:
            return CallOutcome.TALKED
        has_left = self._customer is not None and self._customer.has_left_message
        return CallOutcome.MESSAGE if has_left else CallOutcome.UNANSWERED

    async def _call_back(self) -> str:
        leg = await self._reached()
        if leg is None:
            return "the customer was not reached"
        identity = replace(self._identity(), number=self._promise.caller, name=self._promise.caller_name)
        self._customer = customer = Call(identity, leg, self._ledger)
        self._ledger.note("answered", self._promise.caller)
        try:
            if not self._spec.is_confirmed:
                await leg.play(self._by.prompt(self._spec.greeting or GREETING), until_digit=True)
            return await self._by.custody.serve(customer, self._plan, self._start())
        finally:
            await leg.close_for(customer)
            await customer.caller.close_for(customer)

    def _start(self) -> Position:
        plan, facts = self._plan, self._by.facts()
        start = enter_scheme(plan, self._spec.scheme, facts) if self._spec.scheme else None
        return start or enter(plan, self._promise.dialled, facts)

    # --- the customer is rung ------------------------------------------------------------------------------

    async def _reached(self) -> Leg | None:
        """Return the customer's leg once they have answered; None: they did not, or called themselves."""
        by, number = self._by, self._promise.caller
        media = await by.engine.open_leg(RETURN_CALL)
        nobody = Nobody(RETURN_CALL, media, profile=by.profile, number="")
        asked = Call(self._identity(), nobody, self._ledger)
        by.rung(number, nobody)
        try:
            async with nobody.while_up(), asyncio.timeout(self._spec.ring_s):
                reached = await by.reach(External(number, shows="own"), asked)
            dials = tuple(self._asking(dial) for dial in reached.dials)
            if not dials:
                self._ledger.note("offline", reached.who, reached.why_not)
                return None
            watch = Watch(on_attempt=asked.note_attempt)
            rung = await by.dialer.ring(dials, seconds=self._spec.ring_s, caller=nobody, watch=watch)
            return rung.leg
        except TimeoutError:
            self._ledger.note("offline", number, "its address could not be looked up in time")
            return None
        finally:
            by.rung(number, None)
            by.dialled(self._call.call_id)
            await nobody.close()

    def _asking(self, dial: Dial) -> Dial:
        if not self._spec.is_confirmed:
            return dial
        question = self._by.prompt(self._spec.greeting or CONFIRM)
        return replace(dial, confirmation=Confirmation(question, CONFIRM_S))

    def _identity(self) -> CallerIdentity:
        """Return on whose behalf the customer is called: that of the number which they had called."""
        return CallerIdentity(
            call_id=self._call.call_id,
            number="",
            name="",
            dialled=self._promise.dialled,
            trunk=None,
            label=self._label,
            source=self._source,
        )
