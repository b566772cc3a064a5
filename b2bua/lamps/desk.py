"""Where phones ask to be told: who they are, what they may watch, and who tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.call.lines import Lines
from b2bua.lamps.busy import BusyLamp
from b2bua.lamps.waiting import WaitingLamp, box_key, person_key
from b2bua.registrar.authentication import Authentication, Refused
from b2bua.routing.plan import PersonSpec, Plan
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
        shows_callers: Callable[[], bool],
    ) -> None:
        """``shows_callers``: whether who watches a colleague is told who rings there."""
        self._authentication = authentication
        waiting = self._waiting = WaitingLamp(plan, messages)
        busy = self._busy = BusyLamp(plan, lines, shows_callers=shows_callers)
        self.notifier = Notifier(core, [waiting, busy], admit=self._admit)
        lines.on_change = lambda person: self.notifier.changed(busy.name, person)
        waiting.on_change = lambda key: self.notifier.changed(waiting.name, key)
        waiting.is_watched = lambda: self.notifier.has_watchers(waiting.name)

    async def load(self) -> None:
        """Count the messages that wait, so that the first phone that asks is told the truth."""
        await self._waiting.refresh()

    def look(self) -> None:
        """Count soon: another program changed messages."""
        self._waiting.look()

    async def run(self) -> None:
        """Follow what happens to messages."""
        await self._waiting.run()

    def plan_changed(self, before: Plan, after: Plan) -> None:
        """End what may not be watched any more, and tell the others how it is now."""

        def why(watcher: str, package: str, resource: str) -> str | None:
            if watcher not in after.people:
                return "rejected"
            if package == self._busy.name:
                return why_not_watched(before.people.get(resource), after.people.get(resource))
            boxes = after.people[watcher].listens_to
            own = {person_key(watcher), *map(box_key, boxes)}
            return None if resource in own else "rejected"

        self.notifier.end(why)
        self._waiting.plan_changed()

    def _admit(self, server: ServerRequest) -> str | None:
        """Return whose phone sent a request; None: it has been challenged or refused."""
        now = asyncio.get_running_loop().time()
        proof = self._authentication.check(server.request, server.source, now)
        if isinstance(proof, Refused):
            server.respond(proof.status, proof.reason, proof.headers)
            return None
        return proof.person.name


def why_not_watched(before: PersonSpec | None, after: PersonSpec | None) -> str | None:
    """Return why a colleague's calls are told no more (RFC 6665 §4.1.3); None: they are."""
    if after is None:
        return "noresource"
    if before is not None and before.extension != after.extension:
        return "deactivated"  # the key stands for an extension: the phone asks anew who has it now
    return None
