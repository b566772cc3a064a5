"""The database: where it is, how it is opened, and that its tables are of today."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from b2bua.errors import B2buaError
from b2bua.store.damage import is_damage, set_aside
from b2bua.store.file_watch import identity
from b2bua.store.migrations import HEAD, REVISIONS
from b2bua.store.tables import metadata, version

log = structlog.get_logger(__name__)

FILE_NAME = "b2bua.sqlite"
_BUSY_TIMEOUT_MS = 1000
_TURN_S = 0.05
_PATIENCE_S = 5.0


class UnusableDatabaseError(B2buaError):
    """The database is of a newer b2bua, or not ours, or cannot be opened."""


async def open_database(data: Path, *, url: str | None = None, begins_anew: bool = False) -> AsyncEngine:
    """Return the engine of the database in ``data`` (or at ``url``), made or migrated when it has to be.

    With ``begins_anew`` one in ``data`` that is damaged is set aside: callers are not to wait for its repair.

    Raises:
        UnusableDatabaseError: it cannot be opened, or was made by a newer b2bua.
    """
    try:
        await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        why = f"cannot make the folder {data}: {error.strerror}; change [office] data, or who may write there"
        raise UnusableDatabaseError(why) from error
    # In a thread as well: it imports the driver and looks up paths.
    engine = await asyncio.to_thread(_engine, url or f"sqlite+aiosqlite:///{data / FILE_NAME}")
    try:
        await _bring_to_head_in_turn(engine)
    except DBAPIError as error:
        await engine.dispose()
        if begins_anew and url is None and is_damage(error):
            await asyncio.to_thread(set_aside, data / FILE_NAME)
            return await open_database(data)
        where = engine.url.database or engine.url
        is_of_the_disk = isinstance(error, OperationalError)
        hint = "; may this user write there, and is the disk full?" if is_of_the_disk else ""
        raise UnusableDatabaseError(f"cannot use the journal {where}: {error.orig}{hint}") from error
    except BaseException:
        await engine.dispose()
        raise
    return engine


def _engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine.sync_engine, _begin_in_driver_thread)
    return engine


def blocking_engine(engine: AsyncEngine) -> Engine:
    """Return an engine of the same database for a thread that may wait for the disk."""
    if engine.dialect.name != "sqlite":
        return create_engine(engine.url)
    blocking = create_engine(engine.url.set(drivername="sqlite"))
    _prepare_sqlite(blocking, _begin)
    return blocking


def make_tables(engine: Engine) -> None:
    """Make the tables of today in a new database."""
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        _make_or_migrate(connection)


def _prepare_sqlite(engine: Engine, begin_by: Callable[[Any, str], object]) -> None:
    path = Path(engine.url.database or "")

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        # The driver's own notion of transactions leaves out DDL and reads: we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        record.info["file"] = identity(path)

    @event.listens_for(engine, "checkout")
    def open_anew_if_elsewhere(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != identity(path):
            raise DisconnectionError("the database is in another file now")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("begin", "BEGIN")
        try:
            begin_by(connection.connection.dbapi_connection, statement)
        except sqlite3.OperationalError as error:
            raise OperationalError(statement, None, error) from error


def _begin(driver: Any, statement: str) -> None:
    driver.execute(statement)


def _begin_in_driver_thread(adapted: Any, statement: str) -> None:
    # Straight to the driver: exec_driver_sql() would wake its thread three times.
    adapted.run_async(lambda driver: driver.execute_fetchall(statement))


async def _bring_to_head_in_turn(engine: AsyncEngine) -> None:
    """Wait for another program that makes the database at this moment.

    The change to WAL fails at once when somebody else is about it, whatever the busy timeout says.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + _PATIENCE_S
    while True:
        try:
            await _bring_to_head(engine)
        except OperationalError as error:
            if "locked" not in str(error.orig) or loop.time() >= give_up_at:
                raise
            await asyncio.sleep(_TURN_S)  # nothing tells when the other one is through
        else:
            return


async def _bring_to_head(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        revision = await connection.run_sync(_revision)
    if revision == HEAD:
        return
    if revision is not None and revision not in REVISIONS:
        raise UnusableDatabaseError(
            f"the database {engine.url} has the unknown version {revision}: it was made by a newer b2bua"
        )
    async with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        await connection.run_sync(_make_or_migrate)
    if revision is not None:
        log.info("the database was brought up to date", was=revision, now=HEAD)


def _revision(connection: Connection) -> str | None:
    """The schema's version, None: none yet. Read without alembic, whose import costs 0.4 s and 10 MiB."""
    if not inspect(connection).has_table(version.name):
        return None
    revision: str | None = connection.scalar(select(version.c.version_num))
    return revision


def _make_or_migrate(connection: Connection) -> None:
    """Make what is not there, or migrate what somebody else may just have made."""
    revision = _revision(connection)
    if revision is None:
        # What all migrations together make; a test compares.
        metadata.create_all(connection, checkfirst=False)
        version.create(connection)
        connection.execute(version.insert().values(version_num=HEAD))
    elif revision != HEAD:
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    """Run alembic, which reads files as it goes: it holds up the loop, once, before the first call."""
    from b2bua.store.migrations.run import upgrade

    upgrade(connection)
