"""Whether a trunk's server answers: calls do not wait for one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Response
from b2bua.sip.transport.hop import Hop
from b2bua.trunk.probe import probe, status_in_words
from b2bua.trunk.selection import Resolve, next_hop


class Reachability(StrEnum):
    """What a trunk's server was found to be."""

    ASKED = "asked"
    """It has had no time to answer yet."""
    REACHABLE = "reachable"
    SILENT = "silent"


class TrunkQualification:
    """Asks one trunk by OPTIONS every ``qualify-every``. ``run`` it in a task."""

    def __init__(
        self,
        trunk: Trunk,
        endpoint: SipEndpoint,
        *,
        resolve: Resolve,
        on_change: Callable[[TrunkQualification], None],
        current: Callable[[Trunk], Trunk] = lambda trunk: trunk,
    ) -> None:
        """``current`` returns the trunk with the registrar that calls go to at the moment."""
        self.trunk = trunk
        self.state = Reachability.ASKED
        self.since = 0.0
        """Loop time when ``state`` began."""
        self.last_error = ""
        """Why it cannot be reached, in plain words."""
        self._endpoint = endpoint
        self._resolve = resolve
        self._on_change = on_change
        self._current = current

    @property
    def is_usable(self) -> bool:
        """Whether calls may be tried."""
        return self.state is not Reachability.SILENT

    def in_words(self) -> str:
        """Return one line for the log."""
        if self.state is Reachability.SILENT:
            return f"trunk {self.trunk.name} cannot be called: {self.last_error}"
        return f"trunk {self.trunk.name} is {self.state}"

    async def run(self) -> None:
        """Ask until cancelled."""
        self.since = asyncio.get_running_loop().time()
        while True:
            error = await self._ask_around()
            self._enter(Reachability.SILENT if error else Reachability.REACHABLE, error)
            await asyncio.sleep(self.trunk.qualify_every_s)  # the schedule itself

    async def _ask_around(self) -> str:
        """Return "" once any address of the trunk's server answers, else what is wrong with the last one."""
        trunk = self._current(self.trunk)
        try:
            hops = await self._resolve(next_hop(trunk))
        except Unavailable as problem:
            return str(problem)
        error = ""
        for hop in hops:
            error = self._judge(await probe(trunk, self._endpoint, hop), hop)
            if not error:
                break
        return error

    def _judge(self, response: Response | None, hop: Hop) -> str:
        if response is None:
            self._endpoint.dead_targets.note(hop, now=asyncio.get_running_loop().time())
            return f"{hop} does not answer"
        if response.status != 503:
            return ""
        words = status_in_words(response)
        return f"{hop} cannot be reached ({words})" if response.is_local else f"{hop} answers {words}"

    def _enter(self, state: Reachability, error: str) -> None:
        if (state, error) == (self.state, self.last_error):
            return
        if state is not self.state:
            self.since = asyncio.get_running_loop().time()
        self.state, self.last_error = state, error
        self._on_change(self)
