"""One caller in a queue: answered at once, entertained, offered to agents, connected to one of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from b2bua.call.attempt import Reply
from b2bua.call.beside import beside, end_now
from b2bua.call.call import Call
from b2bua.call.callee import Reached
from b2bua.call.conversation import converse
from b2bua.call.dialer import Dialer
from b2bua.call.leg import Leg
from b2bua.call.rung import Watch
from b2bua.call_queue.hall import Hall
from b2bua.call_queue.line import Line, Offer, Place
from b2bua.call_queue.rhythm import Rhythm
from b2bua.errors import LegEnded
from b2bua.routing.destination import Outcome, Person, Queue, Target
from b2bua.routing.plan import QueueSpec
from b2bua.store.calls import EventKind
from b2bua.store.story import ASKED, SOUND_LOST
from media.commands import PlayItem

CALL_BACK_KEY = "1"
"""Who presses it is called back, where that is offered."""
OFFER, PROMISE = "callback-offer", "call-back-promise"
"""Prompts that offer it, and that say that it was noted."""
LONGEST_WAIT_S = 7200.0
"""Nobody waits longer for a key."""
NOBODY_THERE = "everybody there is offline or away"
"""Why a caller leaves a queue whose agents are all offline, away or off duty."""


@dataclass(frozen=True, slots=True)
class QueueSounds:
    """What a waiting caller hears, and the agent who takes the call."""

    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    music: Callable[[str], Sequence[PlayItem]]
    """A piece of music by its name."""
    standing: Callable[[int | None, float | None], Sequence[PlayItem]]
    """"You are number three; about two minutes": from position and seconds, either may be left out."""
    waited: Callable[[float], Sequence[PlayItem]]
    """"The caller has waited two minutes": for the agent, from seconds."""


@dataclass(slots=True)
class QueueStep:
    """The queue step."""

    spec: Callable[[str], QueueSpec]
    """Finds how callers of a queue are served now."""
    dialer: Dialer
    """Rings agents."""
    reach: Callable[[Target, Call], Awaitable[Reached]]
    """Finds their phones."""
    hall: Hall
    """Where the lines stand."""
    sounds: QueueSounds
    """Prompts and announcements."""
    may_be_called: Callable[[Call], bool] = lambda _call: False
    """Whether a caller can be called back."""

    async def __call__(self, call: Call, queue: Queue) -> Outcome:
        """Return ANSWERED after the talk, OFFLINE when no agent could come, MAX_WAIT when none did in time.

        DONE comes when the caller asked to be called back instead.

        Raises:
            LegEnded: the caller gave up waiting.
        """
        line = self.line(queue.name)
        call.ledger.note(EventKind.QUEUED, queue.name)
        call.sought.update(dict.fromkeys(line.spec.agents, line.spec.wrap_up_s))
        if line.is_everyone_offline:
            call.ledger.note(EventKind.LEFT_QUEUE, queue.name, NOBODY_THERE, 0.0)
            return Outcome.OFFLINE
        call.doing = "while waiting in the queue"
        call.caller.answer()
        outcome = await Visit(self, call, line).run(queue.for_seconds or line.spec.max_wait_s)
        if call.wants_call:
            await call.caller.play([*self.sounds.prompt(PROMISE), *self.sounds.prompt("goodbye")])
        return outcome

    def line(self, name: str) -> Line:
        """Return the queue's line, with the configuration in force."""
        return self.hall.line(self.spec(name))

    @property
    def waiting(self) -> dict[str, int]:
        """Return how many callers wait in each queue where there are any."""
        return {name: line.callers for name, line in self.hall.lines.items() if line.callers}

    def plan_changed(self, queues: Mapping[str, QueueSpec]) -> None:
        """Serve who waits by the new settings; those in a queue that is gone stay as they are."""
        for name, line in self.hall.lines.items():
            line.spec = queues.get(name, line.spec)
        self.hall.dispatch()

    def phone_changed(self, person: str) -> None:
        """Tell the lines that a phone of ``person`` came or went."""
        for line in self.hall.lines.values():
            line.phone_changed(person)


