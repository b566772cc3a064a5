"""Voicemail: known from the first recorded byte, finished together with its call and its mail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.errors import WrongState
from b2bua.store import rows, statements
from b2bua.store.calls import CallEvent, CallOutcome, EventKind
from b2bua.store.journal import Journal
from b2bua.store.keys import Keys
from b2bua.store.outbox import NewMail, Outbox
from b2bua.store.paths import Paths
from b2bua.store.statements import Change
from b2bua.store.story import CUT_SHORT
from b2bua.store.tables import calls, latest_call, messages
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Message:
    """A voicemail."""

    id: int
    """Names the message."""
    call_id: str
    """The call in which it was left."""
    caller: str
    """Number of who left it; empty when withheld."""
    caller_name: str
    """May be empty."""
    dialled: str
    """The number that was dialled."""
    box: str
    """The mailbox."""
    path: Path
    """The recording."""
    began_at: datetime
    """When the recording began."""
    seconds: float | None
    """None while it is being recorded."""
    is_silent: bool
    """Nothing but silence was recorded."""
    heard_at: datetime | None
    """When somebody first listened to its end, or skipped it."""
    deleted_at: datetime | None = None
    """When somebody deleted it; the recording is still there."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages there are to listen to."""

    new: int = 0
    """Nobody has heard them yet."""
    old: int = 0
    """Heard, and not deleted."""

    def __add__(self, other: Waiting) -> Waiting:
        return Waiting(self.new + other.new, self.old + other.old)


@dataclass(frozen=True, slots=True)
class _Begun:
    key: int
    box: str


