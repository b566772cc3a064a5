"""SIP over UDP: one non-blocking socket read by the loop (RFC 3261 §18)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import sys

from b2bua.sip.transport.hop import Hop, Receiver

LARGEST_DATAGRAM = 65535
MOST_SOURCES = 4096
BURST = 64
"""Datagrams taken per turn of the loop, so that a flood cannot starve the timers."""

# <linux/in.h>, <linux/in6.h>, <linux/errqueue.h>: not in the socket module.
IP_RECVERR = 11
IPV6_RECVERR = 25
ORIGIN_ICMP = (2, 3)
EXTENDED_ERROR = struct.Struct("=IBBBBII")
HAS_ERROR_QUEUE = sys.platform == "linux"

RECEIVE_BUFFER_BYTES = 4 << 20
"""Room for a burst of INVITEs while the loop is busy; the kernel caps it at net.core.rmem_max."""


class UdpTransport:
    """One UDP socket. ICMP errors are told for the destination they are about, and for that one only."""

    def __init__(self, bound: socket.socket, *, advertised: str | None = None) -> None:
        host, port = bound.getsockname()[:2]
        self.local = Hop("udp", host, port)
        self.advertised = advertised
        self._socket = bound
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(LARGEST_DATAGRAM))
        self._receiver: Receiver | None = None
        self._sources: dict[tuple[str, int], Hop] = {}

    @classmethod
    async def bind(cls, host: str, port: int, *, advertised: str | None = None) -> UdpTransport:
        """Return a transport bound to ``host:port`` (port 0: any).

        Raises:
            OSError: the address is taken or not ours.
        """
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            if bound.family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
            _ask_for_icmp_errors(bound)
            bound.bind((host, port))
        except OSError:
            bound.close()
            raise
        return cls(bound, advertised=advertised)

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop.add_reader(self._socket.fileno(), self._read)

    def is_connected(self, hop: Hop) -> bool:
        return hop.transport == "udp"

    def give_up(self, hop: Hop) -> None:
        """There are no connections here."""

    def send(self, wire: bytes, hop: Hop) -> None:
        try:
            self._socket.sendto(wire, (hop.host, hop.port))
        except BlockingIOError:
            return  # a full buffer is a lost datagram: retransmission covers it
        except OSError:
            # It may be about an earlier datagram to somebody else: clear it, then try again.
            self._read_errors()
            self._send_again(wire, hop)

    def _send_again(self, wire: bytes, hop: Hop) -> None:
        try:
            self._socket.sendto(wire, (hop.host, hop.port))
        except BlockingIOError:
            return
        except OSError as error:
            self._fail_soon(hop, error.errno or 0)

    def _read(self) -> None:
        receiver, buffer, receive_into = self._receiver, self._buffer, self._socket.recvfrom_into
        assert receiver is not None
        for taken in range(BURST):
            try:
                size, address = receive_into(buffer)
            except BlockingIOError:
                if not taken:
                    self._read_errors()  # what else can have woken us
                return
            except OSError:
                if self._socket.fileno() < 0:
                    return
                self._read_errors()  # which is what the error tells of
                self._watch_again()
                continue
            receiver.receive(bytes(buffer[:size]), self._source(address), self)
            if self._receiver is None:
                return

    def _source(self, address: tuple[str, int]) -> Hop:
        """Return who sent a datagram: one and the same for all of a peer, which makes it cheap to look up."""
        known = self._sources.get(address)
        if known is None:
            if len(self._sources) >= MOST_SOURCES:
                self._sources.clear()
            known = self._sources[address] = Hop("udp", address[0], address[1])
        return known

    def _read_errors(self) -> None:
        """Empty the socket's error queue; epoll would otherwise report it for ever."""
        if not HAS_ERROR_QUEUE:
            return
        has_errors = False
        for _ in range(BURST):
            try:
                _, ancillary, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            has_errors = True
            number = _icmp_error(ancillary)
            if number and address:
                self._fail_soon(Hop("udp", address[0], address[1]), number)
        if has_errors:
            self._watch_again()

    def _watch_again(self) -> None:
        """Ask the loop anew: libuv stops watching a socket for good once it has reported an error on it."""
        if self._receiver is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.add_reader(self._socket.fileno(), self._read)

    def _fail_soon(self, hop: Hop, number: int) -> None:
        """Tell in the loop's next turn: whoever is sending just now need not expect it."""
        self._loop.call_soon(self._tell_failure, hop, number)

    def _tell_failure(self, hop: Hop, number: int) -> None:
        if self._receiver is not None:
            is_final = number == errno.ECONNREFUSED
            self._receiver.destination_failed(hop, os.strerror(number), is_final=is_final)

    async def close(self) -> None:
        self._receiver = None
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()


def _ask_for_icmp_errors(bound: socket.socket) -> None:
    if not HAS_ERROR_QUEUE:
        return
    if bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def _icmp_error(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the errno that ICMP stands for, 0 for what is no news about a peer (a path's MTU)."""
    for _level, _kind, content in ancillary:
        if len(content) < EXTENDED_ERROR.size:
            continue
        number, origin, *_ = EXTENDED_ERROR.unpack_from(content)
        if origin in ORIGIN_ICMP and number != errno.EMSGSIZE:
            return int(number)
    return 0
