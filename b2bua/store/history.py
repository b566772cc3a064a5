"""Reads the journal: what the office wants to know of its calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from b2bua.store.calls import CallEvent, CallOutcome, CallStory, Cost, EventKind, NewCall
from b2bua.store.crowding import Span
from b2bua.store.quality import LegQuality
from b2bua.store.recovery import INTERRUPTED
from b2bua.store.tables import call_costs, call_events, call_legs, calls

_KEYS_PER_QUERY = 500
"""SQLite of old takes no more than 999 parameters."""


class History:
    """Calls as they are on disk; reading never holds up the writer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def calls(
        self, *, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> list[CallStory]:
        """Return the latest ``limit`` calls that came from ``since`` on, before ``until``, newest first."""
        query = select(calls).order_by(calls.c.began_at.desc(), calls.c.id.desc()).limit(limit)
        if since is not None:
            query = query.where(calls.c.began_at >= since)
        if until is not None:
            query = query.where(calls.c.began_at < until)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
            events = await _events_of(connection, [row.id for row in rows])
            costs = await _costs_of(connection, [row.id for row in rows])
        return [_story_of(row, events[row.id], costs[row.id]) for row in rows]

    async def call(self, call_id: str) -> CallStory | None:
        """Return the latest call of this id."""
        query = select(calls).where(calls.c.call_id == call_id).order_by(calls.c.id.desc()).limit(1)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            events = await _events_of(connection, [row.id])
            costs = await _costs_of(connection, [row.id])
            legs = await _legs_of(connection, row.id)
        return replace(_story_of(row, events[row.id], costs[row.id]), legs=legs)

    async def named(self, beginning: str, *, limit: int) -> list[str]:
        """Return the ids that begin so, the latest call's first."""
        query = select(calls.c.call_id).where(calls.c.call_id.startswith(beginning, autoescape=True))
        async with self._engine.connect() as connection:
            found = await connection.execute(query.order_by(calls.c.id.desc()).limit(limit))
            return list(found.scalars())

    async def spans(self, *, since: datetime, now: datetime) -> list[Span]:
        """Return how long each caller was on a trunk who came from ``since`` on, until ``now`` at most.

        Of calls that a crash interrupted nobody knows when they ended: they are left out.
        """
        query = select(calls.c.trunk, calls.c.began_at, calls.c.ended_at).where(
            calls.c.began_at >= since,
            calls.c.direction == "in",
            calls.c.why != INTERRUPTED,
        )
        async with self._engine.connect() as connection:
            return [Span(row[0], row[1], row[2] or now) for row in await connection.execute(query)]

    async def extensions_dialled(self) -> dict[tuple[str, str], int]:
        """Return in how many calls callers of a number dialled an extension, by both."""
        count = func.count(call_events.c.call.distinct())
        query = (
            select(calls.c.dialled, call_events.c.detail, count)
            .join(calls, calls.c.id == call_events.c.call)
            .where(call_events.c.kind == EventKind.EXTENSION)
            .group_by(calls.c.dialled, call_events.c.detail)
        )
        async with self._engine.connect() as connection:
            return {(row[0], row[1]): row[2] for row in await connection.execute(query)}

    async def talked_with(self, number: str, since: datetime) -> str:
        """Return whom of ours the outside ``number`` talked with last, as ``CallEvent.party`` names them.

        In calls that began at or after ``since``, whoever called whom; empty: with nobody.
        """
        is_theirs = or_(
            and_(calls.c.direction == "in", calls.c.caller == number),
            and_(calls.c.direction == "out", calls.c.dialled == number),
        )
        is_talk = call_events.c.kind == EventKind.TALKED.value
        query = (
            select(call_events.c.party)
            .join(calls, call_events.c.call == calls.c.id)
            .where(calls.c.began_at >= since, is_theirs, call_events.c.party != "", is_talk)
            .order_by(call_events.c.at.desc(), call_events.c.id.desc())
            .limit(1)
        )
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or ""

    async def events(self, key: int) -> list[CallEvent]:
        """Return what happened in the call of that row, in its order."""
        async with self._engine.connect() as connection:
            return (await _events_of(connection, [key]))[key]

    async def unfinished(self, *, besides: Collection[int]) -> list[tuple[int, NewCall]]:
        """Return the rows of calls without an end, oldest first, but for those in ``besides``."""
        query = select(calls).where(calls.c.ended_at.is_(None)).order_by(calls.c.id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [(row.id, new_call_of(row)) for row in rows if row.id not in besides]


async def _events_of(connection: AsyncConnection, keys: list[int]) -> defaultdict[int, list[CallEvent]]:
    events: defaultdict[int, list[CallEvent]] = defaultdict(list)
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = keys[start : start + _KEYS_PER_QUERY]
        query = select(call_events).where(call_events.c.call.in_(some)).order_by(call_events.c.id)
        for row in await connection.execute(query):
            event = CallEvent(row.at, EventKind(row.kind), row.who, row.detail, row.seconds, row.party)
            events[row.call].append(event)
    return events


async def _costs_of(connection: AsyncConnection, keys: list[int]) -> defaultdict[int, list[Cost]]:
    costs: defaultdict[int, list[Cost]] = defaultdict(list)
    kept = [call_costs.c[field.name] for field in fields(Cost)]
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = keys[start : start + _KEYS_PER_QUERY]
        query = select(call_costs.c.call, *kept).where(call_costs.c.call.in_(some)).order_by(call_costs.c.id)
        for call, *cost in await connection.execute(query):
            costs[call].append(Cost(*cost))
    return costs


async def _legs_of(connection: AsyncConnection, call: int) -> tuple[LegQuality, ...]:
    kept = (call_legs.c[field.name] for field in fields(LegQuality))
    query = select(*kept).where(call_legs.c.call == call)
    query = query.order_by(call_legs.c.is_caller.desc(), call_legs.c.answered_at, call_legs.c.id)
    return tuple(LegQuality(*row) for row in await connection.execute(query))


def new_call_of(row: Row[Any]) -> NewCall:
    """How the call of this row of ``calls`` came."""
    return NewCall(
        call_id=row.call_id,
        caller=row.caller,
        caller_name=row.caller_name,
        dialled=row.dialled,
        trunk=row.trunk,
        at=row.began_at,
        direction=row.direction,
        source=row.source,
    )


def _story_of(row: Row[Any], events: list[CallEvent], costs: list[Cost]) -> CallStory:
    outcome = CallOutcome(row.outcome) if row.outcome else None
    return CallStory(new_call_of(row), tuple(events), row.ended_at, outcome, row.why, costs=tuple(costs))
