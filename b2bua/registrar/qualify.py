"""Whether registered phones still answer: one without power is offline long before its hour is over."""

from __future__ import annotations

import asyncio

from b2bua.registrar.bindings import Binding, Bindings, ContactKey
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Headers, Request, Response

EVERY_S = 30.0
"""Between two rounds; short enough to keep a NAT's mapping open (RFC 5626 §4.4.2)."""
ANSWER_S = 4.0
"""A phone that lets an OPTIONS wait longer counts as silent."""
MISSES = 2
"""Rounds in a row that a phone may miss."""


class Qualification:
    """Asks every device by OPTIONS (RFC 3261 §11) and marks in :class:`Bindings` who does not answer.

    Any answer counts. A device that has never answered an OPTIONS may not know the method, so its silence
    says nothing; that its port is closed does.
    """

    def __init__(self, bindings: Bindings, endpoint: SipEndpoint, *, every_s: float = EVERY_S) -> None:
        self._bindings = bindings
        self._endpoint = endpoint
        self._every_s = every_s
        self._misses: dict[tuple[str, ContactKey], int] = {}

    async def run(self) -> None:
        """Go round until cancelled; bindings that ended are dropped on the way."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.go_round()

    async def go_round(self) -> None:
        """Ask every device once, all at the same time."""
        now = asyncio.get_running_loop().time()
        self._bindings.expire(now)
        bindings = tuple(self._bindings.all(now))
        present = {(binding.person, binding.key) for binding in bindings}
        self._misses = {device: count for device, count in self._misses.items() if device in present}
        async with asyncio.TaskGroup() as group:
            for binding in bindings:
                group.create_task(self._ask(binding), name=f"OPTIONS {binding.contact_uri}")

    async def _ask(self, binding: Binding) -> None:
        hop = binding.hop_now(self._endpoint.is_connected)
        local = self._endpoint.local_hop(hop)
        headers = Headers(
            [("From", f"<sip:{local.authority}>"), ("Accept", "application/sdp"), *binding.route]
        )
        request = Request("OPTIONS", binding.contact_uri, headers)
        response = await self._endpoint.request(request, hop, deadline_s=ANSWER_S)
        now = asyncio.get_running_loop().time()
        is_reachable = self._judge((binding.person, binding.key), response)
        if is_reachable is not None:
            self._bindings.mark_reachable(binding, now, is_reachable=is_reachable)

    def _judge(self, device: tuple[str, ContactKey], response: Response) -> bool | None:
        """Return whether the device can be reached; ``None``: it stays what it was."""
        if not response.is_local:
            self._misses[device] = 0
            return True
        if response.status == 503:  # refused, or the connection is gone
            return False
        if device not in self._misses:
            return None
        self._misses[device] += 1
        return False if self._misses[device] >= MISSES else None
