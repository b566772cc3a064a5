"""Ring a step's targets and let whoever answers talk with the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from b2bua.call.call import Call
from b2bua.call.callee import CalleeLeg, Dial, Reached
from b2bua.call.confirmation import Confirmation
from b2bua.call.conversation import converse
from b2bua.call.dialer import Dialer
from b2bua.call.leg import Leg
from b2bua.call.rung import Watch
from b2bua.errors import LegEnded
from b2bua.people.engaged import Offered
from b2bua.people.occupancy import Occupancy
from b2bua.ringing.turns import Line, Turn, each_line_once, is_rung
from b2bua.routing.destination import (
    Confirm,
    External,
    Outcome,
    Person,
    Ring,
    RingMode,
    Target,
)
from b2bua.store.calls import EventKind
from media.commands import PlayItem

Reach = Callable[[Target, Call], Awaitable[Reached]]
"""Finds the devices and numbers that a target comes to right now, within a second."""

Take = Callable[..., Awaitable[bool]]
"""Connects a caller and who took the call, as ``converse`` does; False: nobody was there."""
WORST_FIRST = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED, Outcome.ERROR, Outcome.OFFLINE)
"""A step that rang several targets in turn ends with the first of these that any of them gave."""


@dataclass(frozen=True, slots=True)
class RingSounds:
    """What those hear who do not talk yet, or are held."""

    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    music: Callable[[str], Sequence[PlayItem]]
    """A piece of music by its name; empty: the usual one."""
    offer: Callable[[str], Sequence[PlayItem]]
    """What offers a call from a number to who has to confirm that they take it."""


@dataclass(slots=True)
class Ringing:
    """The ring step."""

    dialer: Dialer
    """Rings."""
    reach: Reach
    """Finds whom to ring."""
    occupancy: Occupancy
    """Knows who talks."""
    sounds: RingSounds
    """Music and questions."""
    take: Take = converse
    """What is done with whoever answered."""

    async def __call__(self, call: Call, ring: Ring) -> Outcome:
        """Return how the step ended; ANSWERED after the conversation is over.

        Raises:
            LegEnded: the caller hung up while it rang.
        """
        call.doing = "while it rang"
        if ring.is_backup:
            call.ledger.note(EventKind.BACKUP)
        self._entertain(call, ring)
        if ring.mode is RingMode.IN_TURN:
            return await self._in_turn(call, ring)
        async with call.caller.while_up():
            reached = await self._find_all(call, ring)
        live = each_line_once(zip(ring.targets, reached, strict=True))
        if ring.mode is not RingMode.STAGGERED:
            return await self._together(call, ring, [dial for _, each in live for dial in each.dials])
        dials = [
            dial
            for index, (target, each) in enumerate(live)
            for dial in self._held_back(call, target, each, seconds=ring.stagger_seconds * index)
        ]
        return await self._together(call, ring, dials)

    def _held_back(self, call: Call, target: Target, reached: Reached, *, seconds: float) -> Iterator[Dial]:
        """Let whoever joins later be rung only if they can be by then."""
        turn = Turn(partial(self._look_up, call, target))
        for dial in reached.dials:
            yield replace(dial, starts_after=seconds, is_due=turn.has_come)

    async def _find_all(self, call: Call, ring: Ring) -> list[Reached]:
        finding = [self._find(call, ring, target) for target in ring.targets]
        if len(finding) == 1:  # as in most calls: no task is needed
            return [await finding[0]]
        return await asyncio.gather(*finding)

    def _entertain(self, call: Call, ring: Ring) -> None:
        """Let the caller hear that somebody is being rung, or music, for which they are answered."""
        if not ring.music:
            call.caller.ring()
            return
        call.caller.answer()
        call.caller.loop(self.sounds.music(ring.music))

    async def _find(self, call: Call, ring: Ring, target: Target) -> Reached:
        """Return what ``target`` comes to; who has to confirm that they take the call will be asked."""
        reached = await self._look_up(call, target)
        if isinstance(target, Person) or target.confirm is None:
            return reached
        question = (*self._whisper(ring), *self.sounds.offer(call.identity.number))
        is_by_voice = target.confirm is Confirm.VOICE
        confirmation = Confirmation(question, ring.confirm_seconds, is_by_voice=is_by_voice)
        dials = tuple(replace(dial, confirmation=confirmation) for dial in reached.dials)
        return replace(reached, dials=dials)

    async def _look_up(self, call: Call, target: Target) -> Reached:
        if isinstance(target, Person) and not target.device:
            call.sought.setdefault(target.name, 0.0)
        reached = await self.reach(target, call)
        if not reached.dials:
            kind = EventKind.EXCUSED if reached.is_excused else EventKind.OFFLINE
            call.ledger.note(kind, reached.who, reached.why_not, party=reached.person or "")
            if reached.person is not None and not reached.is_excused:
                call.note_missed(reached.who)
        return reached

    async def _in_turn(self, call: Call, ring: Ring) -> Outcome:
        """Ring one after another; each is as they are when their turn comes, not as they were before."""
        outcomes, rung = {Outcome.OFFLINE}, set[Line]()
        for target in ring.targets:
            async with call.caller.while_up():
                reached = await self._find(call, ring, target)
            if reached.dials and not is_rung(reached, rung):
                outcome = await self._together(call, ring, reached.dials)
                if outcome is Outcome.ANSWERED:
                    return outcome
                outcomes.add(outcome)
        return next(outcome for outcome in WORST_FIRST if outcome in outcomes)

    async def _together(self, call: Call, ring: Ring, dials: Sequence[Dial]) -> Outcome:
        if not dials:
            return Outcome.OFFLINE
        with Offered(self.occupancy, _people(dials), seconds=ring.for_seconds) as offered:
            rung = await self.dialer.ring(
                dials,
                seconds=ring.for_seconds,
                caller=call.caller,
                watch=Watch(
                    on_attempt=call.note_attempt,
                    on_answer=lambda leg: offered.answered(leg.person),
                    on_picked_up=call.note_pick_up,
                    on_early=self._early_media(call, ring),
                ),
            )
            if rung.leg is None:
                return Outcome(rung.reply)
            if not await self._is_told(call, ring, rung.leg):
                return Outcome.NO_ANSWER
            is_there = await self.take(call, rung.leg, music=partial(self.sounds.music, ring.music))
            return Outcome.ANSWERED if is_there else Outcome.OFFLINE

    async def _is_told(self, call: Call, ring: Ring, leg: Leg) -> bool:
        """Whisper to ``leg`` why the call comes, while the caller hears ringing; return whether it stays."""
        whisper = () if leg.was_asked else self._whisper(ring)
        if not whisper:
            return True
        try:
            async with call.caller.while_up():
                with suppress(LegEnded):
                    await leg.play(whisper, until_digit=True)
        except BaseException:
            await leg.close()
            raise
        leg.forget_digits()
        if not leg.is_up:
            await leg.close()
            call.ledger.note(EventKind.RANG, leg.name, "hung up before the caller was connected")
        return leg.is_up

    def _whisper(self, ring: Ring) -> Sequence[PlayItem]:
        return self.sounds.prompt(ring.whisper) if ring.whisper else ()

    @staticmethod
    def _early_media(call: Call, ring: Ring) -> Callable[[CalleeLeg], None] | None:
        """Let our own people hear the far network's announcements; a customer hears ringing (row F23)."""
        if (
            not call.identity.is_internal
            or len(ring.targets) != 1
            or not isinstance(ring.targets[0], External)
        ):
            return None

        def hear(leg: CalleeLeg) -> None:
            call.caller.start_early_media(prefer=leg.codec)
            call.caller.media.stop()
            call.caller.media.bridge(leg.media)

        return hear


def _people(dials: Sequence[Dial]) -> set[str]:
    return {dial.person for dial in dials if dial.person is not None}
