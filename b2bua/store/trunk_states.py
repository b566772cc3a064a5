"""How things stand with each trunk, for whoever looks from outside the running program."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store.statements import KEEP_TRUNK_STATE, Change
from b2bua.store.tables import trunk_states
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class KeptTrunkState:
    """The latest news of one trunk."""

    trunk: str
    """Its name in the configuration."""
    state: str
    """``trying``, ``registered``, ``failed``, ``reachable`` or ``silent``."""
    since: datetime
    """When that began; aware."""
    server: str
    """Whom it is about: the registrar or the host."""
    last_error: str
    """Why it is not as it should be, in plain words; empty when it is."""


class KeptTrunkStates:
    """The table of trunk states."""

    def __init__(self, writer: Writer, engine: AsyncEngine) -> None:
        self._writer = writer
        self._engine = engine

    def keep(self, state: KeptTrunkState) -> None:
        """Write what is new about a trunk; on disk soon."""
        self._writer.put([Change(KEEP_TRUNK_STATE, asdict(state))])

    async def all(self) -> dict[str, KeptTrunkState]:
        """Return the latest of each trunk that was ever watched, by its name."""
        async with self._engine.connect() as connection:
            states = [KeptTrunkState(*row) for row in await connection.execute(select(trunk_states))]
        return {state.trunk: state for state in states}
