"""Ring many, first wins: one fork of INVITEs with its own deadline, and nobody left ringing behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.leg import Leg, SoundProfile
from b2bua.errors import Unavailable
from b2bua.sip.causes import COMPLETED_ELSEWHERE
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.session import Answered, OutgoingInvite, Progress, Refused
from media.client import MediaEngine
from media.errors import MediaError

SILENCE_LIMIT_S = 4.0
"""A target that sends not even a 100 for so long is dead, not thinking (row F13)."""
SETTLE_S = 0.15
"""How long a cancelled branch may take to say 487 before the next step starts all the same (rows F2, F4)."""


class Reply(StrEnum):
    """What became of ringing one target; the words are those of the scheme's edges."""

    ANSWERED = "answered"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    OFFLINE = "offline"
    REJECTED = "rejected"
    ERROR = "error"


def reply_of(status: int) -> Reply:
    """Return what a final response means for the scheme. No status ever ends it (row F17)."""
    match status:
        case 486 | 600:
            return Reply.BUSY
        case 603 | 607 | 403:
            return Reply.REJECTED
        case 404 | 410 | 480 | 408 | 430 | 502 | 503 | 504 | 604:
            return Reply.OFFLINE
        case 487:
            return Reply.NO_ANSWER
        case _:
            return Reply.ERROR


