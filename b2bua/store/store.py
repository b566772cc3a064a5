"""The store: one door to what the office remembers."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store.database import open_database
from b2bua.store.history import History
from b2bua.store.journal import Journal
from b2bua.store.keys import Keys
from b2bua.store.writer import Writer


class Store:
    """Journal, promises, messages and outbox over one database. Open it, close it, or use it in ``async with``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = Writer(engine)
        keys = Keys()
        self.journal = Journal(self._writer, History(engine), keys)

    @classmethod
    async def open(cls, data: Path, *, url: str | None = None) -> Store:
        """Return the store in the folder ``data``, made when it is not there, or in the database at ``url``.

        Another process may have the same store open to read.

        Raises:
            UnusableDatabaseError: the database cannot be opened, or was made by a newer b2bua.
        """
        return cls(await open_database(data, url=url))

    async def close(self) -> None:
        """Write what is queued and let go of the database."""
        await self._writer.close()
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
