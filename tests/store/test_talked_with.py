"""Row R1: the journal tells whom of ours a number talked with last, quickly."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from b2bua.store import CallEvent, CallOutcome, EventKind, NewCall, Store
from tests.store.conftest import NOON, after, new_call

CLIENT = "+48500600700"
MIDNIGHT = NOON - timedelta(hours=12)
BUSY_DAY = 5_000
"""Calls; an office of two hundred people has about as many."""


async def talk(
    store: Store, call_id: str, *, party: str, at: float, client: str = CLIENT, direction: str = "in"
) -> None:
    parties = (client, "+48221230001") if direction == "in" else ("101", client)
    await store.journal.begin(NewCall(call_id, parties[0], "", parties[1], "", after(at), direction))
    store.journal.note(call_id, CallEvent(after(at + 5), EventKind.TALKED, "somebody", "", 4.0, party))
    await store.journal.end(call_id, CallOutcome.TALKED, at=after(at + 6))


async def test_row_r1_the_last_talk_counts_whichever_side_called(store: Store) -> None:
    assert await store.journal.talked_with(CLIENT, MIDNIGHT) == ""
    await talk(store, "c1", party="anna", at=0)
    await talk(store, "c2", party="mobile of piotr", at=60)
    await talk(store, "c3", party="olena", at=120, client="+48500600701")
    assert await store.journal.talked_with(CLIENT, MIDNIGHT) == "mobile of piotr"
    await talk(store, "c4", party="ivan", at=180, direction="out")
    assert await store.journal.talked_with(CLIENT, MIDNIGHT) == "ivan"
    assert await store.journal.talked_with(CLIENT, after(200)) == ""


async def test_row_r1_who_was_only_rung_or_left_a_message_talked_with_nobody(store: Store) -> None:
    await store.journal.begin(new_call())
    store.journal.note("c1", CallEvent(after(20), EventKind.RANG, "Anna", "no answer", 20.0))
    store.journal.note("c1", CallEvent(after(30), EventKind.MESSAGE, "sales", "", 9.0))
    await store.journal.end("c1", CallOutcome.MESSAGE, at=after(31))
    await talk(store, "c2", party="", at=60)  # with somebody outside, e.g. a backup number
    assert await store.journal.talked_with(CLIENT, MIDNIGHT) == ""


async def test_row_r1_it_takes_indexes_on_a_busy_day(store: Store, tmp_path: Path) -> None:
    await talk(store, "c1", party="anna", at=0)
    with sqlite3.connect(tmp_path / "b2bua.sqlite") as connection:
        _fill(connection)
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT e.party FROM call_events e JOIN calls c ON e.call = c.id "
            "WHERE c.began_at >= '2026-11-22' AND (c.direction = 'in' AND c.caller = ? "
            "OR c.direction = 'out' AND c.dialled = ?) AND e.party != '' "
            "ORDER BY e.at DESC, e.id DESC LIMIT 1",
            (CLIENT, CLIENT),
        ).fetchall()
    connection.close()
    assert not [step for *_, step in plan if step.startswith("SCAN")]
    assert await store.journal.talked_with(CLIENT, MIDNIGHT) == "anna"


def _fill(connection: sqlite3.Connection) -> None:
    keys = range(1, BUSY_DAY)
    connection.executemany(
        "INSERT INTO calls (id, call_id, caller, caller_name, dialled, trunk, direction, began_at) "
        "VALUES (?, ?, ?, '', '+48221230001', '', 'in', '2026-11-22 10:00:00.000000')",
        [(key, f"x{key}", f"+4850{key:07}") for key in keys],
    )
    connection.executemany(
        "INSERT INTO call_events (id, call, at, kind, who, detail, party) "
        "VALUES (?, ?, '2026-11-22 10:00:00.000000', 'talked', 'Anna', '', 'anna')",
        [(key, key) for key in keys],
    )
