"""News that have to go out by mail or web: written with what they tell of, kept until a server took them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import statements
from b2bua.store.keys import Keys
from b2bua.store.paths import Paths
from b2bua.store.statements import Change
from b2bua.store.tables import outbox
from b2bua.store.writer import Writer

LONGEST_WAIT = timedelta(hours=1)
"""Nobody puts off a try for longer."""


def due_at(next_try_at: ColumnElement[datetime], now: datetime) -> ColumnElement[bool]:
    """Return whether it is time to try, also where a clock said when that has been set back since."""
    return or_(next_try_at <= now, next_try_at > now + LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to one address, ready but for its attachment, which is read when it is sent.

    Or news for a server on the web, which gets the body.
    """

    recipient: str
    """One e-mail address, or a web address (``https:…``)."""
    subject: str
    """One line."""
    body: str
    """Plain text; JSON for a web address."""
    attachment: Path | None = None
    """A recording."""
    attachment_name: str = ""
    """The file name that the reader sees."""
    language: str = "en"
    """In which what is found out at sending (no attachment) is said."""


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail in the outbox."""

    id: int
    """Names the mail, also to mail servers, so that a repeated one is known as such."""
    mail: NewMail
    """What to send."""
    created_at: datetime
    """When the news came."""
    attempts: int
    """How often it was tried in vain."""
    next_try_at: datetime
    """When to try next."""
    last_error: str
    """What the mail server said last."""


class Outbox:
    """The mails that wait to be sent."""

    def __init__(self, writer: Writer, engine: AsyncEngine, *, keys: Keys, paths: Paths) -> None:
        self._writer = writer
        self._engine = engine
        self._keys = keys
        self._paths = paths
        self.has_new = asyncio.Event()
        """Set when mail was added; cleared by the one who sends."""

    async def post(self, mails: Iterable[NewMail], *, at: datetime) -> bool:
        """Add ``mails``, due at once."""
        return await self.write(self.posting(mails, at=at))

    async def write(self, changes: Sequence[Change]) -> bool:
        """Write ``changes``, and have sent at once what they post; see :meth:`Writer.write`."""
        is_written = await self._writer.write(changes)
        if any(change.statement is statements.POST_MAIL for change in changes):
            self.has_new.set()
        return is_written

    async def post_once(self, mails: Sequence[NewMail], *, at: datetime, since: datetime) -> None:
        """Add ``mails``, all with one subject, unless some with that subject were added since then."""
        if mails and not await self.has_posted(mails[0].subject, since=since):
            await self.post(mails, at=at)

    async def has_posted(self, subject: str, *, since: datetime) -> bool:
        """Return whether a mail of that subject was added at or after ``since``."""
        query = select(outbox.c.id).where(outbox.c.created_at >= since, outbox.c.subject == subject).limit(1)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    def posting(self, mails: Iterable[NewMail], *, at: datetime) -> list[Change]:
        """Return what has to be written to add ``mails``, by :meth:`write`."""
        return [Change(statements.POST_MAIL, self._row(mail, at)) for mail in mails]

    async def due(self, now: datetime, limit: int = 20) -> list[QueuedMail]:
        """Return the mails to be tried now, the longest due first."""
        is_due = due_at(outbox.c.next_try_at, now)
        query = select(outbox).where(is_due).order_by(outbox.c.next_try_at).limit(limit)
        async with self._engine.connect() as connection:
            return [self._mail_of(row) for row in await connection.execute(query)]

    async def waiting(self, limit: int = 100) -> list[QueuedMail]:
        """Return the mails that are not sent yet, oldest first."""
        query = select(outbox).where(outbox.c.next_try_at.is_not(None)).order_by(outbox.c.id).limit(limit)
        async with self._engine.connect() as connection:
            return [self._mail_of(row) for row in await connection.execute(query)]

    async def next_try_at(self) -> datetime | None:
        """Return when the next mail is due; None when all are sent."""
        async with self._engine.connect() as connection:
            moment: datetime | None = await connection.scalar(select(func.min(outbox.c.next_try_at)))
        return moment

    async def mark_sent(self, mail: int, *, at: datetime, sent_to: str) -> bool:
        """Note that the mail went out; ``sent_to`` is the server or the file that has it now."""
        row = {"_id": mail, "_at": at, "_sent_to": sent_to}
        return await self._writer.write([Change(statements.MARK_SENT, row)])

    async def mark_failed(self, mail: int, *, error: str, next_try_at: datetime | None) -> bool:
        """Note what went wrong and when to try again; None: never."""
        row = {"_id": mail, "_error": error, "_next": next_try_at}
        return await self._writer.write([Change(statements.MARK_FAILED, row)])

    def _row(self, mail: NewMail, at: datetime) -> dict[str, Any]:
        return {
            "id": self._keys.next(),
            "recipient": mail.recipient,
            "subject": mail.subject,
            "body": mail.body,
            "attachment": self._paths.stored(mail.attachment) if mail.attachment else None,
            "attachment_name": mail.attachment_name,
            "language": mail.language,
            "created_at": at,
            "next_try_at": at,
        }

    def _mail_of(self, row: Row[Any]) -> QueuedMail:
        attachment = self._paths.restored(row.attachment) if row.attachment else None
        mail = NewMail(row.recipient, row.subject, row.body, attachment, row.attachment_name, row.language)
        return QueuedMail(row.id, mail, row.created_at, row.attempts, row.next_try_at, row.last_error)
