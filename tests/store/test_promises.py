"""Who is to be called back next is found without looking at all who are owed a call by people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event

from b2bua.store import CallOutcome, Store
from tests.store.conftest import after, new_call


@pytest.mark.parametrize(
    "ask", [lambda store: store.promises.next_call_at(), lambda store: store.promises.to_call(after(100))]
)
async def test_whom_to_call_next_is_found_by_the_time_of_the_call(
    store: Store, ask: Callable[[Store], Awaitable[object]]
) -> None:
    asked = []
    engine = store._engine.sync_engine

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, sql: str, values: tuple[object, ...], *_: object) -> None:
        asked.append((sql, values))

    await ask(store)
    event.remove(engine, "before_cursor_execute", note)
    [(sql, values)] = asked
    async with store._engine.connect() as connection:
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)).all()
    assert "ix_promises_call_at" in plan[0].detail
    assert not [step for step in plan if "TEMP B-TREE" in step.detail]


async def test_who_is_owed_a_call_by_people_is_not_called_by_the_office(store: Store) -> None:
    due = {"by people": None, "later": after(90), "sooner": after(60)}
    store.journal.call_back_at = lambda call, _at, _why: due[call.call_id]
    for number, call_id in enumerate(due):
        await store.journal.begin(new_call(call_id, caller=f"+4850060070{number}"))
        await store.journal.end(call_id, CallOutcome.PROMISE, at=after(5))
    assert await store.promises.next_call_at() == after(60)
    assert [promise.call_id for promise in await store.promises.to_call(after(100))] == ["sooner", "later"]
    [sooner] = await store.promises.to_call(after(60))
    assert await store.promises.keep(sooner.id, at=after(61))
    assert await store.promises.next_call_at() == after(90)
