"""The promises to call back: every caller who was not served, until somebody has talked to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import rows, statements
from b2bua.store.calls import CallEvent, EventKind
from b2bua.store.history import new_call_of
from b2bua.store.keys import Keys
from b2bua.store.statements import Change
from b2bua.store.tables import call_events, calls, promises
from b2bua.store.writer import Writer


class PromiseStatus(StrEnum):
    """What became of a promise."""

    OPEN = "open"
    """Somebody has to call back."""
    KEPT = "kept"
    """Somebody has talked to the caller."""
    DROPPED = "dropped"
    """Somebody decided that no call is needed."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A caller who is owed a call."""

    id: int
    """Names the promise."""
    call_id: str
    """The call out of which it came."""
    caller: str
    """The number to call; empty when it was withheld."""
    caller_name: str
    """May be empty."""
    dialled: str
    """The number that the caller had dialled."""
    since: datetime
    """When the caller called."""
    why: str
    """Why nobody served the caller, in words."""
    status: PromiseStatus = PromiseStatus.OPEN
    """What became of it."""
    closed_at: datetime | None = None
    """When it was kept or dropped."""
    closed_why: str = ""
    """Why it was closed, in words."""
    owner: str = ""
    """Key of who promised it in the talk; empty: somebody has to."""
    call_at: datetime | None = None
    """When the office itself calls next; None: it does not."""
    attempts: int = 0
    """How often it has."""


class Promises:
    """Open promises are made by the end of a call; a later talk with the same number keeps them."""

    def __init__(self, writer: Writer, engine: AsyncEngine, *, keys: Keys) -> None:
        self._writer = writer
        self._engine = engine
        self._keys = keys

    async def give(self, person: str, name: str, *, since: datetime, at: datetime) -> str:
        """Let ``person`` owe a call to whom they talk with, or talked with last; return that number.

        Calls that began before ``since`` do not count, nor do numbers that are not known; empty: nobody is
        there. A second time for the same call changes nothing. ``name`` is for the journal.
        """
        is_theirs = call_events.c.party.in_((person, f"mobile of {person}"))
        talks = call_events.c.kind == EventKind.ANSWERED.value
        query = (
            select(calls)
            .join(call_events, call_events.c.call == calls.c.id)
            .where(calls.c.began_at >= since, talks, is_theirs)
            .order_by(call_events.c.at.desc(), call_events.c.id.desc())
            .limit(1)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None or not (number := new_call_of(row).other_party):
                return ""
            given = await connection.scalar(select(promises.c.id).where(promises.c.call == row.id))
        if given is None:
            event = CallEvent(at, EventKind.PROMISED, name, party=person)
            promise = rows.promising(
                self._keys.next(), rows.JournaledCall(row.id, new_call_of(row)), person, at=at
            )
            await self._writer.write([promise, rows.noting(self._keys.next(), row.id, event)])
        return number

    async def open(self, limit: int = 100) -> list[Promise]:
        """Return the promises that nobody has kept yet, the longest owed first."""
        query = _PROMISES.where(promises.c.status == "open").order_by(promises.c.since).limit(limit)
        async with self._engine.connect() as connection:
            return [_promise_of(row) for row in await connection.execute(query)]

    async def latest(self, limit: int = 100) -> list[Promise]:
        """Return promises whatever became of them, newest first."""
        query = _PROMISES.order_by(promises.c.since.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [_promise_of(row) for row in await connection.execute(query)]

    async def named(self, beginning: str, limit: int = 2) -> list[Promise]:
        """Return the promises out of calls whose id begins so, newest first."""
        query = _PROMISES.where(calls.c.call_id.startswith(beginning, autoescape=True))
        async with self._engine.connect() as connection:
            found = await connection.execute(query.order_by(promises.c.since.desc()).limit(limit))
            return [_promise_of(row) for row in found]

    async def to_call(self, now: datetime, limit: int = 20) -> list[Promise]:
        """Return the promises for which the office itself has to call by now, the longest due first."""
        query = _PROMISES.where(_IS_OPEN, promises.c.call_at.is_not(None), promises.c.call_at <= now)
        async with self._engine.connect() as connection:
            found = await connection.execute(query.order_by(promises.c.call_at).limit(limit))
            return [_promise_of(row) for row in found]

    async def to_call_for(self, call_ids: Sequence[str]) -> list[Promise]:
        """Return the promises out of these calls for which the office itself has to call some time."""
        if not call_ids:
            return []
        is_owed = (promises.c.status == "open", promises.c.call_at.is_not(None))
        query = _PROMISES.where(*is_owed, calls.c.call_id.in_(call_ids))
        async with self._engine.connect() as connection:
            return [_promise_of(row) for row in await connection.execute(query)]

    async def next_call_at(self) -> datetime | None:
        """Return when the office itself has to call next; None: nobody."""
        first = select(promises.c.call_at).where(_IS_OPEN, promises.c.call_at.is_not(None))
        query = first.order_by(promises.c.call_at).limit(1)
        async with self._engine.connect() as connection:
            moment: datetime | None = await connection.scalar(query)
        return moment

    async def plan_attempt(self, promise: Promise, *, attempts: int, call_at: datetime | None) -> bool:
        """Note how often was called, and when it is done again; None: not any more."""
        row = {"_id": promise.id, "_attempts": attempts, "_at": call_at}
        return await self._writer.write([Change(statements.PLAN_ATTEMPT, row)])

    async def since(self, moment: datetime) -> list[Promise]:
        """Return the promises to who called at ``moment`` or later, the oldest first."""
        query = _PROMISES.where(promises.c.since >= moment).order_by(promises.c.since)
        async with self._engine.connect() as connection:
            return [_promise_of(row) for row in await connection.execute(query)]

    async def count_open(self) -> int:
        """Return how many callers are owed a call."""
        query = select(func.count()).select_from(promises).where(promises.c.status == "open")
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def keep(self, promise: int, *, at: datetime, why: str = "") -> bool:
        """Note that somebody talked to the caller; a promise that is closed stays as it was."""
        return await self._close(promise, PromiseStatus.KEPT, at=at, why=why)

    async def drop(self, promise: int, *, at: datetime, why: str) -> bool:
        """Note that no call is needed, and ``why``; a promise that is closed stays as it was."""
        return await self._close(promise, PromiseStatus.DROPPED, at=at, why=why)

    async def _close(self, promise: int, status: PromiseStatus, *, at: datetime, why: str) -> bool:
        row = {"_id": promise, "_status": status.value, "_at": at, "_why": why}
        return await self._writer.write([Change(statements.CLOSE_PROMISE, row)])


_PROMISES = select(promises, calls.c.call_id).join(calls, promises.c.call == calls.c.id)
_IS_OPEN = promises.c.status.concat("") == "open"
"""Not by the index of the status: what people owe stays open for years, and of the times there are few."""


def _promise_of(row: Row[Any]) -> Promise:
    return Promise(
        id=row.id,
        call_id=row.call_id,
        caller=row.caller,
        caller_name=row.caller_name,
        dialled=row.dialled,
        since=row.since,
        why=row.why,
        status=PromiseStatus(row.status),
        closed_at=row.closed_at,
        closed_why=row.closed_why,
        owner=row.owner,
        call_at=row.call_at,
        attempts=row.attempts,
    )