class Visit:
    """One caller's time in one line."""

    def __init__(self, step: QueueStep, call: Call, line: Line) -> None:
        self._step = step
        self._call = call
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._began = self._rung_at = self._loop.time()
        self._why_left = "hung up"
        self._is_announcing = False
        self._wishes_call = False
        self._offers_call_back = (
            line.spec.offers_call_back and not call.identity.is_internal and step.may_be_called(call)
        )
        self._may_announce = asyncio.Event()
        self._may_announce.set()

    async def run(self, max_wait_s: float) -> Outcome:
        """Wait in line and talk; whoever answered is hung up and free again when this returns or raises."""
        patience = asyncio.timeout_at(self._began + max_wait_s)
        async with AsyncExitStack() as held:
            async with (
                self._in_line() as place,
                beside(self._entertain(place), name="queue music"),
                beside(self._hear_wish(patience), name="queue keys"),
            ):
                try:
                    async with patience:
                        leg = await self._find_agent(place, held, patience)
                except TimeoutError:
                    self._call.wants_call = self._wishes_call
                    self._why_left = ASKED if self._wishes_call else "waited long enough"
                    return Outcome.DONE if self._wishes_call else Outcome.MAX_WAIT
                self._why_left = "an agent took the call" if leg else NOBODY_THERE
            if leg is None:
                return Outcome.OFFLINE
            return Outcome.ANSWERED if await self._talk(leg) else Outcome.OFFLINE

    async def _hear_wish(self, patience: asyncio.Timeout) -> None:
        """End the wait of who asks to be called back, but not while somebody is about to talk with them."""
        if not self._offers_call_back:
            return
        caller = self._call.caller
        caller.forget_digits()
        while await caller.digit(LONGEST_WAIT_S) != CALL_BACK_KEY or patience.when() is None:
            pass
        self._wishes_call = True
        end_now(patience)

    @asynccontextmanager
    async def _in_line(self) -> AsyncIterator[Place]:
        place = self._line.join()
        try:
            yield place
        finally:
            self._line.leave(place)
            name = self._line.spec.name
            why = SOUND_LOST if self._call.caller.has_lost_sound else self._why_left
            self._call.ledger.note(EventKind.LEFT_QUEUE, name, why, self._passed)

    async def _find_agent(self, place: Place, held: AsyncExitStack, patience: asyncio.Timeout) -> Leg | None:
        """Return the leg of who took the call; ``held`` ends it and its lease. None: all are offline.

        Whoever is being told of the caller takes the call, be it after the end of ``patience``.
        """
        while True:
            async with self._call.caller.while_up():
                offer = await self._line.next_offer(place)
            if offer is None:
                return None
            began = self._loop.time()
            async with AsyncExitStack() as undo:
                offered = undo.enter_context(offer.offered)
                leg, dead = await self._ring(place, offer)
                if leg is not None:
                    offered.answered(leg.person)
                    leg.owner = self._call
                    undo.push_async_callback(leg.close_for, self._call)
                    self._rung_at = began
                    if await self._whisper(leg, patience):
                        held.push_async_exit(undo.pop_all())
                        return leg
                    offer, dead = replace(offer, agents=(leg.person or "",)), frozenset()
                self._line.declined(place, offer, dead=dead, after_s=self._loop.time() - began)
            self._line.dispatch()

    async def _whisper(self, leg: Leg, patience: asyncio.Timeout) -> bool:
        """Tell ``leg`` how long the caller has waited, if so configured; return whether it stays (row Q8).

        The caller hears music meanwhile, an announcement is cut. Any key of the agent cuts the whisper.
        """
        if not self._line.spec.whispers_wait:
            return True
        until = patience.when()
        patience.reschedule(None)
        waited = self._step.sounds.waited(self._passed)
        self._hush()
        async with self._call.caller.while_up():
            with suppress(LegEnded):
                await leg.play(waited, until_digit=True)
        leg.forget_digits()
        if leg.is_up:
            return True
        self._call.ledger.note("rang", leg.name, "hung up before the caller was connected")
        self._may_announce.set()
        patience.reschedule(until)
        return False

    async def _ring(self, place: Place, offer: Offer) -> tuple[Leg | None, frozenset[str]]:
        """Ring the agents of ``offer``; return who answered, and whose phones gave no sign of life."""
        reached = await asyncio.gather(
            *(self._step.reach(Person(agent), self._call) for agent in offer.agents)
        )
        try:
            async with asyncio.timeout(None) as gone:
                place.on_deserted = partial(end_now, gone)
                rung = await self._step.dialer.ring(
                    [dial for each in reached for dial in each.dials],
                    seconds=self._line.spec.ring_seconds,
                    caller=self._call.caller,
                    watch=Watch(on_attempt=self._call.note_attempt, on_picked_up=self._call.note_pick_up),
                )
        except TimeoutError:
            return None, frozenset(offer.agents)
        finally:
            place.on_deserted = None
        alive = {attempt.dial.person for attempt in rung.attempts if attempt.reply is not Reply.OFFLINE}
        return rung.leg, frozenset(agent for agent in offer.agents if agent not in alive)

    async def _talk(self, leg: Leg) -> bool:
        agent = leg.person or leg.name
        self._line.took(agent, rung_at=self._rung_at)
        try:
            music = partial(self._step.sounds.music, self._line.spec.music)
            return await converse(self._call, leg, music=music)
        finally:
            self._line.pace.finished(agent, self._loop.time())

    # --- what the caller hears -----------------------------------------------------------------------------

    async def _entertain(self, place: Place) -> None:
        """Play welcome, music, announcements and the office's own messages at their set times."""
        spec, sounds = self._line.spec, self._step.sounds
        standing, own = Rhythm(spec.announce_every_s), Rhythm(spec.messages_every_s)
        messages = itertools.cycle(spec.messages)
        if not place.is_ringing and not place.offer.done():
            welcome = sounds.prompt(spec.greeting) if spec.greeting else ()
            await self._announce([*welcome, *self._standing(place, spec)])
            standing.leave_out(self._passed)
        while True:
            is_own = bool(spec.messages) and own.due_at <= standing.due_at
            due = own if is_own else standing
            await self._play_music_until(due.due_at, spec.music)
            await self._announce(sounds.prompt(next(messages)) if is_own else self._standing(place, spec))
            due.told(self._passed)

    async def _play_music_until(self, due_at: float, music: str) -> None:
        """Play music until so many seconds of the wait, and longer while nothing may be announced."""
        if due_at > self._passed or not self._may_announce.is_set():
            self._call.caller.loop(self._step.sounds.music(music))
        async with self._call.caller.while_up():
            await asyncio.sleep(due_at - self._passed)
            await self._may_announce.wait()

    @property
    def _passed(self) -> float:
        """How many seconds the caller has waited."""
        return self._loop.time() - self._began

    async def _announce(self, items: Sequence[PlayItem]) -> None:
        self._is_announcing = True
        try:
            await self._call.caller.play(items)
        finally:
            self._is_announcing = False

    def _hush(self) -> None:
        """Let the caller hear nothing but music from now on."""
        self._may_announce.clear()
        if self._is_announcing:
            self._call.caller.media.stop()

    def _standing(self, place: Place, spec: QueueSpec) -> Sequence[PlayItem]:
        standing = self._step.sounds.standing(
            self._line.position(place) if spec.announces_position else None,
            self._line.wait_seconds(place) if spec.announces_wait else None,
        )
        return [*standing, *(self._step.sounds.prompt(OFFER) if self._offers_call_back else ())]
