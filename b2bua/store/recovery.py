"""After a crash: calls without an end become promises, and half a message is still a message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import rows, statements
from b2bua.store.calls import CallEvent, CallOutcome, EventKind, NewCall, PartialMessage, UnfinishedCall
from b2bua.store.keys import Keys
from b2bua.store.outbox import NewMail, Outbox
from b2bua.store.paths import Paths
from b2bua.store.recording import remove_if_empty
from b2bua.store.rows import JournaledCall
from b2bua.store.statements import Change
from b2bua.store.story import CUT_SHORT
from b2bua.store.tables import messages

INTERRUPTED = "we were interrupted"
"""Why such a call ended, in words."""

MailsFor = Callable[[UnfinishedCall], Sequence[NewMail]]
"""What to mail about a call that was cut short."""
SecondsOf = Callable[[Path], float | None]
"""How much audio a recording has; called in a thread."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Finds out what has to be written for calls that a dead process left behind."""

    engine: AsyncEngine
    """Where they are."""
    outbox: Outbox
    """Gets the mails."""
    keys: Keys
    """Of the new rows."""
    paths: Paths
    """Of the recordings."""
    mails_for: MailsFor
    """What to mail."""
    seconds_of: SecondsOf
    """Measures recordings."""
    call_back_at: Callable[[NewCall, datetime, str], datetime | None]
    """When the office itself calls back."""

    async def close(self, journaled: JournaledCall, *, at: datetime) -> tuple[UnfinishedCall, list[Change]]:
        """Return what the call came to, and all that has to be written for it in one transaction."""
        partial = await self._messages_of(journaled.key)
        call = UnfinishedCall(journaled.call, tuple(partial))
        changes = [self._note(journaled, CallEvent(at, EventKind.INTERRUPTED))]
        for message in partial:
            changes += self._finish(journaled, message, at=at)
        changes += rows.ending(
            journaled,
            self.keys.next(),
            CallOutcome.PROMISE,
            at=at,
            why=INTERRUPTED,
            call_at=self.call_back_at(journaled.call, at, INTERRUPTED),
        )
        changes += self.outbox.posting(self.mails_for(call), at=at)
        return call, changes

    async def _messages_of(self, call: int) -> list[PartialMessage]:
        query = select(messages).where(messages.c.call == call, messages.c.ended_at.is_(None))
        async with self.engine.connect() as connection:
            found = (await connection.execute(query)).all()
        partial = []
        for row in found:
            path = self.paths.restored(row.path)
            seconds = await asyncio.to_thread(self.seconds_of, path)
            if seconds is None:
                await asyncio.to_thread(remove_if_empty, path)
            partial.append(PartialMessage(row.id, row.box, path, row.began_at, seconds))
        return partial

    def _finish(self, journaled: JournaledCall, message: PartialMessage, *, at: datetime) -> list[Change]:
        if message.seconds is None:
            return [Change(statements.DROP_MESSAGE, {"_id": message.id})]
        row = {"_id": message.id, "_at": at, "_seconds": message.seconds, "_is_silent": False}
        event = CallEvent(at, EventKind.MESSAGE, message.box, CUT_SHORT, message.seconds)
        return [Change(statements.FINISH_MESSAGE, row), self._note(journaled, event)]

    def _note(self, journaled: JournaledCall, event: CallEvent) -> Change:
        journaled.events.append(event)
        return rows.noting(self.keys.next(), journaled.key, event)
