"""One transaction at a time, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from b2bua.store.damage import set_aside
from b2bua.store.database import make_tables
from b2bua.store.file_watch import DatabaseFile
from b2bua.store.prepared import Prepared
from b2bua.store.statements import Change, Statement

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class Committer:
    """Writes changes over one connection. The loop is woken once per transaction, not once per statement."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._connection: Connection | None = None
        self._prepared: dict[tuple[Statement, tuple[str, ...]], Prepared] = {}
        is_file = engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:")
        self._path = Path(str(engine.url.database)) if is_file else None
        self._file = None if self._path is None else DatabaseFile(self._path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def commit(self, changes: Iterable[Change]) -> None:
        """Write ``changes`` together or not at all: on disk when this returns.

        Raises:
            DBAPIError: the database, or its driver, refuses them, or cannot be written for now.
        """
        by_rank = sorted(changes, key=lambda change: change.statement.rank)
        await self._in_thread(lambda: self._commit(by_rank))

    def _commit(self, changes: list[Change]) -> None:
        self._put_back_if_gone()
        if not changes:
            return  # as of whoever has only read: they wait for no lock
        connection = self._connection or self._connect()
        with connection.begin():
            self._carry_out(changes, connection.connection.cursor())

    def _carry_out(self, changes: list[Change], cursor: DBAPICursor) -> None:
        """Have the driver itself do it: what SQLAlchemy does around a statement takes as long as SQLite."""
        driver = self._engine.dialect.loaded_dbapi
        for statement, group in groupby(changes, key=lambda change: change.statement):
            rows = [change.row for change in group]
            prepared = self._prepare(statement, names=tuple(rows[0]))
            values: list[Any] = list(map(prepared.parameters, rows))
            try:
                cursor.executemany(prepared.sql, values)
            except driver.Error as error:
                raise DBAPIError.instance(prepared.sql, None, error, driver.Error) from error
        cursor.close()

    def _prepare(self, statement: Statement, *, names: tuple[str, ...]) -> Prepared:
        """Return the statement for rows that have values of these names; there are as many as in the code."""
        prepared = self._prepared.get((statement, names))
        if prepared is None:
            prepared = Prepared(statement.sql, names, self._engine.dialect)
            self._prepared[statement, names] = prepared
        return prepared

    def _connect(self) -> Connection:
        self._connection = self._engine.connect()
        if self._file is not None:
            self._file.opened()
        return self._connection

    def _put_back_if_gone(self) -> None:
        """Mend what somebody did to the file of the database: whoever has it open still has all of it.

        Raises:
            OSError: that is not possible now.
        """
        connection = self._connection
        if connection is None or self._file is None or not self._file.is_gone:
            return
        driver: Any = connection.connection.dbapi_connection
        self._file.put_back(driver)
        self._let_go(connection)

    async def begin_anew(self) -> None:
        """Set the database aside, which is damaged, and make a new one in its place.

        Raises:
            DBAPIError: it cannot be made now.
            OSError: the old one cannot be set aside.
        """
        await self._in_thread(self._begin_anew)

    def _begin_anew(self) -> None:
        if self._connection is not None:
            self._let_go(self._connection)
        self._engine.dispose()
        if self._path is not None:
            set_aside(self._path)
            make_tables(self._engine)

    async def reconnect_next_time(self) -> None:
        """Give up the connection, which has failed."""
        await self._in_thread(self._give_up)

    def _give_up(self) -> None:
        connection = self._connection
        is_last = self._file is not None and self._file.is_gone  # then nobody else has what was written
        if connection is not None and not is_last:
            self._let_go(connection)

    def _let_go(self, connection: Connection) -> None:
        self._connection = None
        connection.invalidate()
        connection.close()

    async def close(self) -> None:
        """Let go of the database."""
        await self._in_thread(self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        try:
            self._put_back_if_gone()
        except OSError as error:
            log.error("what the office knew is lost", why=str(error))
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
