"""The tables, as the migrations make them (a test compares the two)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    ScalarSelect,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    select,
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC, in and out; SQLite by itself would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """Exact amounts, kept as whole millionths: SQLite has no decimals, and sums must be exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else int(value.scaleb(6).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        del dialect
        return None if value is None else Decimal(value).scaleb(-6)


class Words(TypeDecorator[str]):
    """Text of strangers: cut to what the column holds, without what a database refuses to store.

    A caller must not get lost for a display name of 5,000 letters, or of bytes that are no UTF-8. Columns
    with a length hold one printable line: they are shown on terminals.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        if value is None:
            return None
        length: int | None = getattr(self.impl_instance, "length", None)
        if length is not None:
            return _one_line(value)[:length]
        return value.encode("utf-8", "replace").decode().replace("\0", "")


def sqlite_text(value: datetime | None) -> str | None:
    """Return what SQLAlchemy makes of a time for SQLite, in a fifth of the time.

    Raises:
        ValueError: it has no zone.
    """
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone: {value}")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _one_line(value: str) -> str:
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else " " for letter in value)


Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite makes only an INTEGER primary key the row's own address."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key() -> Column[Any]:
    return Column("id", Key, primary_key=True, autoincrement=False)


def _call_of(*, is_unique: bool = False) -> Column[Any]:
    return Column("call", Key, ForeignKey("calls.id"), nullable=False, index=True, unique=is_unique or None)


calls = Table(
    "calls",
    metadata,
    _key(),
    Column("call_id", Words(255), nullable=False, index=True),
    Column("caller", Words(255), nullable=False),
    Column("caller_name", Words(255), nullable=False),
    Column("dialled", Words(255), nullable=False),
    Column("trunk", Words(255), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("began_at", UtcDateTime, nullable=False, index=True),
    Column("ended_at", UtcDateTime),
    Column("outcome", String(16)),
    Column("why", Words, nullable=False, server_default=""),
    Column("source", Words(255), nullable=False, server_default=""),
)
Index(
    "ix_calls_unfinished",
    calls.c.id,
    sqlite_where=calls.c.ended_at.is_(None),
)


def latest_call(call_id: str) -> ScalarSelect[int]:
    """Return the query for the row of the latest call of an id."""
    query = select(calls.c.id).where(calls.c.call_id == call_id).order_by(calls.c.id.desc()).limit(1)
    return query.scalar_subquery()


call_events = Table(
    "call_events",
    metadata,
    _key(),
    _call_of(),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("who", Words(255), nullable=False),
    Column("detail", Words, nullable=False),
    Column("seconds", Float),
    Column("party", Words(255), nullable=False, server_default=""),
)

call_legs = Table(
    "call_legs",
    metadata,
    _key(),
    _call_of(),
    Column("who", Words(255), nullable=False),
    Column("is_caller", Boolean, nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("codec", Words(32), nullable=False),
    Column("is_encrypted", Boolean, nullable=False),
    Column("packets", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("jitter_ms", Float, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("remote_lost", Integer),
    Column("round_trip_ms", Float),
    Column("mos", Float),
    Column("silent_s", Float, nullable=False, server_default="0"),
)

call_costs = Table(
    "call_costs",
    metadata,
    _key(),
    _call_of(),
    Column("who", Words(255), nullable=False),
    Column("number", Words(255), nullable=False),
    Column("trunk", Words(255), nullable=False),
    Column("answered_at", UtcDateTime, nullable=False, index=True),
    Column("seconds", Float, nullable=False),
    Column("billed_seconds", Integer, nullable=False),
    Column("amount", Money, nullable=False),
    Column("currency", String(3), nullable=False),
)

promises = Table(
    "promises",
    metadata,
    _key(),
    _call_of(is_unique=True),
    Column("caller", Words(255), nullable=False),
    Column("caller_name", Words(255), nullable=False),
    Column("dialled", Words(255), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("why", Words, nullable=False),
    Column("status", String(16), nullable=False),
    Column("closed_at", UtcDateTime),
    Column("closed_why", Words, nullable=False, server_default=""),
    Column("owner", Words(255), nullable=False, server_default=""),
    Column("call_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
)
Index("ix_promises_status_caller", promises.c.status, promises.c.caller)
Index("ix_promises_call_at", promises.c.call_at, sqlite_where=promises.c.call_at.is_not(None))

messages = Table(
    "messages",
    metadata,
    _key(),
    _call_of(),
    Column("box", Words(255), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("seconds", Float),
    Column("is_silent", Boolean, nullable=False, server_default=false()),
    Column("heard_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
)

recordings = Table(
    "recordings",
    metadata,
    _key(),
    _call_of(),
    Column("path", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False, index=True),
    Column("ended_at", UtcDateTime),
    Column("seconds", Float),
    Column("error", Words(255), nullable=False, server_default=""),
    Column("deleted_at", UtcDateTime),
)

outbox = Table(
    "outbox",
    metadata,
    _key(),
    Column("recipient", Words(320), nullable=False),
    Column("subject", Words, nullable=False),
    Column("body", Words, nullable=False),
    Column("attachment", Text),
    Column("attachment_name", Words(255), nullable=False, server_default=""),
    Column("language", String(16), nullable=False, server_default="en"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Words, nullable=False, server_default=""),
    Column("sent_at", UtcDateTime),
    Column("sent_to", Words, nullable=False, server_default=""),
)
Index("ix_outbox_next_try_at", outbox.c.next_try_at)

bindings = Table(
    "bindings",
    metadata,
    Column("person", Words(255), primary_key=True),
    Column("contact_uri", Words, primary_key=True),
    Column("transport", String(8), nullable=False),
    Column("host", String(64), nullable=False),
    Column("port", Integer, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("call_id", Words, nullable=False),
    Column("cseq", BigInteger, nullable=False),
    Column("user_agent", Words(255), nullable=False),
    Column("q", Words(16), nullable=False),
    Column("instance", Words(255), nullable=False),
    Column("path", Words, nullable=False),
    Column("login", Words(255), nullable=False, server_default=""),
)

trunk_states = Table(
    "trunk_states",
    metadata,
    Column("trunk", Words(255), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("server", Words(255), nullable=False),
    Column("last_error", Words(255), nullable=False),
)

overrides = Table(
    "overrides",
    metadata,
    Column("scope", Words(255), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("source", String(16), nullable=False),
    Column("who", Words(255), nullable=False),
)

statuses = Table(
    "statuses",
    metadata,
    Column("person", Words(255), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", Words(255), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("source", String(16), nullable=False),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", String(32), primary_key=True),
    _call_of(),
    Column("key", String(64)),
    Column("fingerprint", String(64), nullable=False),
    Column("wished_at", UtcDateTime),
)
Index("ix_callbacks_key", callbacks.c.key, unique=True)

crm_records = Table(
    "crm_records",
    metadata,
    Column("call", Key, ForeignKey("calls.id"), primary_key=True, autoincrement=False),
    Column("made", Text, nullable=False, server_default="{}"),
    Column("next_try_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Words, nullable=False, server_default=""),
    Column("sent_at", UtcDateTime),
)
Index("ix_crm_records_next_try_at", crm_records.c.next_try_at)

version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Whose one row is the latest migration that was done, as alembic wants to have it."""
