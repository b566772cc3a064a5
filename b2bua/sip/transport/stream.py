"""SIP over TCP: one connection per peer, used both ways (RFC 3261 §18, RFC 5626 §3.5.1 keep-alive)."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from b2bua.errors import MalformedMessage
from b2bua.sip.framing import KEEP_ALIVE, StreamFramer
from b2bua.sip.transport.hop import Hop, Receiver

PONG = b"\r\n"
CONNECT_TIMEOUT_S = 4.0
"""A dead address is known as such before the caller loses patience; SYNs were repeated twice by then."""
FIRST_MESSAGE_TIMEOUT_S = 32.0
"""Whoever connects and says nothing that is SIP is let go."""
MOST_CONNECTIONS = 2000
MOST_UNSENT_BYTES = 1 << 20
"""A peer that does not read what it is sent is cut off."""


class Connection(asyncio.Protocol):
    """One TCP connection, opened by either side."""

    def __init__(self, owner: StreamTransport, hop: Hop | None = None) -> None:
        """``hop`` is the address we connect to; a peer's own connection is named by its source."""
        self.hop = hop
        self._owner = owner
        self._framer = StreamFramer()
        self._pipe: asyncio.Transport | None = None
        self._silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pipe = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if peer is None:
            self._pipe.abort()
            return
        self.hop = self.hop or Hop("tcp", peer[0], peer[1])
        _set_options(transport.get_extra_info("socket"))
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(FIRST_MESSAGE_TIMEOUT_S, self._pipe.abort)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._framer.feed(data)
        except MalformedMessage:
            self.close()  # where the next message starts cannot be known any more
            return
        for message in messages:
            self._take(message)

    def _take(self, message: bytes) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if message == KEEP_ALIVE:
            self.send(PONG)
        elif self.hop is not None:
            self._owner.received(message, self.hop)

    def send(self, wire: bytes) -> None:
        """Write without waiting; a peer that stopped reading loses the connection."""
        if self._pipe is None or self._pipe.is_closing():
            return
        self._pipe.write(wire)
        if self._pipe.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self._pipe.abort()

    def close(self) -> None:
        """Close after what was written has left."""
        if self._pipe is not None:
            self._pipe.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._owner.lost(self, str(exc) if exc else "connection closed by peer")


class StreamTransport:
    """Listens on one TCP address and opens connections from it."""

    def __init__(self, *, advertised: str | None = None) -> None:
        self.local = Hop("tcp", "", 0)
        self.advertised = advertised
        self._receiver: Receiver | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[Hop, Connection] = {}
        self._waiting: dict[Hop, list[bytes]] = {}
        self._connecting: set[asyncio.Task[None]] = set()

    @classmethod
    async def bind(cls, host: str, port: int, *, advertised: str | None = None) -> StreamTransport:
        """Return a transport that listens on ``host:port`` (port 0: any).

        Raises:
            OSError: the address is taken or not ours.
        """
        transport = cls(advertised=advertised)
        loop = asyncio.get_running_loop()
        transport._server = await loop.create_server(lambda: Connection(transport), host, port)
        bound_host, bound_port = transport._server.sockets[0].getsockname()[:2]
        transport.local = Hop("tcp", bound_host, bound_port)
        return transport

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def is_connected(self, hop: Hop) -> bool:
        return hop in self._connections

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def send(self, wire: bytes, hop: Hop) -> None:
        connection = self._connections.get(hop)
        if connection is not None:
            connection.send(wire)
            return
        waiting = self._waiting.setdefault(hop, [])
        waiting.append(wire)
        if len(waiting) == 1:
            task = asyncio.get_running_loop().create_task(self._connect(hop))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, hop: Hop) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, hop), hop.host, hop.port
                )
        except OSError as error:  # TimeoutError is one
            self._waiting.pop(hop, None)
            self._tell_failure(hop, str(error) or "connection timed out")
            return
        for wire in self._waiting.pop(hop, ()):
            connection.send(wire)

    def opened(self, connection: Connection) -> None:
        """Take a new connection, ours or the peer's."""
        assert connection.hop is not None
        if len(self._connections) >= MOST_CONNECTIONS or self._receiver is None:
            connection.close()
            return
        self._connections[connection.hop] = connection

    def received(self, wire: bytes, source: Hop) -> None:
        """Pass one message on."""
        if self._receiver is not None:
            self._receiver.receive(wire, source, self)

    def lost(self, connection: Connection, why: str) -> None:
        """Forget a connection; whoever waits for an answer over it is told."""
        hop = connection.hop
        if hop is not None and self._connections.get(hop) is connection:
            del self._connections[hop]
            self._tell_failure(hop, why)

    def _tell_failure(self, hop: Hop, why: str) -> None:
        if self._receiver is not None:
            self._receiver.destination_failed(hop, why)

    async def close(self) -> None:
        self._receiver = None
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections.values()):
            connection.close()
        # One turn lets what was written leave and connection_lost run.
        await asyncio.sleep(0)


def _set_options(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
