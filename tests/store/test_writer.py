"""Group commit: one bad write harms no other, and a disk that is full or locked loses nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from b2bua.errors import WrongState
from b2bua.store import CallEvent, CallOutcome, EventKind, Store, statements, writer
from b2bua.store.statements import Change
from tests.harness.effort import sooner_than
from tests.store.conftest import NOON, after, new_call


async def test_calls_of_the_same_moment_share_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = 0
    commit = store._writer._commit

    async def counted(batch: list[writer._Work]) -> None:
        nonlocal commits
        commits += 1
        await commit(batch)

    monkeypatch.setattr(store._writer, "_commit", counted)
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(store.journal.begin(new_call(f"c{number}")))
    assert commits <= 2
    assert len(await store.journal.calls(100)) == 50


async def test_a_refused_change_is_told_to_its_writer_and_harms_no_other(store: Store) -> None:
    orphan = Change(
        statements.NOTE_EVENT,
        {"id": 1, "call": 99, "at": NOON, "kind": "rang", "who": "", "detail": "", "seconds": None},
    )
    results = await asyncio.gather(
        store.journal.begin(new_call("c1")),
        store._writer.write([orphan]),
        store.journal.begin(new_call("c2")),
        return_exceptions=True,
    )
    assert results[0] is results[2] is True
    assert isinstance(results[1], IntegrityError)
    assert len(await store.journal.calls()) == 2


async def test_a_refused_note_is_logged_and_the_writer_goes_on(store: Store) -> None:
    await store.journal.begin(new_call())
    with capture_logs() as logs:
        store.journal.note("c1", CallEvent(after(1).replace(tzinfo=None), EventKind.RANG))
        store.journal.note("c1", CallEvent(after(1), EventKind.OFFLINE, "Anna"))
        await store.journal.end("c1", CallOutcome.TALKED, at=after(5))
    [told] = await store.journal.calls()
    assert [event.kind for event in told.events] == [EventKind.OFFLINE]
    assert [entry["log_level"] for entry in logs] == ["error"]


@pytest.mark.parametrize("poison", [2**70, object()])
async def test_what_the_driver_cannot_store_is_refused_and_the_writer_goes_on(
    store: Store, poison: object
) -> None:
    change = Change(statements.HEAR_MESSAGE, {"_id": poison, "_at": NOON})
    with pytest.raises(Exception, match=r"too large|not supported"):
        await store._writer.write([change])
    assert await store.journal.begin(new_call())


async def test_a_caller_of_any_name_is_journaled(store: Store) -> None:
    strange = replace(new_call(), caller="+48" * 200, caller_name="J\udcf3zef\n\0\x1b[2J Żółć")
    assert await store.journal.begin(strange)
    [told] = await store.journal.calls()
    assert told.call.caller_name == "J zef   [2J Żółć"
    assert len(told.call.caller) == 255


async def test_while_the_database_is_locked_calls_go_on_and_nothing_is_lost(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.2)
    await store.journal.begin(new_call("before"))
    other = sqlite3.connect(tmp_path / "b2bua.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with capture_logs() as logs:
        assert not await store.journal.begin(new_call("meanwhile"))
        async with asyncio.timeout(10):
            while not logs:
                await asyncio.sleep(0.02)
        assert not await store.journal.end("meanwhile", CallOutcome.PROMISE, at=after(9), why="busy")
        other.execute("ROLLBACK")
        other.close()
        async with asyncio.timeout(10):
            while not await store.promises.open():
                await asyncio.sleep(0.02)
        assert await store.journal.begin(new_call("after"))
    assert {told.call.call_id for told in await store.journal.calls()} == {"before", "meanwhile", "after"}
    assert [(entry["log_level"], entry.get("why")) for entry in logs] == [
        ("error", "database is locked"),
        ("info", None),
    ]


async def test_each_call_waits_for_a_locked_database_for_no_longer_than_its_own_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.6)
    with closing(sqlite3.connect(tmp_path / "b2bua.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        loop, waited = asyncio.get_running_loop(), list[float]()

        async def begin(call_id: str) -> None:
            began = loop.time()
            assert not await store.journal.begin(new_call(call_id))
            waited.append(loop.time() - began)

        async with asyncio.TaskGroup() as group:
            for call_id in ("first", "second", "third"):
                group.create_task(sooner_than(0.9, begin(call_id)))
                await asyncio.sleep(0.2)
    assert len(waited) == 3
    assert min(waited) >= 0.599


async def test_an_office_that_stops_while_the_database_is_locked_names_the_callers_whom_it_could_not_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.1)
    store = await Store.open(tmp_path)
    await store.journal.begin(new_call("before"))
    other = sqlite3.connect(tmp_path / "b2bua.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for call_id in ("first", "second"):
        assert not await store.journal.begin(new_call(call_id, caller=f"+48 {call_id}"))
    with capture_logs() as logs:
        await store.close()
    other.close()
    assert [line["caller"] for line in logs if "caller" in line] == ["+48 first", "+48 second"]


async def test_whoever_only_reads_waits_for_no_lock_and_tells_of_nothing_lost(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.1)
    await store.journal.begin(new_call())
    with closing(sqlite3.connect(tmp_path / "b2bua.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with capture_logs() as logs:
            async with await Store.open(tmp_path) as reader:
                assert len(await reader.journal.calls()) == 1
    assert logs == []


async def test_a_full_disk_is_waited_for(store: Store) -> None:
    await store.journal.begin(new_call("before"))
    connection = store._writer._committer._connection
    assert connection is not None
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    connection.rollback()
    with capture_logs() as logs:
        # The writer connects anew, and a new connection has no such limit: as when room was made.
        assert await store.journal.begin(new_call("long"))
        store.journal.note("long", CallEvent(NOON, EventKind.ERROR, detail="x" * 60_000))
        assert await store.journal.end("long", CallOutcome.PROMISE, at=after(1))
    assert [(entry["log_level"], entry.get("why")) for entry in logs] == [
        ("error", "database or disk is full"),
        ("info", None),
    ]
    assert len(await store.journal.calls()) == 2


async def test_closing_writes_what_nobody_waited_for(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call())
        store.journal.note("c1", CallEvent(after(1), EventKind.OFFLINE, "Anna"))
    async with await Store.open(tmp_path) as store:
        [told] = await store.journal.calls()
    assert len(told.events) == 1
    with pytest.raises(WrongState):
        await store.journal.begin(new_call("late"))


async def test_a_caller_task_that_is_cancelled_does_not_take_its_write_along(store: Store) -> None:
    task = asyncio.create_task(store.journal.begin(new_call()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    await store.journal.end("c1", CallOutcome.PROMISE, at=after(1))
    [told] = await store.journal.calls()
    assert told.outcome is CallOutcome.PROMISE


@pytest.mark.parametrize("is_made_by_reader", [False, True])
async def test_a_database_whose_file_is_removed_while_the_office_runs_is_put_back_with_all_that_was_in_it(
    tmp_path: Path, is_made_by_reader: bool
) -> None:
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call("before"))
        await store.journal.end("before", CallOutcome.PROMISE, at=after(5))
        assert len(await store.journal.calls()) == 1
        for file in tmp_path.glob("b2bua.sqlite*"):
            file.unlink()
        if is_made_by_reader:
            with closing(sqlite3.connect(tmp_path / "b2bua.sqlite")) as reader:
                reader.execute("pragma journal_mode=wal")
        with capture_logs() as logs:
            assert await store.journal.begin(new_call("after"))
        assert ["there again" in line["event"] for line in logs] == [True]
        assert len(await store.journal.calls()) == 2
        assert await store.journal.begin(new_call("later"))
        assert len(await store.journal.calls()) == 3
    async with await Store.open(tmp_path) as store:
        assert {each.call.call_id for each in await store.journal.calls()} == {"before", "after", "later"}
        assert len(await store.promises.open()) == 1


async def test_d12_a_database_that_is_damaged_while_the_office_runs_costs_no_caller_who_is_there(
    tmp_path: Path,
) -> None:
    async with await Store.open(tmp_path) as store:
        for call_id in ("over", "ends", "goes on"):
            await store.journal.begin(new_call(call_id))
        await store.journal.end("over", CallOutcome.TALKED, at=after(5))
        for file in tmp_path.glob("b2bua.sqlite*"):
            file.write_bytes(os.urandom(file.stat().st_size))
        assert await store.journal.end("ends", CallOutcome.PROMISE, at=after(6))
        assert await store.journal.begin(new_call("later"))
        store.journal.note("goes on", CallEvent(after(7), EventKind.OFFLINE, "Anna"))
        assert await store.journal.end("goes on", CallOutcome.PROMISE, at=after(8))
        assert {story.call.call_id for story in await store.journal.calls()} == {"ends", "goes on", "later"}
        assert len(await store.promises.open()) == 2
    assert (tmp_path / "b2bua.sqlite.damaged-1").exists()


async def test_a_database_that_is_removed_when_the_office_stops_is_put_back(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call("before"))
        (tmp_path / "b2bua.sqlite").unlink()
    async with await Store.open(tmp_path) as store:
        assert len(await store.journal.calls()) == 1


async def test_a_database_that_cannot_be_put_back_now_is_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.5)
    async with await Store.open(tmp_path / "data") as store:
        await store.journal.begin(new_call("before"))
        (tmp_path / "data").rename(tmp_path / "elsewhere")
        (tmp_path / "data").write_text("no folder can be here")
        assert not await store.journal.begin(new_call("after"))
        (tmp_path / "data").unlink()
        async with asyncio.timeout(5):
            while not (tmp_path / "data" / "b2bua.sqlite").exists():
                await asyncio.sleep(0.01)
    async with await Store.open(tmp_path / "data") as store:
        assert len(await store.journal.calls()) == 2
