"""Servers that peers name in Contact or Record-Route, looked up before they are needed (RFC 3263)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from b2bua.errors import Unavailable
from b2bua.sip.resolver import DEFAULT_PORT, Resolver
from b2bua.sip.transport.addressing import is_ipv6
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, parse_uri

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Runs work for as long as the program runs."""


class NamedServers:
    """Knows where a peer is found anew when the connection breaks over which its call came.

    A BYE cannot wait for DNS, so the name is looked up while the call begins.
    """

    def __init__(self, resolver: Resolver, start: Start) -> None:
        self._resolver = resolver
        self._start = start
        self._asking: set[SipUri] = set()

    def expect(self, server: SipUri) -> None:
        """Look ``server`` up, in case that it is needed."""
        if server not in self._asking:
            self._asking.add(server)
            self._start(self._find(server))

    async def _find(self, server: SipUri) -> None:
        try:
            await self._resolver.resolve(server)
        except Unavailable:
            return
        finally:
            self._asking.discard(server)

    def find_hosts(self, name: str, told: Callable[[list[str]], None]) -> None:
        """Tell ``told`` later at which addresses the host ``name`` is; at none where DNS does not say so.

        While DNS is silent, at those that it said last: a call that talks goes on there.
        """
        self._start(self._find_hosts(name, told))

    async def _find_hosts(self, name: str, told: Callable[[list[str]], None]) -> None:
        host = parse_uri(f"sip:{name}:{DEFAULT_PORT};transport=udp")
        is_known = bool(self._resolver.last_found(host))
        hops: list[Hop] = []
        with suppress(Unavailable):
            hops = await (self._resolver.resolve_soon if is_known else self._resolver.resolve)(host)
        told([hop.host for hop in hops])

    def hop(self, server: SipUri, *, like: Hop) -> Hop | None:
        """Return where ``server`` was found last, None when it was not.

        Of several addresses the one of ``like``, whose call it is, then one of the same IP version.
        """
        hops = self._resolver.last_found(server)
        return min(
            hops,
            key=lambda hop: (hop.host != like.host, is_ipv6(hop.host) != is_ipv6(like.host)),
            default=None,
        )
