"""The way between a provider and us, kept open through NATs and watched."""

from __future__ import annotations

import asyncio

from b2bua.config.models import Trunk
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from b2bua.trunk.probe import probe

LEAST_REST_S = 10.0
"""Between two registrations, whatever happens to the connection."""


class KeepAlive:
    """Sends an OPTIONS to where we are registered, often enough that no NAT forgets the way (RFC 5626 §4.4).

    Unlike the two line ends of RFC 5626 §4.4.1 over UDP, its answer also tells that the provider is there.
    """

    def __init__(self, trunk: Trunk, endpoint: SipEndpoint) -> None:
        self._trunk = trunk
        self._endpoint = endpoint
        self._has_answered = False
        self._is_cut_off = asyncio.Event()

    def cut_off(self) -> None:
        """Take the news that the connection is gone over which the provider's calls would come."""
        self._is_cut_off.set()

    async def hold(self, hop: Hop, *, seconds: float) -> None:
        """Return after ``seconds``, or as soon as the way to ``hop`` does not hold any more.

        Not within ``LEAST_REST_S``, also when a provider closes every connection at once.
        """
        self._is_cut_off.clear()
        least = asyncio.get_running_loop().time() + LEAST_REST_S
        try:
            async with asyncio.timeout(seconds):
                await self._until_lost(hop)
                await asyncio.sleep(max(0.0, least - asyncio.get_running_loop().time()))
        except TimeoutError:
            return

    async def _until_lost(self, hop: Hop) -> None:
        while True:
            try:
                async with asyncio.timeout(self._trunk.keep_alive_s or None):
                    await self._is_cut_off.wait()
                    return
            except TimeoutError:
                if not await self._is_open(hop):
                    return

    async def _is_open(self, hop: Hop) -> bool:
        if hop.is_reliable and not self._endpoint.is_connected(hop):
            return False  # calls came over the connection that is gone: a new one has to be registered
        response = await probe(self._trunk, self._endpoint, hop)
        if response is None:
            if self._has_answered:
                self._endpoint.dead_targets.note(hop, now=asyncio.get_running_loop().time())
            return not self._has_answered
        self._has_answered = self._has_answered or not response.is_local
        return not response.is_local
