"""One of our people listens to their messages by phone: hears them in turn, keeps or deletes each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

import structlog

from b2bua.call.call import Call
from b2bua.routing.destination import Listen, Outcome
from b2bua.routing.plan import Plan
from b2bua.store.calls import EventKind
from b2bua.store.messages import Message
from b2bua.store.store import Store
from media.commands import Clip, PlayItem, Silence
from media.levels import SPEECH_LUFS

log = structlog.get_logger("call")

AGAIN, DELETE, END = "1", "7", "*"
NEXT = ("2", "#")
LEAPS_S = {"4": -5.0, "6": 5.0}
"""Back and forth in a message, by so many seconds from where it is."""
DECIDE_S = 5.0
"""Who presses nothing for so long after a message hears the next one."""
PAUSE = (Silence(0.4),)
"""Between who called and what they said."""
LEAD = (Silence(0.3),)
"""Phones clip the first instant after the answer."""


@dataclass(frozen=True, slots=True)
class ListenSounds:
    """What is said around the messages."""

    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""
    messages: Callable[[int, int], Sequence[PlayItem]]
    """"You have two new messages": from the counts of new and old ones."""
    left_by: Callable[[str], Sequence[PlayItem]]
    """"From …": from a number, which may be empty."""
    ago: Callable[[float], Sequence[PlayItem]]
    """"Two hours ago": from seconds."""


@dataclass(slots=True)
class ListenStep:
    """The step behind the number that our people dial for their messages."""

    plan: Callable[[], Plan]
    """The configuration in force."""
    store: Store
    """Has the messages."""
    sounds: ListenSounds
    """What is said."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""

    async def __call__(self, call: Call, listen: Listen) -> Outcome:
        """Return DONE when there is nothing more to hear, or the person has heard enough.

        Raises:
            LegEnded: the person hung up; a message that was not heard to its end stays new.
        """
        call.doing = "while listening to messages"
        call.caller.answer()
        call.is_self_served = True
        boxes = self.plan().people[listen.person].listens_to
        await Listening(self, call, boxes).run()
        return Outcome.DONE


class Choice(Enum):
    """What comes after a message."""

    AGAIN = auto()
    NEXT = auto()
    END = auto()
    LEFT_OPEN = auto()
    """Nothing that we know was pressed."""


class Listening:
    """One call to the messages of some mailboxes."""

    def __init__(self, step: ListenStep, call: Call, boxes: Sequence[str]) -> None:
        self._step = step
        self._sounds = step.sounds
        self._messages = step.store.messages
        self._call = call
        self._boxes = boxes
        self._heard_now: set[int] = set()

    async def run(self) -> None:
        """Tell how many there are, and play one after another."""
        found = await self._messages.to_hear(self._boxes)
        new = sum(message.heard_at is None for message in found)
        counts = [*LEAD, *self._sounds.messages(new, len(found) - new)]
        if await self._say(counts) == END:
            return
        async for message in self._in_turn():
            if await self._one(message) is Choice.END:
                return
        await self._call.caller.play(self._sounds.prompt("messages-end"))

    async def _in_turn(self) -> AsyncIterator[Message]:
        """Yield each message once, those too that come meanwhile."""
        seen: set[int] = set()
        while fresh := [one for one in await self._messages.to_hear(self._boxes) if one.id not in seen]:
            seen.add(fresh[0].id)
            yield fresh[0]

    async def _say(self, items: Sequence[PlayItem]) -> str | None:
        """Return the key that cut what was said short, if any."""
        caller = self._call.caller
        is_whole = await caller.play(items, until_digit=True)
        key = None if is_whole else await caller.digit(0.1)
        caller.forget_digits()
        return key

    async def _one(self, message: Message) -> Choice:
        """Play a message as often as it is wanted; return NEXT or END."""
        if not await asyncio.to_thread(message.path.is_file):
            log.error("the recording of a message is gone", file=str(message.path), box=message.box)
            await self._heard(message)
            return Choice.NEXT
        age_s = (self._step.clock() - message.began_at).total_seconds()
        told = [*self._sounds.left_by(message.caller), *self._sounds.ago(age_s), *PAUSE]
        while (choice := await self._play(message, told)) not in (Choice.NEXT, Choice.END):
            told = [] if choice is Choice.AGAIN else [*self._sounds.prompt("message-keys"), *PAUSE]
        return choice

    async def _play(self, message: Message, told: Sequence[PlayItem]) -> Choice:
        caller = self._call.caller
        is_whole, key = not told or await caller.play(told, until_digit=True), None
        if is_whole:
            is_whole, key = await self._hear(message)
        else:
            key = await caller.digit(0.1)
        if is_whole:
            await self._heard(message)
            await caller.play([*PAUSE, *self._sounds.prompt("message-keys")], until_digit=True)
            key = await caller.digit(DECIDE_S)
        return Choice.NEXT if key is None and is_whole else await self._decide(message, key)

    async def _hear(self, message: Message) -> tuple[bool, str | None]:
        """Return whether the message was heard to its end, and if not, the key that ended it."""
        caller, spoken, start_s = self._call.caller, [Clip(message.path, lufs=SPEECH_LUFS)], 0.0
        while not await caller.play(spoken, until_digit=True, start_s=start_s):
            key = await caller.digit(0.1)
            if key not in LEAPS_S:
                return False, key
            start_s = max(0.0, start_s + caller.played_s + LEAPS_S[key])
        return True, None

    async def _decide(self, message: Message, key: str | None) -> Choice:
        if key == AGAIN:
            return Choice.AGAIN
        if key == END:
            return Choice.END
        if key == DELETE:
            await self._delete(message)
        elif key in NEXT:
            await self._heard(message)
        else:
            return Choice.LEFT_OPEN
        return Choice.NEXT

    async def _heard(self, message: Message) -> None:
        """Note that the message was heard: to its end, or as far as the person wanted."""
        if message.id not in self._heard_now:
            self._heard_now.add(message.id)
            await self._messages.hear(message.id, at=self._step.clock())
            self._note(message)

    async def _delete(self, message: Message) -> None:
        """Take it off the list; its recording stays where it is."""
        await self._messages.delete(message.id, at=self._step.clock())
        self._note(message, "deleted")
        await self._say(self._sounds.prompt("message-deleted"))

    def _note(self, message: Message, detail: str = "") -> None:
        self._call.ledger.note(EventKind.LISTENED, message.caller or "a withheld number", detail)
