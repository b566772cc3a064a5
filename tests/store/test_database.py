"""The tables are what the migrations make, open fast, and can be read while they are written."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from structlog.testing import capture_logs

from b2bua.store import CallOutcome, Store, UnusableDatabaseError, Waiting
from b2bua.store.migrations import HEAD, REVISIONS
from b2bua.store.migrations.run import alembic_config, upgrade
from b2bua.store.tables import metadata
from tests.store.conftest import NOON, after, new_call


def tables_of(connection: Connection) -> dict[str, object]:
    looked = inspect(connection)
    tables: dict[str, object] = {
        name: (
            [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in looked.get_columns(name)],
            [
                (k["name"], k["constrained_columns"], k["referred_table"], k["options"])
                for k in looked.get_foreign_keys(name)
            ],
            looked.get_pk_constraint(name),
            looked.get_unique_constraints(name),
            looked.get_check_constraints(name),
        )
        for name in looked.get_table_names()
    }
    indices = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
    return tables | {each.name: each.sql for each in indices}


async def test_a_new_database_is_what_all_migrations_would_make(tmp_path: Path) -> None:
    await (await Store.open(tmp_path)).close()
    made = create_engine(f"sqlite:///{tmp_path / 'b2bua.sqlite'}")
    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.sqlite'}")
    with migrated.begin() as connection:
        upgrade(connection)
    with made.connect() as ours, migrated.connect() as theirs:
        assert tables_of(ours) == tables_of(theirs)
        for each in (ours, theirs):
            known = MigrationContext.configure(each)
            assert compare_metadata(known, metadata) == []
            assert known.get_current_revision() == HEAD
    made.dispose()
    migrated.dispose()


def test_the_versions_known_without_alembic_are_those_of_the_scripts() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)
    assert scripts.get_current_head() == HEAD


async def test_a_new_database_and_one_of_today_open_without_alembic(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from b2bua.store import Store\n"
        "async def main():\n"
        "    for _ in range(2):\n"
        "        await (await Store.open(Path(sys.argv[1]))).close()\n"
        "asyncio.run(main()); print('alembic' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stdout.strip(), ran.stderr) == ("False", "")


@pytest.mark.parametrize("version", REVISIONS[:-1])
async def test_a_database_of_an_older_program_is_brought_up_to_date_with_all_that_is_in_it(
    tmp_path: Path, version: str
) -> None:
    older = create_engine(f"sqlite:///{tmp_path / 'b2bua.sqlite'}")
    with older.begin() as connection:
        upgrade(connection, version)
        for row in (
            "calls (id, call_id, caller, caller_name, dialled, trunk, direction, began_at, ended_at)"
            " VALUES (1, 'c1', '+48500600700', '', '+48221230001', '', 'in', :noon, :noon)",
            "messages (id, call, box, path, began_at, ended_at, seconds)"
            " VALUES (2, 1, 'sales', 'c1.wav', :noon, :noon, 3.0)",
        ):
            connection.execute(text(f"INSERT INTO {row}"), {"noon": "2026-11-22 12:00:00.000000"})
    older.dispose()
    async with await Store.open(tmp_path) as store:
        [message] = await store.messages.latest()
        assert (message.call_id, message.heard_at, message.deleted_at) == ("c1", None, None)
        assert await store.messages.waiting() == {"sales": Waiting(new=1)}


async def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    await (await Store.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / "b2bua.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(UnusableDatabaseError, match="9999"):
        await Store.open(tmp_path)


async def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "b2bua.sqlite") as connection:
        connection.execute("CREATE TABLE calls (caller)")
    connection.close()
    with pytest.raises(UnusableDatabaseError, match="table calls already exists"):
        await Store.open(tmp_path)
    with sqlite3.connect(tmp_path / "b2bua.sqlite") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("calls",)]
    connection.close()


async def test_what_is_no_database_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "b2bua.sqlite").write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(UnusableDatabaseError, match="not a database"):
        await Store.open(tmp_path)


async def test_d12_an_office_whose_database_is_damaged_begins_a_new_one_and_keeps_the_old(
    tmp_path: Path,
) -> None:
    for number in (1, 2):
        damaged = f"damaged for the time number {number}".encode() * 100
        (tmp_path / "b2bua.sqlite").write_bytes(damaged)
        with capture_logs() as logs:
            await (await Store.open(tmp_path, begins_anew=True)).close()
        assert (tmp_path / f"b2bua.sqlite.damaged-{number}").read_bytes() == damaged
        assert [line["log_level"] for line in logs] == ["error"]
    await (await Store.open(tmp_path)).close()


async def test_a_journal_that_cannot_be_opened_is_named_with_what_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "b2bua.sqlite").mkdir()
    with pytest.raises(UnusableDatabaseError) as caught:
        await Store.open(tmp_path)
    told = str(caught.value)
    assert told.startswith(f"cannot use the journal {tmp_path / 'b2bua.sqlite'}: ")
    assert "may this user write there" in told


async def test_a_data_folder_that_cannot_be_made_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableDatabaseError, match="cannot make the folder"):
        await Store.open(tmp_path / "file" / "data")


async def test_two_programs_that_start_at_once_make_one_database(tmp_path: Path) -> None:
    stores = await asyncio.gather(*(Store.open(tmp_path) for _ in range(4)))
    for number, store in enumerate(stores):
        await store.journal.begin(new_call(f"c{number}"))
    assert len(await stores[0].journal.calls()) == 4
    for store in stores:
        await store.close()


async def test_another_terminal_reads_while_the_office_writes(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as office, await Store.open(tmp_path) as terminal:
        await office.journal.begin(new_call())
        [told] = await terminal.journal.calls()
        assert told.outcome is None
        await office.journal.end("c1", CallOutcome.TALKED, at=after(5))
        [told] = await terminal.journal.calls()
        assert told.outcome is CallOutcome.TALKED


async def test_every_commit_is_flushed_and_readers_do_not_block(tmp_path: Path) -> None:
    async with await Store.open(tmp_path) as store, store._engine.connect() as connection:
        pragmas = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


async def test_closing_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call(at=NOON))
        await store.journal.calls()
        ours = {thread for thread in set(threading.enumerate()) - before if "asyncio" not in thread.name}
    assert ours
    for thread in ours:
        thread.join(5.0)  # it answers "closed" a moment before it returns
    assert not any(thread.is_alive() for thread in ours)
