"""Where phones ask to be told: who they are, what they may watch, and who tells them."""

from __future__ import annotations

import asyncio

from b2bua.lamps.waiting import WaitingLamp
from b2bua.registrar.authentication import Authentication, Refused
from b2bua.sip.core import Core
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.subscription import Notifier


class LampDesk:
    """Answers SUBSCRIBE of our people's phones, and of nobody else's."""

    def __init__(self, core: Core, authentication: Authentication, *, waiting: WaitingLamp) -> None:
        self.notifier = Notifier(core, [waiting], admit=self._admit)
        self._authentication = authentication
        self._waiting = waiting
        waiting.on_change = lambda key: self.notifier.changed(waiting.name, key)
        waiting.is_watched = lambda: self.notifier.has_watchers(waiting.name)

    async def load(self) -> None:
        """Count the messages that wait, so that the first phone that asks is told the truth."""
        await self._waiting.refresh()

    async def run(self) -> None:
        """Follow what happens to messages."""
        await self._waiting.run()

    def _admit(self, server: ServerRequest) -> str | None:
        """Return whose phone sent a request; None: it has been challenged or refused."""
        now = asyncio.get_running_loop().time()
        proof = self._authentication.check(server.request, server.source, now)
        if isinstance(proof, Refused):
            server.respond(proof.status, proof.reason, proof.headers)
            return None
        return proof.person.name
