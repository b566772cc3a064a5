"""One connection that carries SIP, opened by either side, and what a peer may do with it."""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from typing import Protocol, cast

from b2bua.errors import MalformedMessage
from b2bua.sip.transport.hop import Hop

UNCONFIRMED_S = 20
"""So long the network may owe the confirmation of what was sent: the kernel would wait a quarter of an hour,
and each call meanwhile would go into a connection that a router on the way has forgotten."""
QUIET_S = 90
"""After that the kernel asks whether the peer is there, which keeps routers from forgetting."""
ASK_AGAIN_S = 10


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one peer, or all of them together, may cost us."""

    connections: int = 2000
    """Open ones; a further one is closed at once."""
    connections_of_source: int = 200
    """Open ones from one address, or one IPv6 network: an office of phones behind one NAT, but no flood."""
    first_message_s: float = 32.0
    """Whoever connects and says nothing that is SIP is let go."""
    message_s: float = 32.0
    """A message that was begun has to be whole after that; each trickled octet wins no time."""
    idle_s: float = 7200.0
    """Without a message or keep-alive; twice the time for which phones register."""
    unsent_bytes: int = 1 << 20
    """A peer that does not read what it is sent is cut off."""


class Framing(Protocol):
    """How messages stand in a stream: RFC 3261 §18.3, or RFC 7118."""

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent already."""

    @property
    def is_over(self) -> bool:
        """Whether the peer said its last word."""

    @property
    def is_partial(self) -> bool:
        """Whether a message has begun that is not whole yet."""

    def opening(self) -> bytes:
        """Return what goes out first."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that ``data`` completes.

        Raises:
            MalformedMessage: where the next one starts cannot be known any more.
        """

    def replies(self) -> bytes:
        """Return what the peer is owed by now: pongs, handshakes."""

    def wrap(self, wire: bytes) -> bytes:
        """Return a message as it goes out."""


class Owner(Protocol):
    """The transport that a connection belongs to."""

    kind: str
    limits: StreamLimits

    def admits(self, connection: Connection) -> bool:
        """Return whether a peer's connection may stay."""

    def received(self, wire: bytes, source: Hop) -> None:
        """Take one whole message."""

    def lost(self, connection: Connection, why: str) -> None:
        """Take the news that it is closed."""


class Connection(asyncio.Protocol):
    """Bytes in, messages out, and the other way round."""

    def __init__(self, owner: Owner, framing: Framing, *, hop: Hop | None = None) -> None:
        """``hop`` is the address we connect to; a peer's own connection is named by its source."""
        self.hop = hop
        self.is_ours = hop is not None
        self.is_lost = False
        self._owner = owner
        self._framing = framing
        self._loop = asyncio.get_running_loop()
        self._pipe: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._opened_at = self._heard_at = 0.0
        self._has_spoken = False
        self._begun_at: float | None = None
        self._unsent: list[bytes] = []
        self._why = "connection closed by peer"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pipe = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if peer is None:
            self._pipe.abort()
            return
        self.hop = self.hop or Hop(self._owner.kind, peer[0], peer[1])
        _set_options(transport.get_extra_info("socket"))
        self._opened_at = self._heard_at = self._loop.time()
        self._watch()
        if not self.is_ours and not self._owner.admits(self):
            self._pipe.abort()
            return
        self._write(self._framing.opening())

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._framing.feed(data)
        except MalformedMessage:
            self._write(self._framing.replies())
            self.close()
            return
        self._write(self._framing.replies())
        self._note(has_message=bool(messages))
        for message in messages:
            assert self.hop is not None
            self._owner.received(message, self.hop)
        if self._framing.is_over:
            self.close()
        elif self._unsent and self._framing.is_open:
            self._send_unsent()

    def _note(self, *, has_message: bool) -> None:
        self._heard_at = self._loop.time()
        self._has_spoken = self._has_spoken or has_message
        if not self._framing.is_partial:
            self._begun_at = None
        elif self._begun_at is None or has_message:
            self._begun_at = self._heard_at
            self._watch()

    # --- deadlines ----------------------------------------------------------------------------------------

    @property
    def _due(self) -> float:
        limits = self._owner.limits
        if not self._has_spoken:
            return self._opened_at + limits.first_message_s
        if self._begun_at is not None:
            return self._begun_at + limits.message_s
        return self._heard_at + limits.idle_s

    def _watch(self) -> None:
        """Look again when the earliest deadline may have passed; most messages only move it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._check)

    def _check(self) -> None:
        self._timer = None
        if self._loop.time() < self._due - 0.001:
            self._watch()
        elif self._pipe is not None:
            self._why = "connection was silent"
            self._pipe.abort()

    # --- sending ------------------------------------------------------------------------------------------

    def send(self, wire: bytes) -> None:
        """Write without waiting; a peer that stopped reading loses the connection."""
        if not self._framing.is_open:
            self._unsent.append(wire)
        else:
            self._write(self._framing.wrap(wire))

    def _send_unsent(self) -> None:
        unsent, self._unsent = self._unsent, []
        for wire in unsent:
            self.send(wire)

    def _write(self, octets: bytes) -> None:
        if not octets or self._pipe is None or self._pipe.is_closing():
            return
        self._pipe.write(octets)
        if self._pipe.get_write_buffer_size() > self._owner.limits.unsent_bytes:
            self._pipe.abort()

    @property
    def secured_by(self) -> object:
        """The ``ssl.SSLObject`` of a TLS connection."""
        return None if self._pipe is None else self._pipe.get_extra_info("ssl_object")

    def abort(self) -> None:
        """Close at once."""
        if self._pipe is not None:
            self._pipe.abort()

    def close(self) -> None:
        """Close after what was written has left."""
        if self._pipe is not None:
            self._pipe.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._owner.lost(self, str(exc) if exc else self._why)


def _set_options(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, QUIET_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASK_AGAIN_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNCONFIRMED_S * 1000)