class Messages:
    """The voicemail of all boxes."""

    def __init__(
        self,
        writer: Writer,
        engine: AsyncEngine,
        *,
        journal: Journal,
        outbox: Outbox,
        keys: Keys,
        paths: Paths,
    ) -> None:
        self._writer = writer
        self._engine = engine
        self._journal = journal
        self._outbox = outbox
        self._keys = keys
        self._paths = paths
        self._begun: dict[str, _Begun] = {}
        self.on_change: Callable[[], None] | None = None
        """Told when a message came, was heard or was deleted, as soon as that is on disk."""

    async def begin(self, call_id: str, box: str, path: Path, at: datetime) -> bool:
        """Journal that the call's voicemail is being recorded to ``path``, before its first byte is.

        Raises:
            WrongState: the call has ended, or is leaving a message already.
        """
        journaled = self._journal.opened(call_id)
        if call_id in self._begun:
            raise WrongState(f"call {call_id} is leaving a message already")
        begun = self._begun[call_id] = _Begun(self._keys.next(), box)
        row = {
            "id": begun.key,
            "call": journaled.key,
            "box": box,
            "path": self._paths.stored(path),
            "began_at": at,
        }
        return await self._writer.write([Change(statements.BEGIN_MESSAGE, row)])

    def begun(self, call_id: str) -> int:
        """Return the row of the message that is being left.

        Raises:
            WrongState: none is.
        """
        try:
            return self._begun[call_id].key
        except KeyError:
            raise WrongState(f"call {call_id} is not leaving a message") from None

    async def finish(
        self,
        call_id: str,
        seconds: float,
        at: datetime,
        mails: Sequence[NewMail] = (),
        *,
        is_silent: bool = False,
        is_cut_short: bool = False,
        outcome: CallOutcome = CallOutcome.MESSAGE,
        why: str = "left a message",
    ) -> bool:
        """Finish the message, end the call and put its ``mails`` into the outbox, in one transaction.

        The event MESSAGE is noted too. ``outcome`` may be PROMISE when there is nothing to hear.

        Raises:
            WrongState: no message was begun, or the call has ended.
        """
        journaled = self._journal.opened(call_id)
        begun = self._pop(call_id)
        finished = {"_id": begun.key, "_at": at, "_seconds": seconds, "_is_silent": is_silent}
        detail = "silence" if is_silent else CUT_SHORT if is_cut_short else ""
        event = CallEvent(at, EventKind.MESSAGE, begun.box, detail, seconds)
        journaled.events.append(event)
        changes = [
            Change(statements.FINISH_MESSAGE, finished),
            rows.noting(self._keys.next(), journaled.key, event),
            *self._outbox.posting(mails, at=at),
            *self._journal.ending(call_id, outcome, at=at, why=why),
        ]
        return await self._write(*changes)

    async def discard(self, call_id: str) -> bool:
        """Forget the begun message: nothing was said. The call stays open, the file stays where it is.

        Raises:
            WrongState: no message was begun.
        """
        return await self._writer.write([Change(statements.DROP_MESSAGE, {"_id": self._pop(call_id).key})])

    async def hear(self, message: int, *, at: datetime) -> bool:
        """Note that somebody listened; the first time counts."""
        return await self._write(Change(statements.HEAR_MESSAGE, {"_id": message, "_at": at}))

    async def delete(self, message: int, *, at: datetime) -> bool:
        """Note that somebody wants to hear no more of it. The recording stays where it is."""
        return await self._write(Change(statements.DELETE_MESSAGE, {"_id": message, "_at": at}))

    async def latest(
        self, *, box: str | None = None, limit: int = 50, with_deleted: bool = True
    ) -> list[Message]:
        """Return the messages in ``box``, or in all, newest first."""
        query = _MESSAGES.order_by(messages.c.began_at.desc(), messages.c.id.desc()).limit(limit)
        if box is not None:
            query = query.where(messages.c.box == box)
        if not with_deleted:
            query = query.where(messages.c.deleted_at.is_(None))
        return await self._read(query)

    async def of_call(self, call_id: str) -> list[Message]:
        """Return the messages of the latest call of this id."""
        return await self._read(_MESSAGES.where(messages.c.call == latest_call(call_id)))

    async def by_row(self, row: int) -> Message | None:
        """Return a message, None when there is none."""
        return next(iter(await self._read(_MESSAGES.where(messages.c.id == row))), None)

    async def named(self, call_id: str) -> list[Message]:
        """Return the message that was left in the call of that id, or all whose call's id begins so."""
        query = _MESSAGES.where(calls.c.call_id.startswith(call_id, autoescape=True))
        return await self._read(query.order_by(messages.c.id))

    async def to_hear(self, boxes: Collection[str]) -> list[Message]:
        """Return what there is to listen to in ``boxes``: what nobody heard first, each the oldest first."""
        query = _MESSAGES.where(_IS_AUDIBLE, messages.c.box.in_(boxes)).order_by(
            messages.c.heard_at.is_not(None), messages.c.began_at, messages.c.id
        )
        return await self._read(query)

    async def waiting(self) -> dict[str, Waiting]:
        """Return how many messages there are to listen to, by mailbox; empty ones are left out."""
        is_new = case((messages.c.heard_at.is_(None), 1), else_=0)
        query = (
            select(messages.c.box, func.sum(is_new), func.count()).where(_IS_AUDIBLE).group_by(messages.c.box)
        )
        async with self._engine.connect() as connection:
            found = (await connection.execute(query)).all()
        return {box: Waiting(new, count - new) for box, new, count in found}

    async def _write(self, *changes: Change) -> bool:
        is_written = await self._outbox.write(changes)
        if is_written and self.on_change is not None:
            self.on_change()
        return is_written

    async def _read(self, query: Select[Any]) -> list[Message]:
        async with self._engine.connect() as connection:
            return [self._message_of(row) for row in await connection.execute(query)]

    def _pop(self, call_id: str) -> _Begun:
        self.begun(call_id)
        return self._begun.pop(call_id)

    def _message_of(self, row: Row[Any]) -> Message:
        return Message(
            id=row.id,
            call_id=row.call_id,
            caller=row.caller,
            caller_name=row.caller_name,
            dialled=row.dialled,
            box=row.box,
            path=self._paths.restored(row.path),
            began_at=row.began_at,
            seconds=row.seconds,
            is_silent=row.is_silent,
            heard_at=row.heard_at,
            deleted_at=row.deleted_at,
        )


_MESSAGES = select(messages, calls.c.call_id, calls.c.caller, calls.c.caller_name, calls.c.dialled).join(
    calls, messages.c.call == calls.c.id
)
_IS_AUDIBLE = and_(
    messages.c.ended_at.is_not(None), messages.c.is_silent.is_(False), messages.c.deleted_at.is_(None)
)
