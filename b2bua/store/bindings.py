"""The registered phones, kept so that a restart does not forget them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store.statements import DROP_ENDED_BINDINGS, KEEP_BINDING, Change
from b2bua.store.tables import bindings
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class KeptBinding:
    """One device of one person, in plain values."""

    person: str
    """Name of the person in the configuration."""
    contact_uri: str
    """What it registered; with ``person`` it names the row."""
    transport: str
    """Of the flow it registered over."""
    host: str
    """Where the flow comes from."""
    port: int
    """Where the flow comes from."""
    registered_at: datetime
    """When the last REGISTER came; aware."""
    expires_at: datetime
    """When it ends; aware. One that was taken away has ended at that moment."""
    call_id: str
    """Of the last REGISTER."""
    cseq: int
    """Of the last REGISTER."""
    user_agent: str
    """What the device calls itself."""
    q: str
    """Its preference."""
    instance: str
    """Its ``+sip.instance``."""
    path: str
    """The proxies on the way to it, as a Path header has them."""
    login: str = ""
    """The user name, where it is that of this one device."""


class KeptBindings:
    """The table of bindings.

    A binding is never deleted by name: it is written as one that has ended, so that the order within a group
    commit cannot bring back what is gone, or lose what came back.
    """

    def __init__(self, writer: Writer, engine: AsyncEngine) -> None:
        self._writer = writer
        self._engine = engine

    def keep(self, changed: Iterable[KeptBinding], *, at: datetime) -> None:
        """Write the bindings that changed and drop those that ended by ``at``; on disk soon."""
        self._writer.put(
            [
                *(Change(KEEP_BINDING, asdict(one)) for one in changed),
                Change(DROP_ENDED_BINDINGS, {"_at": at}),
            ]
        )

    async def live(self, at: datetime) -> list[KeptBinding]:
        """Return the bindings that have not ended at ``at``, the longest registered first."""
        query = select(bindings).where(bindings.c.expires_at > at).order_by(bindings.c.registered_at)
        async with self._engine.connect() as connection:
            return [KeptBinding(*row) for row in await connection.execute(query)]
