"""The custody of one caller: step after step until somebody or something has served them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from b2bua.call.call import Call, Studio
from b2bua.call.roll import Roll
from b2bua.call.transfer import Transfer
from b2bua.errors import LegEnded
from b2bua.inbound.transfer import Transfers
from b2bua.routing.destination import Chosen, Destination, Outcome, Queue, Ring, RingAgain, Voicemail
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import Position, choose, follow, goes_round
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import ASKED, SOUND_LOST
from media.call_tones import CallTones, for_seconds

log = structlog.get_logger("call")

BUSY = frozenset((486, 600))
"""Statuses of who talks."""
ENDING_S = 2.5
"""How long the tone before the end lasts."""
Result = TypeVar("Result")
Step = Callable[[Call, Any], Awaitable[Outcome | Chosen]]
"""Takes a caller, returns how it ended. Steps know nothing of one another nor of the order they run in."""


@dataclass(slots=True)
class Custody:
    """Runs the steps of a scheme for callers."""

    steps: Mapping[type[Destination], Step]
    """What to do at each kind of destination."""
    facts: Callable[[], Facts]
    """The moment, for opening hours."""
    transfers: Transfers
    """Carries out what phones ask for while they talk with a caller."""
    tones: CallTones
    """How calls sound that cannot go on."""
    studio: Callable[[], Studio | None] = lambda: None
    """Returns what records a call's conversations; None: none are."""
    roll: Roll = field(default_factory=Roll)
    """The calls that are being served."""
    meet: Callable[[Call], Awaitable[bool]] | None = None
    """Returns whether the caller has talked with somebody who was to call them; None: nobody ever is."""

    async def serve(self, call: Call, plan: Plan, start: Position) -> str:
        """Run step after step until the caller is served or gone; return why it ended, in words."""
        call.desk, call.studio = self.transfers, self.studio()
        try:
            with self.roll.holding(call):
                await self._walk(call, plan, await self._met(call, plan, start))
            await self._play_ending(call)
        except LegEnded as ended:
            return self._hung_up(call, ended)
        finally:
            if call.transfer is not None:
                await call.transfer.drop()
            await self._complete_recording(call)
        if call.wants_call:
            return ASKED
        if call.is_cut_off:
            return SOUND_LOST
        return "" if call.is_served else "nobody took the call"

    async def _play_ending(self, call: Call) -> None:
        """Let somebody who was answered, and whom nobody took, hear for a moment that it ends here."""
        if call.caller.is_answered and not call.is_served and not call.wants_call:
            tone = self.tones.busy if call.last_status in BUSY else self.tones.congestion
            await call.caller.play(for_seconds(tone, ENDING_S))

    async def _complete_recording(self, call: Call) -> None:
        if call.studio is not None:
            await call.studio.finish(call)

    async def _met(self, call: Call, plan: Plan, start: Position) -> Position | None:
        """Let somebody who is about to call the caller talk with them; return where the caller goes then."""
        if self.meet is None:
            return start
        has_met = await self._guarded(call, self.meet(call), "meet")
        if not has_met and not call.has_talked:
            return start
        return await self._next(call, plan, start, Outcome.ANSWERED)

    async def _walk(self, call: Call, plan: Plan, position: Position | None) -> None:
        while position is not None:
            if position.because:
                call.ledger.note(EventKind.LOAD, detail=position.because)
            outcome = await self._run(call, position.destination)
            position = await self._next(call, plan, position, outcome)

    async def _next(
        self, call: Call, plan: Plan, position: Position, outcome: Outcome | Chosen
    ) -> Position | None:
        """Carry out what phones asked for meanwhile, then return what comes after the outcome."""
        while (transfer := call.transfer) is not None:
            call.transfer = None
            if not await self._transferred(call, plan, transfer):
                if transfer.party is not None:
                    return _last_resort(call, plan)
                outcome = Outcome.NO_ANSWER
        facts = self.facts()
        if isinstance(outcome, Chosen):
            if not goes_round(plan, position, outcome.destination, facts):
                return choose(plan, position, outcome.destination, facts)
            call.ledger.note(EventKind.ERROR, detail="the webhook sent the caller round in a circle")
            outcome = Outcome.ERROR
        return follow(plan, position, outcome, facts)

    async def _transferred(self, call: Call, plan: Plan, transfer: Transfer) -> bool:
        return await self.transfers.carry_out(call, transfer, lambda start: self._walk(call, plan, start))

    async def _run(self, call: Call, destination: Destination) -> Outcome | Chosen:
        call.is_self_served = False

        began = asyncio.get_running_loop().time()
        rings = isinstance(destination, Ring | RingAgain) and call.caller.is_answered
        outcome = await self._guarded(call, self._step(call, destination), destination)
        if rings or isinstance(destination, Queue):
            call.caller.forget_digits(since=began)  # a menu that follows has not asked yet
        return outcome or (Outcome.DONE if call.has_talked else Outcome.ERROR)

    async def _step(self, call: Call, destination: Destination) -> Outcome | Chosen:
        return await self.steps[type(destination)](call, destination)

    @staticmethod
    async def _guarded(call: Call, work: Awaitable[Result], step: object) -> Result | None:
        """Do the work of one step. The one place where an error of ours is caught: the caller goes on."""
        try:
            return await work
        except LegEnded:
            raise
        except Exception:
            log.exception("a step failed; the caller goes on", call_id=call.identity.call_id, step=str(step))
            call.ledger.note(EventKind.ERROR, detail="an internal error; the log has it")
            return None

    @staticmethod
    def _hung_up(call: Call, ended: LegEnded) -> str:
        if call.wants_call:
            return ASKED
        if call.is_cut_off:
            return SOUND_LOST
        if call.has_talked or call.has_left_message:
            return ended.why
        if call.caller.has_lost_sound:
            call.ledger.note(EventKind.ERROR, detail=SOUND_LOST)
            return SOUND_LOST
        call.ledger.note(EventKind.HUNG_UP, call.menu, call.doing, call.age)
        return f"hung up {call.doing}".strip()


def _last_resort(call: Call, plan: Plan) -> Position | None:
    """Return where somebody goes whom we had called and sent on in vain: they have no scheme of theirs."""
    return None if call.identity.is_internal else Position(Voicemail(plan.default_mailbox))


def outcome_of(call: Call) -> CallOutcome:
    """Return the outcome of a call by what the caller got, or asked for."""
    if call.wants_call:
        return CallOutcome.PROMISE
    if call.is_cut_off:  # a talk that ended so keeps no promise
        return CallOutcome.UNANSWERED if call.identity.is_internal else CallOutcome.PROMISE
    if call.has_talked:
        return CallOutcome.TALKED
    if call.has_left_message:
        return CallOutcome.MESSAGE
    if call.is_self_served:
        return CallOutcome.SELF_SERVED
    return CallOutcome.UNANSWERED if call.identity.is_internal else CallOutcome.PROMISE
