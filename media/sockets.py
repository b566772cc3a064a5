"""RTP and RTCP over UDP sockets, one pair per leg."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Protocol

from media.endpoint import Address
from media.fastpath import LARGEST_PACKET, FastPath
from media.leg import Leg
from media.outgoing import Packet, Send
from media.stamps import stamp

_PACKET = bytearray(LARGEST_PACKET)
"""Where each packet is read and rewritten. One for all legs, as a buffer each would never be in the cache."""
_PARTS = tuple(memoryview(_PACKET)[:size] for size in range(513))
"""Its beginnings, so that none has to be cut off for each packet: sound is hardly ever longer."""
EXPEDITED = 0xB8
"""DSCP EF (RFC 3246), so that routers serve voice first."""


class Poll(Protocol):
    """Calls when a descriptor can be read; an asyncio loop is one."""

    def add_reader(self, descriptor: int, callback: Callable[[], None], /) -> object:
        """Call ``callback`` each time ``descriptor`` can be read."""

    def remove_reader(self, descriptor: int, /) -> object:
        """Do so no more."""


class SocketEndpoint:
    """The sole owner of a leg's sockets.

    Once it is known where RTP comes from, the socket is connected there: the kernel then drops strangers, and
    both directions cost less than with an address per packet.
    """

    __slots__ = (
        "_clock", "_fast_path", "_is_connected", "_is_multiplexed", "_is_settled", "_leg", "_poll", "_remote",
        "_rtcp", "_rtp", "address",
    )  # fmt: skip

    def __init__(
        self,
        address: Address,
        leg: Leg,
        *,
        poll: Poll,
        clock: Callable[[], float],
        fast_path: FastPath | None = None,
    ) -> None:
        """Bind both ports; what is relayed as it comes takes the ``fast_path``, if there is one.

        Raises:
            OSError: one is in use.
        """
        self.address = address
        self._leg = leg
        self._poll = poll
        self._clock = clock
        self._fast_path = fast_path
        self._remote: Address | None = None
        self._is_connected = self._is_settled = False
        """Whether the kernel drops what strangers send, and all that came before it did is read."""
        self._is_multiplexed = False
        self._rtcp: socket.socket | None = bind(address[0], address[1] + 1)
        try:
            self._rtp = bind(*address)
        except OSError:
            self._rtcp.close()
            raise
        poll.add_reader(self._rtp.fileno(), self._read_any)
        poll.add_reader(self._rtcp.fileno(), self._read_rtcp)

    def multiplex(self, *, is_on: bool) -> None:
        """Give up the RTCP port, or take it again; a leg goes on without it where somebody else has it."""
        self._is_multiplexed = is_on
        if is_on:
            self._close_rtcp()
        elif self._rtcp is None:
            with contextlib.suppress(OSError):
                self._rtcp = bind(self.address[0], self.address[1] + 1)
                self._poll.add_reader(self._rtcp.fileno(), self._read_rtcp)

    def _close_rtcp(self) -> None:
        if self._rtcp is not None:
            self._poll.remove_reader(self._rtcp.fileno())
            self._rtcp.close()
            self._rtcp = None

    def _read_any(self) -> None:
        try:
            size, source = self._rtp.recvfrom_into(_PACKET)
        except OSError:
            return
        self._leg.receive(_PACKET, size, (source[0], source[1]), self._clock())
        if self._is_connected:
            self._settle()

    def _settle(self) -> None:
        """Sort out by address what came before the connection; from then on the kernel does that."""
        while True:
            try:
                size, source = self._rtp.recvfrom_into(_PACKET)
            except BlockingIOError:
                break
            except OSError:
                continue
            self._leg.receive(_PACKET, size, (source[0], source[1]), self._clock())
        self._is_settled = True
        self.read_anew()

    def read_anew(self) -> None:
        """Read as the leg now says, once nobody else is heard here."""
        if self._leg.audience.listeners:
            stamp(self._rtp.fileno())
        if self._is_settled:
            self._read_no_more()
            reader = self._connected_reader()
            if reader is not None:
                self._poll.add_reader(self._rtp.fileno(), reader)

    def _read_no_more(self) -> None:
        descriptor = self._rtp.fileno()
        if self._fast_path is not None:
            self._fast_path.remove(descriptor)
        self._poll.remove_reader(descriptor)

    def _connected_reader(self) -> Callable[[], None] | None:
        """Return what reads one packet of the far end; None where that can wait for the fast path."""
        packet, read_into, leg, clock = _PACKET, self._rtp.recv_into, self._leg, self._clock
        if self._fast_path is not None:
            if leg.flow is not None and self._fast_path.add(self._rtp.fileno(), leg.flow):
                return None
            return self._read_connected  # the few packets that are news: all else would take 2 kB a call
        if leg.flow is not None and leg.flow.is_plain:
            return leg.flow.reader(read_into, packet, _PARTS, clock)

        def read() -> None:
            try:
                size = read_into(packet)
            except OSError:
                # An ICMP error of an earlier packet: the far end is not listening (yet).
                return
            leg.receive(packet, size, None, clock())

        return read

    def _read_connected(self) -> None:
        try:
            size = self._rtp.recv_into(_PACKET)
        except OSError:  # as below
            return
        self._leg.receive(_PACKET, size, None, self._clock())

    def _read_rtcp(self) -> None:
        assert self._rtcp is not None
        with contextlib.suppress(OSError):
            compound, source = self._rtcp.recvfrom(LARGEST_PACKET)
            self._leg.on_report(compound, (source[0], source[1]), self._clock())

    def aim(self, remote: Address) -> Send:
        """Hear everybody; return what sends to ``remote``."""
        self.leave()
        self._remote = remote
        send_to = self._rtp.sendto
        return lambda packet: send_to(packet, remote)

    def leave(self) -> None:
        """Hear everybody, send to nobody."""
        self._remote = None
        if self._is_connected:
            self._reopen()

    def _reopen(self) -> None:
        """Put an unconnected socket in the place of the connected one: Python cannot dissolve a connection.

        Both may share the port for that moment only, lest a foreign process ever could.
        """
        was = self._rtp
        was.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._read_no_more()
        self._rtp = bind(*self.address, shares_port=True)
        was.close()
        self._rtp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        self._is_connected = self._is_settled = False
        self._poll.add_reader(self._rtp.fileno(), self._read_any)

    def lock(self, remote: Address) -> Send:
        """Hear and reach nobody but ``remote``."""
        self._remote = remote
        self._rtp.connect(remote)
        self._is_connected = True
        return self._rtp.send

    def send_rtcp(self, packet: Packet, to: Address | None) -> None:
        """Send to ``to``, else to the port above the remote one, or to the same where RTCP is multiplexed."""
        if self._remote is None:
            return
        with contextlib.suppress(OSError, OverflowError):  # above port 65535 there is none
            if self._is_connected and self._is_multiplexed:
                self._rtp.send(packet)
            elif self._is_multiplexed:
                self._rtp.sendto(packet, self._remote)
            elif self._rtcp is not None:
                self._rtcp.sendto(packet, to or (self._remote[0], self._remote[1] + 1))

    def close(self) -> None:
        """Unbind both ports."""
        self._close_rtcp()
        self._read_no_more()
        self._rtp.close()


def bind(host: str, port: int, *, shares_port: bool = False) -> socket.socket:
    """Return a non-blocking UDP socket.

    Raises:
        OSError: the port is in use, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if shares_port:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET:
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)
        else:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED)
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp
