"""When packets arrived, as the kernel stamped them: no process of ours needs to be awake for it (Linux)."""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Iterator, Sequence

SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>: not in the socket module
TIMESPEC = struct.Struct("@qq")
PACKET_BYTES = 2048
ROOM_BYTES = 1 << 20


def stamp(sockets: Sequence[socket.socket]) -> None:
    """Let the kernel stamp what comes, and keep it until it is read."""
    for udp in sockets:
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)


def received(udp: socket.socket) -> Iterator[tuple[float, bytes]]:
    """Take all that came; yield when, in seconds, and what."""
    while True:
        try:
            packet, ancillary, _, _ = udp.recvmsg(PACKET_BYTES, 256)
        except BlockingIOError:
            return
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = TIMESPEC.unpack(content)
                yield seconds + nanoseconds / 1e9, packet


def p99_ms(sockets: Sequence[socket.socket], *, skip: int) -> float:
    """Take all that came and return the 99th percentile of the time between two packets of one stream.

    The first ``skip`` packets of each stream, from before the measurement, do not count.
    """
    gaps: list[float] = []
    for udp in sockets:
        moments = [at for at, _ in received(udp)][skip:]
        gaps += [later - earlier for earlier, later in itertools.pairwise(moments)]
    return 1000 * sorted(gaps)[int(len(gaps) * 0.99)]
