"""An RTP network inside the process, for stories on virtual time."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import TypeAlias

from media.endpoint import Address
from media.leg import Leg
from media.outgoing import Packet, Send

Receive: TypeAlias = Callable[[bytes, Address], None]


class MemoryRtpNetwork:
    """Carries datagrams between bound addresses, each `latency_s` later; to nobody where nothing is bound."""

    def __init__(self, *, latency_s: float = 0.001) -> None:
        self.latency_s = latency_s
        self.drop: Callable[[bytes, Address, Address], bool] | None = None
        """Asked of each datagram with its source and destination: whether the network loses it."""
        self._bound: dict[Address, Receive] = {}

    def bind(self, address: Address, receive: Receive) -> None:
        """Let ``receive`` get what is sent to ``address``.

        Raises:
            OSError: it is bound already.
        """
        if address in self._bound:
            raise OSError(errno.EADDRINUSE, f"{address} is bound")
        self._bound[address] = receive

    def unbind(self, address: Address) -> None:
        """Let ``address`` hear nothing any more."""
        self._bound.pop(address, None)

    def send(self, packet: Packet, *, source: Address, destination: Address) -> None:
        """Carry a datagram."""
        content = bytes(packet)
        if self.drop is None or not self.drop(content, source, destination):
            loop = asyncio.get_running_loop()
            loop.call_later(self.latency_s, self._arrive, content, source, destination)

    def _arrive(self, content: bytes, source: Address, destination: Address) -> None:
        receive = self._bound.get(destination)
        if receive is not None:
            receive(content, source)


class MemoryEndpoint:
    """A leg's ports on such a network."""

    def __init__(
        self,
        network: MemoryRtpNetwork,
        address: Address,
        leg: Leg,
        *,
        clock: Callable[[], float],
    ) -> None:
        """Bind both ports.

        Raises:
            OSError: one is bound already.
        """
        self.address = address
        self._rtcp_address = address[0], address[1] + 1
        self._network = network
        self._leg = leg
        self._clock = clock
        self._remote: Address | None = None
        self._is_multiplexed = False
        network.bind(address, self._receive)
        network.bind(self._rtcp_address, self._receive_rtcp)

    def _receive(self, content: bytes, source: Address) -> None:
        self._leg.receive(bytearray(content), len(content), source, self._clock())

    def _receive_rtcp(self, content: bytes, source: Address) -> None:
        self._leg.on_report(content, source, self._clock())

    def multiplex(self, *, is_on: bool) -> None:
        """Give up the RTCP port, or take it again."""
        if is_on:
            self._network.unbind(self._rtcp_address)
        elif self._is_multiplexed:
            self._network.bind(self._rtcp_address, self._receive_rtcp)
        self._is_multiplexed = is_on

    def aim(self, remote: Address) -> Send:
        """Send to ``remote``."""
        self._remote = remote
        return lambda packet: self._network.send(packet, source=self.address, destination=remote)

    def lock(self, remote: Address) -> Send:
        """Send to ``remote``; the leg's latch sorts out strangers."""
        return self.aim(remote)

    def read_anew(self) -> None:
        """Do nothing: each packet is given to the leg."""

    def leave(self) -> None:
        """Send to nobody."""
        self._remote = None

    def send_rtcp(self, packet: Packet, to: Address | None) -> None:
        """Send to ``to``, else to the port above the remote one, or to the same where RTCP is multiplexed."""
        if self._remote is not None:
            host, port = self._remote
            above = 0 if self._is_multiplexed else 1
            source = self.address[0], self.address[1] + above
            usual = host, port + above
            self._network.send(packet, source=source, destination=(above and to) or usual)

    def close(self) -> None:
        """Unbind both ports."""
        self._network.unbind(self.address)
        self._network.unbind(self._rtcp_address)
