"""Record one voicemail; a caller who hangs up or talks too long still leaves what was said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from b2bua.call.call import Call
from b2bua.call.leg import Leg
from b2bua.routing.destination import Outcome, Voicemail
from b2bua.routing.facts import Facts
from b2bua.routing.plan import MailboxSpec, Plan
from b2bua.routing.scheme import is_closed
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.outbox import NewMail
from b2bua.store.store import Store
from b2bua.store.story import CUT_SHORT
from media.call_tones import BEEP
from media.client import Recording, RecordingSummary
from media.commands import PlayItem

log = structlog.get_logger("call")

GREETING = "voicemail-greeting-working"
GREETING_OFF_HOURS = "voicemail-greeting-off-hours"
END_KEY = "#"
LONGEST_S = 3600.0
"""Longer than any message may be."""


@dataclass(frozen=True, slots=True)
class LeftMessage:
    """A finished recording, for whoever tells the mailbox."""

    row: int
    """Names it in the store."""
    call: Call
    """In which it was left."""
    box: MailboxSpec
    """For whom."""
    path: Path
    """The WAV file."""
    seconds: float
    """Its length."""
    at: datetime
    """When the recording began."""
    is_cut_short: bool = False
    """Something of ours ended it before the caller did: a full disk, an order to stop."""


@dataclass(slots=True)
class VoicemailStep:
    """The voicemail step."""

    plan: Callable[[], Plan]
    """The configuration in force."""
    store: Store
    """Keeps the message."""
    prompts: Callable[[str], Sequence[PlayItem]]
    """Finds prompts."""
    folder: Path
    """Recordings go into ``<folder>/<mailbox>/``."""
    mails: Callable[[LeftMessage], Sequence[NewMail]]
    """Writes the mails to the mailbox's owners."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    facts: Callable[[], Facts]
    """What routing knows of this moment."""
    last_chance: Callable[[Call, Callable[[], Awaitable[object]]], Awaitable[bool]]
    """Lets the greeting be played; returns whether somebody took the call instead, and talked."""

    async def __call__(self, call: Call, voicemail: Voicemail) -> Outcome:
        """Return MESSAGE when one was left, NO_INPUT when nothing was said, ANSWERED when somebody came.

        Raises:
            LegEnded: the caller hung up; what was said by then has been kept.
        """
        box = self.plan().mailboxes[voicemail.box]
        call.doing = "in the voicemail greeting"
        call.caller.answer()
        call.ledger.note(EventKind.VOICEMAIL, box.name)
        call.caller.forget_digits()  # what was typed in a menu does not skip the greeting
        greet = partial(call.caller.play, self._greeting(call, box), until_digit=True)
        if await self.last_chance(call, greet):
            return Outcome.ANSWERED
        call.caller.forget_digits()
        await self._record(call, box)
        last_word = "message-saved" if call.has_left_message else "message-empty"
        await call.caller.play([*self.prompts(last_word), *self.prompts("goodbye")])
        return Outcome.MESSAGE if call.has_left_message else Outcome.NO_INPUT

    def _greeting(self, call: Call, box: MailboxSpec) -> Sequence[PlayItem]:
        own = self.prompts(box.greeting) if box.greeting else ()
        return own or self.prompts(self._default_greeting(call))

    def _default_greeting(self, call: Call) -> str:
        """Return the greeting for whether the number that was dialled is open now (row V2)."""
        is_off = is_closed(self.plan(), call.identity.dialled, self.facts())
        return GREETING_OFF_HOURS if is_off else GREETING

    async def _record(self, call: Call, box: MailboxSpec) -> None:
        """Record until ``#``, the hang-up or the mailbox's limit; the file grows while the caller speaks."""
        call.doing = "without leaving a message"
        at = self.clock()
        path = self.folder / box.name / f"{at:%Y-%m-%d-%H-%M-%S}-{call.identity.call_id}.wav"
        with suppress(OSError):  # then the recording fails as well, and the caller is told of it
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        await self.store.messages.begin(call.identity.call_id, box.name, path, at)
        recording = call.caller.media.record(path, max_seconds=box.max_seconds)
        call.is_occupied, is_stopped = True, False
        try:
            call.caller.media.play(BEEP)
            async with asyncio.timeout(box.max_seconds):
                await _spoken(call.caller, recording)
        except TimeoutError:
            log.info("the message has reached its limit", call_id=call.identity.call_id)
        except asyncio.CancelledError:
            is_stopped = True
            raise
        finally:
            call.is_occupied = False
            row = self.store.messages.begun(call.identity.call_id)
            left = LeftMessage(row, call, box, path, 0.0, at, is_cut_short=is_stopped)
            await self._keep(left, await recording.stop())

    async def _keep(self, left: LeftMessage, summary: RecordingSummary) -> None:
        """Finish message, call and mail in one transaction, or forget what is too short or gone."""
        call_id = left.call.identity.call_id
        is_there = await asyncio.to_thread(left.path.is_file)  # somebody may have cleared the folder
        if summary.seconds < left.box.min_seconds or not is_there:
            await self.store.messages.discard(call_id)
            if is_there:
                await asyncio.to_thread(left.path.unlink, missing_ok=True)
            return
        is_cut_short = left.is_cut_short or bool(summary.error)
        left = replace(left, seconds=summary.seconds, is_cut_short=is_cut_short)
        if summary.is_silent:
            left.call.ledger.tell(EventKind.MESSAGE, left.box.name, "silence", summary.seconds)
            await self.store.messages.finish(
                call_id,
                summary.seconds,
                self.clock(),
                is_silent=True,
                outcome=CallOutcome.PROMISE,
                why="left nothing but silence",
            )
            return
        left.call.has_left_message = True
        await self.store.messages.finish(
            call_id, summary.seconds, self.clock(), self.mails(left), is_cut_short=left.is_cut_short
        )
        detail = CUT_SHORT if left.is_cut_short else ""
        left.call.ledger.tell(EventKind.MESSAGE, left.box.name, detail, summary.seconds)


async def _spoken(caller: Leg, recording: Recording) -> None:
    """Wait until the caller presses ``#`` or is not recorded any more: nobody is to speak to a full disk.

    Raises:
        LegEnded: the caller hung up.
    """
    pressed = asyncio.ensure_future(_end_key(caller))
    ended = asyncio.ensure_future(recording.finished())
    try:
        await asyncio.wait({pressed, ended}, return_when=asyncio.FIRST_COMPLETED)
        if pressed.done():
            pressed.result()
    finally:
        pressed.cancel()
        ended.cancel()
        del pressed, ended  # the task would hold its error, whose traceback holds this frame


async def _end_key(caller: Leg) -> None:
    while await caller.digit(LONGEST_S) != END_KEY:
        pass
