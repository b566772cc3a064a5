"""Who asked on the web to be called back: a promise in the journal, and an id by which pages ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import rows, statements
from b2bua.store.calls import CallEvent, CallOutcome, EventKind, NewCall
from b2bua.store.keys import Keys
from b2bua.store.outbox import NewMail, Outbox
from b2bua.store.promises import PromiseStatus
from b2bua.store.rows import JournaledCall
from b2bua.store.statements import Change
from b2bua.store.tables import callbacks, promises
from b2bua.store.writer import Writer

WEB = "web"
"""The direction of such a call in the journal."""


@dataclass(frozen=True, slots=True)
class NewCallback:
    """What somebody asks for."""

    id: str
    """Names it; nobody guesses it."""
    call: NewCall
    """As which it stands in the journal; its direction is ``WEB``."""
    details: str
    """When and why, in words; may be empty."""
    fingerprint: str
    """Of what was asked."""
    key: str | None = None
    """The same for every try of one request (a digest); None: each is another."""
    wished_at: datetime | None = None
    """When they want to be called; None: soon."""

    @property
    def as_kept(self) -> Callback:
        """Return it as it is before anybody has called."""
        return Callback(self.id, self.fingerprint, self.call.at, self.wished_at)


@dataclass(frozen=True, slots=True)
class Callback:
    """What became of it."""

    id: str
    """Names it."""
    fingerprint: str
    """Of what was asked."""
    since: datetime
    """When it was asked."""
    wished_at: datetime | None = None
    """When they want to be called."""
    status: PromiseStatus = PromiseStatus.OPEN
    """Whether somebody has."""
    closed_at: datetime | None = None
    """When somebody had."""


class Callbacks:
    """Requests to be called back, each with the promise that it is."""

    def __init__(self, writer: Writer, engine: AsyncEngine, *, outbox: Outbox, keys: Keys) -> None:
        self._writer = writer
        self._engine = engine
        self._outbox = outbox
        self._keys = keys
        self._unwritten: dict[str, NewCallback] = {}
        """Those that the disk does not take yet."""

    async def add(self, new: NewCallback, *, mails: Iterable[NewMail] = (), tells_crm: bool = False) -> bool:
        """Promise a call; True once that is on disk with the ``mails``, False when that takes longer.

        With ``tells_crm`` the CRM is to be told of it.
        """
        journaled = JournaledCall(self._keys.next(), new.call)
        event = CallEvent(new.call.at, EventKind.REQUESTED, detail=new.details)
        why = "asked on the web to be called back"
        changes = [
            rows.beginning(journaled),
            *([rows.for_crm(journaled)] if tells_crm else []),
            rows.noting(self._keys.next(), journaled.key, event),
            *rows.ending(journaled, self._keys.next(), CallOutcome.PROMISE, at=new.call.at, why=why),
            Change(statements.KEEP_CALLBACK, _row(new, journaled.key)),
            *self._outbox.posting(mails, at=new.call.at),
        ]
        self._unwritten[new.id] = new
        try:
            is_written = await self._writer.write(changes)
        except BaseException:
            del self._unwritten[new.id]
            raise
        if is_written:
            del self._unwritten[new.id]
        self._outbox.has_new.set()
        return is_written

    async def find(self, id_: str) -> Callback | None:
        """Return the one of that id; None: there is none."""
        return await self._one(callbacks.c.id == id_) or self._waiting(lambda new: new.id == id_)

    async def by_key(self, key: str) -> Callback | None:
        """Return the one that was asked for with that key; None: there is none."""
        return await self._one(callbacks.c.key == key) or self._waiting(lambda new: new.key == key)

    def _waiting(self, is_it: Callable[[NewCallback], bool]) -> Callback | None:
        return next((new.as_kept for new in self._unwritten.values() if is_it(new)), None)

    async def _one(self, condition: ColumnElement[bool]) -> Callback | None:
        query = select(callbacks, promises.c.since, promises.c.status, promises.c.closed_at).join(
            promises, promises.c.call == callbacks.c.call
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query.where(condition))).one_or_none()
        if row is None:
            return None
        self._unwritten.pop(row.id, None)  # the disk has taken it since
        return _callback_of(row)


def _row(new: NewCallback, call: int) -> dict[str, Any]:
    return {
        "id": new.id,
        "call": call,
        "key": new.key,
        "fingerprint": new.fingerprint,
        "wished_at": new.wished_at,
    }


def _callback_of(row: Row[Any]) -> Callback:
    return Callback(
        id=row.id,
        fingerprint=row.fingerprint,
        since=row.since,
        wished_at=row.wished_at,
        status=PromiseStatus(row.status),
        closed_at=row.closed_at,
    )
