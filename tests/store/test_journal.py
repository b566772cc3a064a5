"""Rows C1, D12, F19: every call is journaled, ends once, and a restart owes a call to whoever was cut off."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from b2bua.errors import WrongState
from b2bua.store import CallEvent, CallOutcome, EventKind, NewCall, NewMail, Store
from b2bua.store.promised import seconds_to_contact
from tests.store.conftest import NOON, after, new_call

CHECKOUT = Path(__file__).parents[2]


def rows_of(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "b2bua.sqlite") as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


async def test_a_begun_call_is_on_disk_when_begin_returns(store: Store, tmp_path: Path) -> None:
    assert await store.journal.begin(new_call())
    assert rows_of(tmp_path, "SELECT call_id, caller, outcome FROM calls") == [("c1", "+48500600700", None)]


async def test_notes_are_on_disk_soon_though_nobody_waits_for_them(store: Store, tmp_path: Path) -> None:
    await store.journal.begin(new_call())
    store.journal.note("c1", CallEvent(after(1), EventKind.RANG, "Anna", "no answer", 20.0))
    async with asyncio.timeout(5):
        while not rows_of(tmp_path, "SELECT kind FROM call_events"):
            await asyncio.sleep(0.02)


async def test_f19_a_call_is_read_back_with_every_step_person_and_reason(store: Store) -> None:
    events = (
        CallEvent(after(20), EventKind.RANG, "Anna", "no answer", 20.0),
        CallEvent(after(21), EventKind.OFFLINE, "Piotr"),
        CallEvent(after(90), EventKind.TALKED, "the director", "", 60.5),
    )
    await store.journal.begin(new_call())
    for event in events:
        store.journal.note("c1", event)
    await store.journal.end("c1", CallOutcome.TALKED, at=after(95), why="talked")
    [told] = await store.journal.calls()
    assert told.call == new_call()
    assert told.events == events
    assert (told.ended_at, told.outcome, told.why) == (after(95), CallOutcome.TALKED, "talked")
    assert await store.journal.call("c1") == told
    assert await store.journal.call("c2") is None


async def test_a_second_end_is_refused_and_changes_nothing(store: Store) -> None:
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.SELF_SERVED, at=after(5))
    with pytest.raises(WrongState):
        await store.journal.end("c1", CallOutcome.PROMISE, at=after(6))
    [told] = await store.journal.calls()
    assert told.outcome is CallOutcome.SELF_SERVED
    assert await store.promises.open() == []


async def test_a_call_that_is_up_cannot_begin_again_but_its_id_may_come_back_later(store: Store) -> None:
    await store.journal.begin(new_call())
    with pytest.raises(WrongState):
        await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.REFUSED, at=after(1))
    await store.journal.begin(new_call(at=after(60)))
    assert store.journal.is_open("c1")
    assert len(await store.journal.calls()) == 2


async def test_a_late_note_is_kept_and_a_note_of_no_call_does_no_harm(store: Store) -> None:
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.TALKED, at=after(1))
    store.journal.note("c1", CallEvent(after(2), EventKind.HUNG_UP))
    store.journal.note("nobody", CallEvent(after(2), EventKind.HUNG_UP))
    await store.journal.begin(new_call("c2"))
    told = await store.journal.call("c1")
    assert told is not None
    assert [event.kind for event in told.events] == [EventKind.HUNG_UP]


async def test_calls_are_newest_first_limited_and_since(store: Store) -> None:
    for number in range(5):
        await store.journal.begin(new_call(f"c{number}", at=after(number)))
    assert [told.call.call_id for told in await store.journal.calls(2)] == ["c4", "c3"]
    assert [told.call.call_id for told in await store.journal.calls(since=after(3))] == ["c4", "c3"]


async def test_times_of_any_zone_come_back_in_utc(store: Store) -> None:
    warsaw = timezone(timedelta(hours=1))
    await store.journal.begin(new_call(at=datetime(2026, 11, 22, 13, 0, tzinfo=warsaw)))
    [told] = await store.journal.calls()
    assert told.call.at == NOON
    assert told.call.at.utcoffset() == timedelta(0)


async def test_c1_a_promise_is_made_with_the_end_and_outlives_a_restart(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call())
        await store.journal.end("c1", CallOutcome.PROMISE, at=after(35), why="hung up while waiting")
    async with await Store.open(tmp_path) as store:
        [promise] = await store.promises.open()
    assert (promise.call_id, promise.caller, promise.dialled) == ("c1", "+48500600700", "+48221230001")
    assert (promise.since, promise.why) == (NOON, "hung up while waiting")


async def test_c1_the_mail_about_a_missed_call_is_there_with_its_promise(store: Store) -> None:
    mail = NewMail("anna@example.com", "Please call back", "+48500600700")
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.PROMISE, at=after(35), mails=[mail])
    assert [queued.mail for queued in await store.outbox.due(after(35))] == [mail]
    assert store.outbox.has_new.is_set()


async def test_talking_with_the_same_number_later_keeps_its_promises_only(store: Store) -> None:
    for call_id, caller in (("c1", "+48500600700"), ("c2", "+48111111111"), ("c3", "")):
        await store.journal.begin(new_call(call_id, caller=caller))
        await store.journal.end(call_id, CallOutcome.PROMISE, at=after(30))
    back = NewCall("c4", "101", "Anna", "+48500600700", "", after(600), "out")
    await store.journal.begin(back)
    await store.journal.end("c4", CallOutcome.TALKED, at=after(700))
    assert {promise.call_id for promise in await store.promises.open()} == {"c2", "c3"}
    assert await store.promises.count_open() == 2


async def test_c10_the_time_to_contact_ends_where_the_talk_begins(store: Store) -> None:
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.PROMISE, at=after(30))
    back = NewCall("c2", "101", "Anna", "+48500600700", "", after(600), "out")
    await store.journal.begin(back)
    store.journal.note("c2", CallEvent(after(2110), EventKind.TALKED, "+48500600700", seconds=1500.0))
    await store.journal.end("c2", CallOutcome.TALKED, at=after(2110))
    [promise] = await store.promises.latest()
    assert promise.closed_at == after(610)
    assert seconds_to_contact(promise) == 610 - (promise.since - after(0)).total_seconds()


async def test_a_promise_is_kept_or_dropped_once(store: Store) -> None:
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.PROMISE, at=after(30))
    [promise] = await store.promises.open()
    await store.promises.drop(promise.id, at=after(60), why="wrong number")
    await store.promises.keep(promise.id, at=after(90))
    [closed] = await store.promises.latest()
    assert (closed.status.value, closed.closed_at, closed.closed_why) == (
        "dropped",
        after(60),
        "wrong number",
    )


async def test_d12_a_restart_makes_a_promise_of_every_call_without_an_end(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    await store.journal.begin(new_call("served"))
    await store.journal.end("served", CallOutcome.TALKED, at=after(5))
    await store.journal.begin(new_call("cut"))
    await store.close()  # never ended: as after a power cut
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call("ours", at=after(100)))
        [call] = await store.journal.recover(after(100))
        assert call.call == new_call("cut")
        assert [promise.call_id for promise in await store.promises.open()] == ["cut"]
        told = await store.journal.call("cut")
        assert told is not None
        assert (told.outcome, told.why) == (CallOutcome.PROMISE, "we were interrupted")
        assert store.journal.is_open("ours")
        assert await store.journal.recover(after(101)) == []


async def test_d12_kill_9_loses_no_caller_whose_call_was_begun(tmp_path: Path) -> None:
    office = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OFFICE, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=CHECKOUT
    )
    assert office.stdout is not None
    async with asyncio.timeout(20):
        assert await office.stdout.readline() == b"begun\n"
        office.kill()
        await office.wait()
    async with await Store.open(tmp_path) as store:
        assert len(await store.journal.recover(after(100))) == 20
        assert await store.promises.count_open() == 20


OFFICE = """
import asyncio, sys
from pathlib import Path
from b2bua.store import Store
from tests.store.conftest import new_call

async def main():
    store = await Store.open(Path(sys.argv[1]))
    await asyncio.gather(*(store.journal.begin(new_call(f"c{number}")) for number in range(20)))
    print("begun", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
