"""Where phones ask to be told: who they are, what they may watch, and who tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.call.lines import Lines
from b2bua.lamps.busy import BusyLamp
from b2bua.lamps.waiting import WaitingLamp
from b2bua.registrar.authentication import Authentication, Refused
from b2bua.routing.plan import Plan
from b2bua.sip.core import Core
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.subscription import Notifier
from b2bua.store.messages import Messages


class LampDesk:
    """Answers SUBSCRIBE of our people's phones, and of nobody else's."""

    def __init__(
        self,
        core: Core,
        authentication: Authentication,
        *,
        plan: Callable[[], Plan],
        messages: Messages,
        lines: Lines,
        shows_callers: bool,
    ) -> None:
        """``shows_callers``: whether who watches a colleague is told who rings there."""
        self._authentication = authentication
        waiting = self._waiting = WaitingLamp(plan, messages)
        busy = BusyLamp(plan, lines, shows_callers=shows_callers)
        self.notifier = Notifier(core, [waiting, busy], admit=self._admit)
        lines.on_change = lambda person: self.notifier.changed(busy.name, person)
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
