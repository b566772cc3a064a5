"""One fork of INVITEs: several targets with one deadline, of which the first to take the call wins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from b2bua.call.attempt import REASONS, Attempt, Reply, reply_of, said_by
from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.confirmation import Confirmation
from b2bua.call.forwarding import Forwards
from b2bua.call.leg import Leg
from b2bua.call.lines import Lines
from b2bua.call.rung import Rung, Watch
from b2bua.call.silence import limits_of_silence
from b2bua.call.sound import SoundProfile
from b2bua.errors import MalformedMessage, Unavailable, WrongState
from b2bua.sip.causes import ANSWERED_ELSEWHERE, NO_ANSWER
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.session import Answered, OutgoingInvite, Progress, Refused
from media.client import MediaEngine
from media.errors import MediaError

log = structlog.get_logger("call")

SETTLE_S = 2.0
"""How long a cancelled phone may take to confirm that it stopped ringing: a lost CANCEL is repeated twice in
that time. A phone that confirms lets the next one ring within milliseconds (rows F2, F4)."""
WORTH_A_RING_S = 0.5
"""Who would join those who ring for less than that would have a missed call, and no chance to take it."""


class Fork:
    """One ringing of several targets."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        engine: MediaEngine,
        profile: SoundProfile,
        *,
        seconds: float,
        caller: Leg,
        watch: Watch,
        lines: Lines,
    ) -> None:
        self._lines = lines
        self._profile = profile
        self._endpoint = endpoint
        self._engine = engine
        self.caller = caller
        """For whom it rings."""
        self.ringing: dict[CalleeLeg, OutgoingInvite] = {}
        """Who is being rung at this moment."""
        self._asked: set[CalleeLeg] = set()
        """Who of these has answered, and is being asked whether they take the call."""
        self._watch = watch
        self._winner: Leg | None = None
        self._instead_of = ""
        self._attempts: list[Attempt] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._deadline: float | None = None
        self._started_at = self._loop.time()
        self._waiting: list[tuple[float, asyncio.Event]] = []
        self._ringing = 0

    async def run(self, dials: Sequence[Dial]) -> Rung:
        """Ring ``dials`` and return when nobody rings any more."""
        if not dials:
            return Rung(None, ())
        try:
            await self._ring_all(dials)
        except asyncio.CancelledError as cancelled:
            cancelled.__traceback__ = None  # a circle: the task group's frame holds it, before Python 3.13
            raise
        finally:
            self._tasks.clear()
        if self._winner is not None and self._instead_of and self._watch.on_picked_up is not None:
            self._watch.on_picked_up(self._winner, self._instead_of)
        return Rung(self._winner, tuple(self._attempts))

    async def _ring_all(self, dials: Sequence[Dial]) -> None:
        self._forwards = Forwards(dials)
        async with asyncio.TaskGroup() as self._group:
            self._start_branches(dials)
            if len(dials) == 1:  # as in most calls: the group waits for it, and there is no order to keep
                return
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError:
                self._cancel_branches()
                raise

    def _start_branches(self, dials: Sequence[Dial]) -> list[asyncio.Task[None]]:
        """Return the tasks that ring ``dials`` from now on."""
        create = self._group.create_task
        tasks = [create(self._branch(dial), name=f"ring {dial.who}") for dial in dials]
        self._tasks.extend(tasks)
        return tasks

    @property
    def is_open(self) -> bool:
        """Whether the call can still be taken by somebody else than those who ring."""
        answered = {leg for leg, invite in self.ringing.items() if invite.is_answered}
        is_taken = self._winner is not None or bool(answered - self._asked)
        return bool(self.ringing) and not is_taken and self.caller.is_up

    @property
    def people(self) -> frozenset[str]:
        """Return the keys of our people whose phones ring."""
        return frozenset(leg.person for leg in self.ringing if leg.person is not None)

    def pick_up(self, leg: Leg, *, instead_of: str) -> None:
        """Let ``leg``, which is answered, have the call: as if it had been rung and had been the first.

        Raises:
            WrongState: it is too late, see ``is_open``.
        """
        if not self.is_open:
            raise WrongState("this call rings no more")
        self._winner = leg
        leg.owner = self
        if self._watch.on_answer is not None:
            self._watch.on_answer(leg)
        self._instead_of = instead_of
        self._cancel_branches()

    async def drop_winner(self) -> None:
        """Hang up on whoever answered while nobody waits for it any more."""
        if self._winner is not None:
            await self._winner.close()

    # --- whose turn it is ----------------------------------------------------------------------------------

    async def _branch(self, dial: Dial) -> None:
        await self._wait_for_turn(dial)
        self._ringing += 1
        try:
            if await self._is_due(dial):
                await self._ring_one(dial)
        except (MediaError, Unavailable, MalformedMessage) as error:
            if isinstance(error, MediaError):  # no port is left, or the engine is gone
                log.error("somebody could not be rung", who=dial.who, why=str(error))
            self._record(dial, Reply.ERROR, reason=str(error))
        finally:
            self._ringing -= 1
            self._wake_next()

    async def _wait_for_turn(self, dial: Dial) -> None:
        """Hold a staggered branch back; when nobody rings any more, the next one starts at once."""
        if dial.starts_after <= 0:
            return
        turn = asyncio.Event()
        self._waiting.append((dial.starts_after, turn))
        try:
            async with asyncio.timeout_at(self._started_at + dial.starts_after):
                await turn.wait()
        except TimeoutError:
            return
        finally:
            self._waiting.remove((dial.starts_after, turn))

    async def _is_due(self, dial: Dial) -> bool:
        """Return whether a branch that was held back rings: its target is there, and the step not over."""
        if dial.starts_after <= 0:
            return True
        return not self._is_nearly_over and (dial.is_due is None or await dial.is_due())

    @property
    def _is_nearly_over(self) -> bool:
        """Whether nobody has a chance any more to take the call who begins to ring now."""
        return self._deadline is not None and self._loop.time() > self._deadline - WORTH_A_RING_S

    def _wake_next(self) -> None:
        """Let the next target ring now, with all of its devices, when nobody else does."""
        if self._ringing == 0 and self._winner is None and self._waiting:
            first = min(starts_after for starts_after, _ in self._waiting)
            for starts_after, turn in self._waiting:
                if starts_after == first:
                    turn.set()

    # --- one target ----------------------------------------------------------------------------------------

    async def _ring_one(self, dial: Dial) -> None:
        if dial.vigil is not None and dial.vigil.is_silent:  # it was found out while another one was rung
            self._record(dial, Reply.OFFLINE)
            return
        leg = await self._open_leg(dial)
        onward: tuple[Dial, ...] = ()
        try:
            onward = await self._ring(leg)
        finally:
            self.ringing.pop(leg, None)
            if leg is not self._winner:
                await leg.close()
        if onward:
            await asyncio.wait(self._start_branches(onward))

    async def _open_leg(self, dial: Dial) -> CalleeLeg:
        is_certified = self._profile.of_party(dial.srtp).needs_certificate()
        caller = self.caller
        media = await self._engine.open_leg(dial.who, beside=caller.media, has_certificate=is_certified)
        try:
            leg = CalleeLeg(dial, media, self._profile, caller=caller)
        except BaseException:
            await media.close()
            raise
        leg.max_forwards = caller.max_forwards
        return leg

    async def _ring(self, leg: CalleeLeg) -> tuple[Dial, ...]:
        """Ring one phone to its end; return whom to ring in its place."""
        began = self._loop.time()
        if self._deadline is None:
            self._deadline = began + self._seconds
        invite = self.ringing[leg] = leg.invite(self._endpoint)
        try:
            final = await self._final_event(invite, leg)
            while self._has_another_way(invite, leg, final) or await self._is_sent_on(leg, final):
                invite = self.ringing[leg] = leg.invite(self._endpoint)
                final = await self._final_event(invite, leg)
        except BaseException:
            self._take_back(invite, leg, began=began)
            raise
        if isinstance(final, Answered):
            await self._answered(leg, final, began=began)
            return ()
        del self.ringing[leg]
        if isinstance(final, Refused):
            return await self._refused(leg, final, began=began)
        await self._give_up(invite, leg, began=began)
        return ()

    async def _final_event(self, invite: OutgoingInvite, leg: CalleeLeg) -> Answered | Refused | None:
        """Return the final event, or None when the ring time is over or the target is dead silent."""
        assert self._deadline is not None
        vigil = leg.dial.vigil
        limits = limits_of_silence(vigil, now=self._loop.time())
        while True:
            until = self._deadline if invite.has_provisional else min(limits[0], self._deadline)
            try:
                async with asyncio.timeout_at(until):
                    event = await invite.next_event()
            except TimeoutError:
                if self._loop.time() >= self._deadline:
                    return None
                if invite.has_provisional:
                    continue  # a 100 Trying came: it is alive, and may ring until the step's end
                limits.pop(0)
                if vigil is not None and limits:
                    vigil.note_quiet()
                elif vigil is not None:
                    vigil.note_silent()
                if not limits:
                    return None
                continue
            if not isinstance(event, Progress):
                return event
            self._lines.rings(leg, (invite.call_id, invite.local_tag, event.to_tag))
            self._hear_early(event, leg)

    def _has_another_way(
        self, invite: OutgoingInvite, leg: CalleeLeg, final: Answered | Refused | None
    ) -> bool:
        """Return whether the target is called again: at its next address, or showing another number."""
        assert self._deadline is not None
        if isinstance(final, Answered) or (final is None and invite.has_provisional):
            return False
        if self._loop.time() >= self._deadline:
            return False
        if final is None:
            self._endpoint.dead_targets.note(leg.dial.hop, now=self._loop.time())
            if leg.turn_to_next_hop():
                invite.cancel()  # should it wake up after all
                return True
            return False
        return leg.turn_to_next_hop() if final.is_out_of_order else leg.retry_after(final.status)

    async def _is_sent_on(self, leg: CalleeLeg, final: Answered | Refused | None) -> bool:
        """Return whether the target is called again where a 3xx sent us by name."""
        assert self._deadline is not None
        return isinstance(final, Refused) and self._loop.time() < self._deadline and await leg.follow(final)

    def _hear_early(self, progress: Progress, leg: CalleeLeg) -> None:
        if self._watch.on_early is None or leg.dial.confirmation is not None or not progress.body:
            return
        try:
            leg.hear_early(progress.body)
        except MediaError:
            return  # no early sound then; the 200 brings its own SDP
        self._watch.on_early(leg)

    # --- how it ends ---------------------------------------------------------------------------------------

    async def _answered(self, leg: CalleeLeg, answered: Answered, *, began: float) -> None:
        try:
            leg.accept(answered)
        except MediaError as error:
            leg.hang_up(f"its answer carries no usable sound: {error}")
            self._record(leg.dial, Reply.ERROR, began=began, status=200, reason=str(error))
            return
        confirmation = leg.dial.confirmation
        if confirmation is None or await self._is_confirmed(leg, confirmation, began=began):
            self._win(leg, began=began)

    async def _is_confirmed(self, leg: CalleeLeg, confirmation: Confirmation, *, began: float) -> bool:
        """Return whether ``leg`` takes the call, while the others ring on (row D5)."""
        self._asked.add(leg)
        try:
            decision = await confirmation.ask(leg)
        except asyncio.CancelledError:
            self._record_taken_back(leg, began=began)
            raise
        finally:
            self._asked.discard(leg)
            self.ringing.pop(leg, None)
        if decision.is_taken:
            return True
        reply = Reply.REJECTED if decision.is_refused else Reply.NO_ANSWER
        self._record(leg.dial, reply, began=began, reason=decision.in_words)
        return False

    def _win(self, leg: CalleeLeg, *, began: float) -> None:
        self._winner = leg
        self._lines.answered(leg)
        if self._watch.on_answer is not None:
            self._watch.on_answer(leg)
        self._record(leg.dial, Reply.ANSWERED, began=began, status=200)
        self._cancel_branches()

    def _cancel_branches(self) -> None:
        """Stop all others, in the order in which they were dialled: the journal tells it in that order."""
        me = asyncio.current_task()
        for task in self._tasks:
            if task is not me:
                task.cancel()

    async def _refused(self, leg: CalleeLeg, refused: Refused, *, began: float) -> tuple[Dial, ...]:
        """Return whom to ring where the phone forwards its calls."""
        onward = await self._forwards.follow(leg.dial, refused)
        if onward is not None and onward.dials and self._is_nearly_over:
            self._record(leg.dial, Reply.NO_ANSWER, began=began)  # it rang, and nobody else can any more
            return ()
        if onward is not None:
            self._record(leg.dial, onward.reply, began=began, reason=onward.reason)
            return onward.dials
        reply = reply_of(refused.status, refused.telephone_cause)
        status, said = refused.status, said_by(leg.dial, refused)
        self._record(leg.dial, reply, began=began, status=status, is_local=refused.is_local, reason=said)
        return ()

    async def _give_up(self, invite: OutgoingInvite, leg: CalleeLeg, *, began: float) -> None:
        """Stop ringing; wait a moment for the phone to have stopped, so that two never ring in turn."""
        is_alive = invite.has_provisional
        self._record(leg.dial, Reply.NO_ANSWER if is_alive else Reply.OFFLINE, began=began)
        invite.cancel(reason=NO_ANSWER)
        if is_alive:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await invite.next_event()

    def _take_back(self, invite: OutgoingInvite, leg: CalleeLeg, *, began: float) -> None:
        """Stop ringing because somebody else answered, the caller left, or the step was stopped."""
        invite.cancel(reason=REASONS[self._why_taken_back()])
        self._record_taken_back(leg, began=began)

    def _why_taken_back(self) -> Reply:
        if self._winner is not None:
            return Reply.ELSEWHERE
        if self.caller.is_up:
            return Reply.NO_ANSWER
        # A provider that rings others beside us says when one of them has answered: nobody here missed it.
        is_served = self.caller.ended.result().status == ANSWERED_ELSEWHERE
        return Reply.ELSEWHERE if is_served else Reply.TAKEN_BACK

    def _record_taken_back(self, leg: CalleeLeg, *, began: float) -> None:
        if self._winner is None or self._winner.name != leg.name:  # else another phone of the same person
            self._record(leg.dial, self._why_taken_back(), began=began)

    def _record(
        self,
        dial: Dial,
        reply: Reply,
        *,
        began: float | None = None,
        status: int | None = None,
        is_local: bool = False,
        reason: str = "",
    ) -> None:
        seconds = 0.0 if began is None else self._loop.time() - began
        attempt = Attempt(dial, reply, seconds, status, is_local, reason)
        self._attempts.append(attempt)
        if self._watch.on_attempt is not None:
            self._watch.on_attempt(attempt)
