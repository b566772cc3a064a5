"""The store: one door to what the office remembers."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store.bindings import KeptBindings
from b2bua.store.callbacks import Callbacks
from b2bua.store.costs import Costs
from b2bua.store.crm_records import CrmRecords
from b2bua.store.database import blocking_engine, open_database
from b2bua.store.journal import Journal
from b2bua.store.keys import Keys
from b2bua.store.links import KEY_BYTES, Signer, kept_key
from b2bua.store.messages import Messages
from b2bua.store.outbox import Outbox
from b2bua.store.overrides import KeptOverrides
from b2bua.store.paths import Paths
from b2bua.store.promises import Promises
from b2bua.store.recordings import Recordings
from b2bua.store.statuses import KeptStatuses
from b2bua.store.trunk_states import KeptTrunkStates
from b2bua.store.writer import Writer


class Store:
    """All that is remembered, over one database. Close it, or use ``async with``."""

    def __init__(self, engine: AsyncEngine, *, data: Path, signer: Signer | None = None) -> None:
        self._engine = engine
        self.signer = signer or Signer(secrets.token_bytes(KEY_BYTES))
        """Of links to recordings."""
        self._writer = writer = Writer(blocking_engine(engine))
        keys, paths = Keys(), Paths(data)
        self.outbox = Outbox(writer, engine, keys=keys, paths=paths)
        self.journal = Journal(writer, engine, outbox=self.outbox, keys=keys, paths=paths)
        self.costs = Costs(writer, engine, journal=self.journal, keys=keys)
        self.callbacks = Callbacks(writer, engine, outbox=self.outbox, keys=keys)
        self.promises = Promises(writer, engine, keys=keys)
        self.bindings = KeptBindings(writer, engine)
        self.overrides = KeptOverrides(writer, engine)
        self.statuses = KeptStatuses(writer, engine)
        self.trunk_states = KeptTrunkStates(writer, engine)
        self.recordings = Recordings(writer, engine, journal=self.journal, keys=keys, paths=paths)
        self.crm_records = CrmRecords(writer, engine)
        self.messages = Messages(
            writer, engine, journal=self.journal, outbox=self.outbox, keys=keys, paths=paths
        )

    @classmethod
    async def open(cls, data: Path, *, url: str | None = None, begins_anew: bool = False) -> Store:
        """Return the store in the folder ``data``, made when it is not there, or in the database at ``url``.

        Another process may have it open to read. With ``begins_anew``, a damaged one is set aside.

        Raises:
            UnusableDatabaseError: the database cannot be opened, or was made by a newer b2bua.
        """
        folder = await asyncio.to_thread(data.absolute)
        engine = await open_database(folder, url=url, begins_anew=begins_anew)
        return cls(engine, data=folder, signer=Signer(await asyncio.to_thread(kept_key, folder)))

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