@dataclass(frozen=True, slots=True)
class Attempt:
    """One target that was rung, for the journal."""

    dial: Dial
    """Whom."""
    reply: Reply
    """With what result."""
    seconds: float
    """From its INVITE to its end."""
    status: int | None = None
    """Final SIP status, when there was one."""
    reason: str = ""
    """The far end's words for it."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What a whole fork came to."""

    leg: CalleeLeg | None
    """The one who answered, connected and up; None when nobody did."""
    attempts: tuple[Attempt, ...]
    """Every target that was rung, in order of its end."""

    @property
    def reply(self) -> Reply:
        """The fork's result in one word: somebody rang in vain > busy > rejected > error > offline."""
        if self.leg is not None:
            return Reply.ANSWERED
        replies = {attempt.reply for attempt in self.attempts}
        for reply in (Reply.NO_ANSWER, Reply.BUSY, Reply.REJECTED, Reply.ERROR):
            if reply in replies:
                return reply
        return Reply.OFFLINE


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of a fork while it rings."""

    on_attempt: Callable[[Attempt], None] | None = None
    """Told of every branch at its end, also when the caller hangs up."""
    on_answer: Callable[[CalleeLeg], None] | None = None
    """Told of the winner before anything else happens."""
    on_early: Callable[[CalleeLeg], None] | None = None
    """Told of a branch that has early media (183) which the caller may hear; None: nobody may."""


class Dialer:
    """Rings targets for callers. Holds no state between calls."""

    def __init__(
        self, endpoint: SipEndpoint, engine: Callable[[], MediaEngine], profile: SoundProfile
    ) -> None:
        self._endpoint = endpoint
        self._engine = engine
        self._profile = profile

    async def ring(
        self,
        dials: Sequence[Dial],
        *,
        seconds: float,
        caller: Leg,
        watch: Watch | None = None,
    ) -> Rung:
        """Return who answered within ``seconds`` of the first INVITE, and what became of the others.

        The first 200 wins; the others are cancelled with a Reason that says so (RFC 3326), so that no phone
        shows a missed call.

        Raises:
            LegEnded: the caller hung up; every branch has been cancelled by then.
        """
        fork = Fork(self._endpoint, self._engine(), self._profile, seconds=seconds, watch=watch or Watch())
        try:
            async with caller.while_up():
                return await fork.run(dials)
        except BaseException:
            await (
                fork.drop_winner()
            )  # answered in the very instant in which the caller left or the step ended
            raise


class Fork:
    """One ringing of several targets."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        engine: MediaEngine,
        profile: SoundProfile,
        *,
        seconds: float,
        watch: Watch,
    ) -> None:
        self._profile = profile
        self._endpoint = endpoint
        self._engine = engine
        self._watch = watch
        self._winner: CalleeLeg | None = None
        self._attempts: list[Attempt] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._deadline: float | None = None
        self._started_at = self._loop.time()
        self._waiting: list[tuple[float, asyncio.Event]] = []
        self._ringing = 0

    async def run(self, dials: Sequence[Dial]) -> Rung:
        async with asyncio.TaskGroup() as group:
            self._tasks = [group.create_task(self._branch(dial), name=f"ring {dial.who}") for dial in dials]
        return Rung(self._winner, tuple(self._attempts))

    async def drop_winner(self) -> None:
        """Hang up on whoever answered while nobody waits for it any more."""
        if self._winner is not None:
            await self._winner.close()

    async def _branch(self, dial: Dial) -> None:
        await self._wait_for_turn(dial)
        self._ringing += 1
        try:
            leg = await self._open_leg(dial)
        except (MediaError, Unavailable) as error:
            self._record(dial, Reply.ERROR, reason=str(error))
            return
        finally:
            self._ringing -= 1
        try:
            await self._ring(leg)
        finally:
            if leg is not self._winner:
                await leg.close()

    async def _open_leg(self, dial: Dial) -> CalleeLeg:
        media = await self._engine.open_leg(dial.who)
        try:
            return CalleeLeg(dial, media, self._profile)
        except Unavailable:
            await media.close()
            raise

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

    def _wake_next(self) -> None:
        if self._ringing == 0 and self._winner is None and self._waiting:
            _, turn = min(self._waiting, key=lambda waiting: waiting[0])
            turn.set()

    async def _ring(self, leg: CalleeLeg) -> None:
        began = self._loop.time()
        if self._deadline is None:
            self._deadline = began + self._seconds
        invite = leg.invite(self._endpoint)
        self._ringing += 1
        final: Answered | Refused | None = None
        try:
            final = await self._final_event(invite, leg)
            self._take_final(final, invite, leg, began=began)
        except asyncio.CancelledError:
            if final is None:
                self._record(leg.dial, Reply.NO_ANSWER, began=began)
            raise
        finally:
            self._ringing -= 1
            if final is None:
                invite.cancel(reason=COMPLETED_ELSEWHERE if self._winner is not None else None)
            self._wake_next()
        if final is None and invite.has_provisional:
            await self._settle(invite)

    async def _final_event(self, invite: OutgoingInvite, leg: CalleeLeg) -> Answered | Refused | None:
        """Return the final event, or None when the ring time is over or the target is dead silent."""
        assert self._deadline is not None
        alive_until = self._loop.time() + SILENCE_LIMIT_S
        while True:
            until = self._deadline if invite.has_provisional else min(alive_until, self._deadline)
            try:
                async with asyncio.timeout_at(until):
                    event = await invite.next_event()
            except TimeoutError:
                if invite.has_provisional and self._loop.time() < self._deadline:
                    continue  # a 100 Trying came: it is alive, and may ring until the step's end
                return None
            if not isinstance(event, Progress):
                return event
            self._hear_early(event, leg)

    def _hear_early(self, progress: Progress, leg: CalleeLeg) -> None:
        if self._watch.on_early is None or not progress.body:
            return
        try:
            leg.hear_early(progress.body)
        except MediaError:
            return  # no early sound then; the 200 brings its own SDP
        self._watch.on_early(leg)

    def _take_final(
        self, final: Answered | Refused | None, invite: OutgoingInvite, leg: CalleeLeg, *, began: float
    ) -> None:
        dial = leg.dial
        match final:
            case None:
                is_dead = not invite.has_provisional
                self._record(dial, Reply.OFFLINE if is_dead else Reply.NO_ANSWER, began=began)
            case Refused():
                reply = Reply.OFFLINE if final.is_local else reply_of(final.status)
                self._record(dial, reply, began=began, status=final.status, reason=final.reason)
            case Answered() if self._winner is not None:
                final.session.bye(reason=COMPLETED_ELSEWHERE)
                self._record(dial, Reply.NO_ANSWER, began=began, status=200)
            case Answered():
                self._win(leg, final, began=began)

    def _win(self, leg: CalleeLeg, answered: Answered, *, began: float) -> None:
        try:
            leg.accept(answered)
        except MediaError as error:
            leg.hang_up(f"its answer carries no usable sound: {error}")
            self._record(leg.dial, Reply.ERROR, began=began, status=200, reason=str(error))
            return
        self._winner = leg
        if self._watch.on_answer is not None:
            self._watch.on_answer(leg)
        self._record(leg.dial, Reply.ANSWERED, began=began, status=200)
        me = asyncio.current_task()
        for task in self._tasks:
            if task is not me:
                task.cancel()

    def _record(
        self,
        dial: Dial,
        reply: Reply,
        *,
        began: float | None = None,
        status: int | None = None,
        reason: str = "",
    ) -> None:
        seconds = 0.0 if began is None else self._loop.time() - began
        attempt = Attempt(dial, reply, seconds, status, reason)
        self._attempts.append(attempt)
        if self._watch.on_attempt is not None:
            self._watch.on_attempt(attempt)

    async def _settle(self, invite: OutgoingInvite) -> None:
        """Give a cancelled phone a moment to stop ringing, so that never two ring in turn (row F4)."""
        try:
            async with asyncio.timeout(SETTLE_S):
                while isinstance(event := await invite.next_event(), Progress):
                    pass
                if isinstance(event, Answered):
                    event.session.bye()
        except TimeoutError:
            return
