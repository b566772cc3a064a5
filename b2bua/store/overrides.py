"""What was decided last for all calls of the office, kept so that a restart does not forget it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store.statements import KEEP_OVERRIDE, Change
from b2bua.store.tables import overrides
from b2bua.store.writer import Writer

OFFICE = "office"
"""Key of the one row there is."""


@dataclass(frozen=True, slots=True)
class KeptOverride:
    """A decision in plain values."""

    kind: str
    """``normal``, ``closed`` or ``backup``."""
    since: datetime
    """When it was made; aware. The latest counts."""
    until: datetime | None
    """When it ends by itself; None: when something else is decided."""
    source: str
    """How it was said: ``phone``, ``command``, ``api``."""
    who: str
    """Who said it, for people who ask."""


class KeptOverrides:
    """The table of decisions, which has the last one."""

    def __init__(self, writer: Writer, engine: AsyncEngine) -> None:
        self._writer = writer
        self._engine = engine

    async def keep(self, decided: KeptOverride) -> bool:
        """Write it; True once it is on disk, False when the disk does not take it now."""
        return await self._writer.write([Change(KEEP_OVERRIDE, {"scope": OFFICE, **asdict(decided)})])

    async def last(self) -> KeptOverride | None:
        """Return what was decided last; None: nothing ever was."""
        query = select(overrides).where(overrides.c.scope == OFFICE)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return KeptOverride(*row[1:]) if row is not None else None
