"""SIP over connections, TCP, TLS and WebSocket: one per peer, used both ways (RFC 3261 §18, RFC 7118)."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from typing import TYPE_CHECKING

from b2bua.sip.framing import SipFraming
from b2bua.sip.transport.addressing import network_of, source_of_connections
from b2bua.sip.transport.connection import Connection, Framing, StreamLimits
from b2bua.sip.transport.hop import Hop, Receiver
from b2bua.sip.transport.origins import Origins
from b2bua.sip.transport.tls import Tls

if TYPE_CHECKING:
    from b2bua.sip.transport.websocket import WebSocketFraming

CONNECT_TIMEOUT_S = 4.0
"""A dead address is known as such before the caller loses patience; SYNs were repeated twice by then."""
HANDSHAKE_TIMEOUT_S = 10.0
MOST_GONE = 4096
"""Closed connections of browsers that are remembered: nobody listens at their other end."""


class StreamTransport:
    """Listens on one address, or on none, and opens connections."""

    def __init__(
        self,
        kind: str = "tcp",
        *,
        local: Hop | None = None,
        advertised: str | None = None,
        tls: Tls | None = None,
        limits: StreamLimits | None = None,
        origins: Origins | None = None,
    ) -> None:
        """``local``: what Via says where nothing is listened on; ``tls`` is for the kinds tls and wss.

        ``origins``: whose web pages may connect by ws and wss; None: any.
        """
        self.kind = kind
        self.local = local or Hop(kind, "", 0)
        self.advertised = advertised
        self.limits = limits or StreamLimits()
        self._origins = origins
        self._tls = tls if kind in ("tls", "wss") else None
        self._receiver: Receiver | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[Hop, Connection] = {}
        self._sources: Counter[str] = Counter()
        self._gone: dict[Hop, None] = {}
        self._waiting: dict[Hop, list[bytes]] = {}
        self._connecting: dict[Hop, asyncio.Task[None]] = {}

    @classmethod
    async def bind(
        cls,
        host: str,
        port: int,
        *,
        kind: str = "tcp",
        advertised: str | None = None,
        tls: Tls | None = None,
        limits: StreamLimits | None = None,
        origins: Origins | None = None,
    ) -> StreamTransport:
        """Return a transport that listens on ``host:port`` (port 0: any).

        Raises:
            OSError: the address is taken or not ours.
        """
        transport = cls(kind, advertised=advertised, tls=tls, limits=limits, origins=origins)
        secured = transport._tls.server if transport._tls is not None else None
        transport._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(transport, transport._framing()),
            host,
            port,
            ssl=secured,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if secured else None,
        )
        bound_host, bound_port = transport._server.sockets[0].getsockname()[:2]
        transport.local = Hop(kind, bound_host, bound_port)
        return transport

    def _framing(self, toward: Hop | None = None) -> Framing:
        """Return how messages stand in a connection that a peer opened, or ours ``toward`` it."""
        if self.kind not in ("ws", "wss"):
            return SipFraming()
        websocket = _websocket()
        return websocket.accepting(self._origins) if toward is None else websocket.calling(toward)

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def is_connected(self, hop: Hop) -> bool:
        return self._connection_to(hop) is not None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    # --- sending ------------------------------------------------------------------------------------------

    def send(self, wire: bytes, hop: Hop) -> None:
        connection = self._connection_to(hop)
        if connection is not None:
            connection.send(wire)
        elif hop in self._gone:
            asyncio.get_running_loop().call_soon(self._tell_failure, hop, "the browser is gone")
        else:
            self._waiting.setdefault(hop, []).append(wire)
            if hop not in self._connecting:
                self._connecting[hop] = asyncio.get_running_loop().create_task(self._connect(hop))

    def _connection_to(self, hop: Hop) -> Connection | None:
        """Return the open connection to ``hop``; one whose peer proved to be another domain is none."""
        connection = self._connections.get(hop)
        if connection is None or self._tls is None or not connection.is_ours:
            return connection
        assert connection.hop is not None
        if hop.name in ("", connection.hop.name):
            return connection
        return connection if self._tls.objection(connection.secured_by, hop) is None else None

    async def _connect(self, hop: Hop) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                connection = await self._open(hop)
        except OSError as error:  # TimeoutError is one, a certificate's refusal too
            self._failed(hop, _in_words(error))
            return
        finally:
            self._connecting.pop(hop, None)
        self._connections[hop] = connection
        for wire in self._waiting.pop(hop, ()):
            connection.send(wire)

    async def _open(self, hop: Hop) -> Connection:
        """Return a new connection to ``hop``.

        Raises:
            OSError: nobody is there, or somebody else.
        """
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self, self._framing(hop), hop=hop),
            hop.host,
            hop.port,
            ssl=self._tls.client if self._tls else None,
            server_hostname=(hop.name or hop.host) if self._tls else None,
            local_addr=source_of_connections(self.local, hop),
        )
        objection = self._tls.objection(connection.secured_by, hop) if self._tls else None
        if objection is not None:
            connection.abort()
            raise ConnectionAbortedError(objection)
        if connection.is_lost:
            raise ConnectionResetError("connection closed by peer")
        return connection

    def give_up(self, hop: Hop) -> None:
        """Stop connecting to ``hop``; what waits for it is told so."""
        task = self._connecting.pop(hop, None)
        if task is not None:
            task.cancel()
            self._failed(hop, "connection timed out")

    def _failed(self, hop: Hop, why: str) -> None:
        self._waiting.pop(hop, None)
        self._tell_failure(hop, why)

    # --- what connections tell ----------------------------------------------------------------------------

    def admits(self, connection: Connection) -> bool:
        """Return whether a peer's connection may stay; it is used for what we send from now on."""
        assert connection.hop is not None
        source = network_of(connection.hop.host)
        is_full = len(self._connections) >= self.limits.connections
        if is_full or self._sources[source] >= self.limits.connections_of_source or self._receiver is None:
            return False
        self._sources[source] += 1
        self._connections[connection.hop] = connection
        return True

    def received(self, wire: bytes, source: Hop) -> None:
        """Pass one message on."""
        if self._receiver is not None:
            self._receiver.receive(wire, source, self)

    def lost(self, connection: Connection, why: str) -> None:
        """Forget a connection; whoever waits for an answer over it is told."""
        hop = connection.hop
        if hop is None or self._connections.get(hop) is not connection:
            return
        del self._connections[hop]
        if not connection.is_ours:
            self._forget_source(hop)
        self._tell_failure(hop, why)

    def _forget_source(self, hop: Hop) -> None:
        source = network_of(hop.host)
        self._sources[source] -= 1
        if not self._sources[source]:
            del self._sources[source]
        if self.kind in ("ws", "wss"):
            self._gone[hop] = None
            if len(self._gone) > MOST_GONE:
                del self._gone[next(iter(self._gone))]

    def _tell_failure(self, hop: Hop, why: str) -> None:
        if self._receiver is not None:
            self._receiver.destination_failed(hop, why)

    async def close(self) -> None:
        self._receiver = None
        connecting = tuple(self._connecting.values())
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections.values()):
            connection.close()
        # One turn lets what was written leave and connection_lost run.
        await asyncio.sleep(0)


def _websocket() -> type[WebSocketFraming]:
    from b2bua.sip.transport.websocket import WebSocketFraming  # imported late: few offices have browsers

    return WebSocketFraming


def _in_words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return error.strerror or str(error) or "connection timed out"
