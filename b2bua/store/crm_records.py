"""What the CRM has to be told of calls: begun with the call, kept until the CRM has taken all of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import statements
from b2bua.store.outbox import due_at
from b2bua.store.statements import Change
from b2bua.store.tables import calls, crm_records
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class DueRecord:
    """A call that is over, and what of it the CRM has by now."""

    id: int
    """Row of the call."""
    call_id: str
    """Names the call."""
    made: Mapping[str, str]
    """What was made of it so far: kind, and id in the CRM."""
    attempts: int
    """How often it was tried in vain."""
    next_try_at: datetime | None
    """When to try next; None: the CRM refused it, and it waits until somebody says so."""
    last_error: str
    """What the CRM said last."""


class CrmRecords:
    """The calls that the CRM does not know of yet."""

    def __init__(self, writer: Writer, engine: AsyncEngine) -> None:
        self._writer = writer
        self._engine = engine
        self.has_new = asyncio.Event()
        """Set when a call is over; cleared by the one who tells."""

    async def due(self, now: datetime, limit: int = 20) -> list[DueRecord]:
        """Return what is to be told now of calls that are over, the longest due first."""
        is_due = due_at(crm_records.c.next_try_at, now)
        query = _WAITING.where(is_due).order_by(crm_records.c.next_try_at)
        return await self._read(query.limit(limit))

    async def waiting(self, limit: int = 100) -> list[DueRecord]:
        """Return what is not told yet and is going to be, oldest first."""
        return await self._read(_WAITING.order_by(crm_records.c.call).limit(limit))

    async def untold(self, limit: int = 100) -> list[DueRecord]:
        """Return what the CRM does not have, also what it refused, the latest first."""
        return await self._read(_UNTOLD.order_by(crm_records.c.call.desc()).limit(limit))

    async def try_again(self, *, at: datetime) -> bool:
        """Have all of that told from ``at`` on, as if it were new."""
        return await self._writer.write([Change(statements.RENEW_CRM_RECORDS, {"_at": at})])

    async def next_try_at(self) -> datetime | None:
        """Return when the next one is due; None when the CRM knows all."""
        query = select(func.min(crm_records.c.next_try_at)).join(calls, crm_records.c.call == calls.c.id)
        async with self._engine.connect() as connection:
            moment: datetime | None = await connection.scalar(query.where(calls.c.ended_at.is_not(None)))
        return moment

    async def note(self, record: int, made: Mapping[str, str]) -> bool:
        """Note what was made so far, so that it is never made twice."""
        row = {"_call": record, "_made": json.dumps(made)}
        return await self._writer.write([Change(statements.NOTE_CRM_RECORD, row)])

    async def mark_sent(self, record: int, *, at: datetime, sent_to: str) -> bool:
        """Note that the CRM, which ``sent_to`` names, knows all of it."""
        del sent_to
        return await self._writer.write([Change(statements.CLOSE_CRM_RECORD, {"_call": record, "_at": at})])

    async def mark_failed(self, record: int, *, error: str, next_try_at: datetime | None) -> bool:
        """Note what went wrong and when to try again; None: not before somebody says so."""
        row = {"_call": record, "_error": error, "_next": next_try_at}
        return await self._writer.write([Change(statements.PUT_OFF_CRM_RECORD, row)])

    async def _read(self, query: Select[Any]) -> list[DueRecord]:
        async with self._engine.connect() as connection:
            return [_record_of(row) for row in await connection.execute(query)]


_UNTOLD = (
    select(crm_records, calls.c.call_id)
    .join(calls, crm_records.c.call == calls.c.id)
    .where(calls.c.ended_at.is_not(None), crm_records.c.sent_at.is_(None))
)
_WAITING = _UNTOLD.where(crm_records.c.next_try_at.is_not(None))


def _record_of(row: Row[Any]) -> DueRecord:
    made = json.loads(row.made)
    return DueRecord(row.call, row.call_id, made, row.attempts, row.next_try_at, row.last_error)
