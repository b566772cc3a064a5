"""What people said of themselves, kept so that a restart does not forget it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store.statements import KEEP_STATUS, Change
from b2bua.store.tables import statuses
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class KeptStatus:
    """The last word of one person, in plain values."""

    person: str
    """Name of the person in the configuration."""
    state: str
    """``available``, ``away``, ``meeting``…"""
    reason: str
    """Why, in their words; may be empty."""
    since: datetime
    """When they said so; aware. The latest word counts."""
    until: datetime | None
    """When it ends by itself; None: when they say something else."""
    source: str
    """How they said it: ``phone``, ``command``, ``api``."""


class KeptStatuses:
    """The table of statuses: one row for everybody who ever said something, never deleted."""

    def __init__(self, writer: Writer, engine: AsyncEngine) -> None:
        self._writer = writer
        self._engine = engine

    async def keep(self, changed: Iterable[KeptStatus]) -> bool:
        """Write these; True once they are on disk, False when the disk does not take them now."""
        return await self._writer.write([Change(KEEP_STATUS, asdict(one)) for one in changed])

    async def all(self) -> list[KeptStatus]:
        """Return the last word of everybody."""
        async with self._engine.connect() as connection:
            return [KeptStatus(*row) for row in await connection.execute(select(statuses))]
