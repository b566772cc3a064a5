"""Records conversations: decides which, tells both parties, keeps one file for each call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from b2bua.call.call import Call
from b2bua.call.callee import CalleeLeg
from b2bua.call.leg import Leg
from b2bua.config.models import Recording
from b2bua.errors import LegEnded, in_words
from b2bua.store.store import Store
from media.commands import PlayItem
from media.conversation_tape import LEFT, RIGHT, ConversationTape
from media.playback import Playback

log = structlog.get_logger("call")

LONGEST_ANNOUNCEMENT_S = 15.0
"""A phone that does not say where it wants sound keeps the two apart for no longer."""
PATIENCE_S = 10.0
"""How long a disk may take to complete a file."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which conversations are recorded."""

    everything: bool = False
    """All of them."""
    numbers: frozenset[str] = frozenset()
    """Those of callers who dialled one of these."""
    trunks: frozenset[str] = frozenset()
    """Those in which somebody came, or was reached, by one of these."""
    people: frozenset[str] = frozenset()
    """Those in which one of these takes part."""

    @classmethod
    def of(cls, settings: Recording, normalised: Callable[[str], str]) -> Rules:
        """Return what the configuration says; ``normalised`` is how dialled numbers are compared."""
        numbers = frozenset(normalised(number) for number in settings.numbers)
        return cls(settings.everything, numbers, frozenset(settings.trunks), frozenset(settings.people))

    def want(self, call: Call, leg: Leg) -> bool:
        """Return whether what the caller says with ``leg`` is recorded."""
        reached_by = leg.dial.trunk if isinstance(leg, CalleeLeg) else ""
        return (
            self.everything
            or call.identity.dialled in self.numbers
            or not self.trunks.isdisjoint({call.identity.trunk, reached_by})
            or not self.people.isdisjoint({call.caller.person, leg.person})
        )


@dataclass(slots=True)
class _Session:
    """What is recorded of one call."""

    tapes: list[tuple[int, ConversationTape]] = field(default_factory=list)
    """With the row of each; one, unless the disk failed or a worker died between two conversations."""
    told: set[Leg] = field(default_factory=set)
    """Who has heard that it is recorded."""


@dataclass(slots=True)
class Studio:
    """Records."""

    rules: Rules
    """Which conversations."""
    announcement: Sequence[PlayItem]
    """What both hear before."""
    store: Store
    """Where the recordings are journaled."""
    folder: Path
    """Files go into ``<folder>/<year>-<month>/``."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    on_complete: Callable[[Sequence[int]], None] = lambda _: None
    """Told of which rows the files are complete."""
    _sessions: dict[Call, _Session] = field(default_factory=dict)

    @asynccontextmanager
    async def recording(self, call: Call, leg: Leg) -> AsyncIterator[None]:
        """Record the caller and ``leg``, who answered, while the block runs, if that is wanted.

        Raises:
            LegEnded: the caller hung up while being told.
        """
        if not self.rules.want(call, leg):
            yield
            return
        session = self._sessions.setdefault(call, _Session())
        await self._announce(session, call.caller, leg)
        caller = call.caller
        tape = await self._tape(session, call)
        caller.media.tap(tape, LEFT)
        leg.media.tap(tape, RIGHT)
        try:
            yield
        finally:
            caller.media.untap()
            leg.media.untap()

    async def _announce(self, session: _Session, caller: Leg, leg: Leg) -> None:
        """Tell whoever is none of our people, and let the other wait and hear it too."""
        untold = {each for each in (caller, leg) if each.person is None} - session.told
        if not untold or not self.announcement:
            return
        playbacks = [each.media.play(self.announcement) for each in (caller, leg)]
        heard = asyncio.ensure_future(_heard(playbacks))
        try:
            ends: set[asyncio.Future[Any]] = {heard, caller.ended, leg.ended}
            await asyncio.wait(
                ends,
                timeout=LONGEST_ANNOUNCEMENT_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            heard.cancel()
        if not caller.is_up:
            raise LegEnded(caller.ended.result().why)
        session.told |= untold

    async def _tape(self, session: _Session, call: Call) -> ConversationTape:
        """Return the call's tape; a new one where the old one cannot go on."""
        if session.tapes:
            tape = session.tapes[-1][1]
            if not tape.is_over and tape.slot in (None, call.caller.media.slot):
                return tape
        at = self.clock()
        part = f"-{len(session.tapes) + 1}" if session.tapes else ""
        name = f"{at:%Y-%m-%d-%H-%M-%S}-{call.identity.call_id}{part}.wav"
        path = self.folder / f"{at:%Y-%m}" / name
        try:
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            why = in_words(error)
            log.error("there is no folder for a recording", why=why, call_id=call.identity.call_id)
        tape = ConversationTape(path)
        session.tapes.append((self.store.recordings.begin(call.identity.call_id, path, at), tape))
        return tape

    async def finish(self, call: Call) -> None:
        """Complete the files of a call that is over."""
        session = self._sessions.pop(call, None)
        if session is None:
            return
        complete = []
        for row, tape in session.tapes:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    summary = await tape.stop()
            except TimeoutError:
                log.error("a recording is not complete: the disk does not answer", path=str(tape.path))
                continue
            await self.store.recordings.finish(row, summary.seconds, self.clock(), summary.error)
            complete.append(row)
        self.on_complete(complete)


async def _heard(playbacks: Sequence[Playback]) -> None:
    for playback in playbacks:
        await playback.finished()
