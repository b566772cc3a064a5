"""Everything that is ever written, as statements that take many rows at once.

A statement's rank is its place within a transaction: rows that others point to come first. The order in
which things happened never depends on it: ends carry their times, and a call is begun only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Table, bindparam, text

from b2bua.store.tables import (
    bindings,
    call_costs,
    call_events,
    call_legs,
    callbacks,
    calls,
    crm_records,
    messages,
    outbox,
    overrides,
    promises,
    recordings,
    statuses,
    trunk_states,
)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A prepared write."""

    rank: int
    """Lower goes first within a transaction."""
    sql: Executable
    """Takes a list of rows."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row to be written by a statement."""

    statement: Statement
    """How."""
    row: Mapping[str, Any]
    """What: the statement's parameters."""


def _keep(table: Table) -> Executable:
    """Return what inserts a row, or changes the one with the same key; SQLite and PostgreSQL both know it."""
    names = [column.name for column in table.columns]
    key = ", ".join(column.name for column in table.primary_key)
    news = ", ".join(f"{name} = excluded.{name}" for name in names if not table.c[name].primary_key)
    values = ", ".join(f":{name}" for name in names)
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) "  # noqa: S608 - our own names
    return text(f"{sql}ON CONFLICT ({key}) DO UPDATE SET {news}").bindparams(
        *(bindparam(name, type_=table.c[name].type) for name in names)
    )


BEGIN_CALL = Statement(0, calls.insert())
NOTE_EVENT = Statement(1, call_events.insert())
END_CALL = Statement(
    2,
    calls.update()
    .where(calls.c.id == bindparam("_id"), calls.c.ended_at.is_(None))
    .values(ended_at=bindparam("_at"), outcome=bindparam("_outcome"), why=bindparam("_why")),
)
GIVE_PROMISE = Statement(3, promises.insert())
KEEP_PROMISES_TO = Statement(
    4,
    promises.update()
    .where(
        promises.c.status == "open",
        promises.c.caller == bindparam("_caller"),
        promises.c.since <= bindparam("_until"),
        promises.c.call != bindparam("_call"),
    )
    .values(status="kept", closed_at=bindparam("_at"), closed_why=bindparam("_why")),
)
CLOSE_PROMISE = Statement(
    5,
    promises.update()
    .where(promises.c.id == bindparam("_id"), promises.c.status == "open")
    .values(status=bindparam("_status"), closed_at=bindparam("_at"), closed_why=bindparam("_why")),
)
CALL_NO_MORE = Statement(
    30,
    promises.update()
    .where(
        promises.c.status == "open",
        promises.c.caller == bindparam("_caller"),
        promises.c.since < bindparam("_since"),
        promises.c.call_at.is_not(None),
    )
    .values(call_at=None),
)
PLAN_ATTEMPT = Statement(
    31,
    promises.update()
    .where(promises.c.id == bindparam("_id"))
    .values(call_at=bindparam("_at"), attempts=bindparam("_attempts")),
)
BEGIN_MESSAGE = Statement(6, messages.insert())
FINISH_MESSAGE = Statement(
    7,
    messages.update()
    .where(messages.c.id == bindparam("_id"))
    .values(ended_at=bindparam("_at"), seconds=bindparam("_seconds"), is_silent=bindparam("_is_silent")),
)
DROP_MESSAGE = Statement(8, messages.delete().where(messages.c.id == bindparam("_id")))
HEAR_MESSAGE = Statement(
    9,
    messages.update()
    .where(messages.c.id == bindparam("_id"), messages.c.heard_at.is_(None))
    .values(heard_at=bindparam("_at")),
)
POST_MAIL = Statement(10, outbox.insert())
MARK_SENT = Statement(
    11,
    outbox.update()
    .where(outbox.c.id == bindparam("_id"))
    .values(
        sent_at=bindparam("_at"),
        sent_to=bindparam("_sent_to"),
        attempts=outbox.c.attempts + 1,
        next_try_at=None,
        last_error="",
    ),
)
MARK_FAILED = Statement(
    12,
    outbox.update()
    .where(outbox.c.id == bindparam("_id"))
    .values(attempts=outbox.c.attempts + 1, next_try_at=bindparam("_next"), last_error=bindparam("_error")),
)
KEEP_BINDING = Statement(13, _keep(bindings))
DROP_ENDED_BINDINGS = Statement(14, bindings.delete().where(bindings.c.expires_at <= bindparam("_at")))
KEEP_TRUNK_STATE = Statement(15, _keep(trunk_states))
DELETE_MESSAGE = Statement(
    16,
    messages.update()
    .where(messages.c.id == bindparam("_id"), messages.c.deleted_at.is_(None))
    .values(deleted_at=bindparam("_at")),
)
MEASURE_LEG = Statement(17, call_legs.insert())
BEGIN_TAPE = Statement(18, recordings.insert())
FINISH_TAPE = Statement(
    19,
    recordings.update()
    .where(recordings.c.id == bindparam("_id"))
    .values(ended_at=bindparam("_at"), seconds=bindparam("_seconds"), error=bindparam("_error")),
)
MOVE_TAPE = Statement(
    20, recordings.update().where(recordings.c.id == bindparam("_id")).values(path=bindparam("_path"))
)
DELETE_TAPE = Statement(
    21, recordings.update().where(recordings.c.id == bindparam("_id")).values(deleted_at=bindparam("_at"))
)
CHARGE_LEG = Statement(22, call_costs.insert())
KEEP_STATUS = Statement(23, _keep(statuses))
KEEP_OVERRIDE = Statement(24, _keep(overrides))
BEGIN_CRM_RECORD = Statement(25, crm_records.insert())
NOTE_CRM_RECORD = Statement(
    26,
    crm_records.update().where(crm_records.c.call == bindparam("_call")).values(made=bindparam("_made")),
)
CLOSE_CRM_RECORD = Statement(
    27,
    crm_records.update()
    .where(crm_records.c.call == bindparam("_call"))
    .values(sent_at=bindparam("_at"), next_try_at=None, attempts=crm_records.c.attempts + 1, last_error=""),
)
PUT_OFF_CRM_RECORD = Statement(
    28,
    crm_records.update()
    .where(crm_records.c.call == bindparam("_call"))
    .values(
        attempts=crm_records.c.attempts + 1, next_try_at=bindparam("_next"), last_error=bindparam("_error")
    ),
)
KEEP_CALLBACK = Statement(29, callbacks.insert())
RENEW_CRM_RECORDS = Statement(
    30,
    crm_records.update()
    .where(crm_records.c.sent_at.is_(None))
    .values(attempts=0, next_try_at=bindparam("_at")),
)
