"""The names of trunks are looked up before anybody calls by them: a caller has no time to wait for DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import Uri
from b2bua.trunk.selection import next_hop

EVERY_S = 1800.0
"""What was found is known for a day: a name that is not found meanwhile is asked for often enough."""


class TrunkNames:
    """Keeps the resolver acquainted with the servers of the trunks that calls go out by."""

    def __init__(
        self, trunks: Callable[[], Mapping[str, Trunk]], resolve: Callable[[Uri], Awaitable[list[Hop]]]
    ) -> None:
        """``resolve`` remembers what it has found."""
        self._trunks = trunks
        self._resolve = resolve

    async def run(self) -> None:
        """Look them up again and again, until cancelled."""
        while True:
            await self.look_up()
            await asyncio.sleep(EVERY_S)

    async def look_up(self) -> None:
        """Look all of them up once; a name that is not found is told when somebody calls by it."""
        ways = {next_hop(trunk) for trunk in self._trunks().values() if trunk.host or trunk.registrar}
        await asyncio.gather(*map(self._find, ways))

    async def _find(self, way: Uri) -> None:
        try:
            await self._resolve(way)
        except Unavailable:
            return
