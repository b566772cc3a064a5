"""Packets that are relayed as they come, by a few lines of C where a compiler has made them.

What `Flow.reader` does for nearly every packet takes as long in Python as the system takes for receiving and
sending it. ``fastpath.c`` does the same in a twentieth. Without it all works as well, and costs more.

While a stream is on the fast path its numbers are, too: they are lent, and `Flow.settle` writes them back to
where all others look for them. Whoever reads or changes them calls that first. The next packet is then dealt
with in Python, which lends them again.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from socket import socket
from time import monotonic
from typing import ClassVar, Self

from media.flow import Flow
from media.incoming import WRAP
from media.outgoing import VERSION_2, Send, settled

LIBRARY = Path(__file__).with_name("libfastpath.so")
"""What ``make`` compiles of ``fastpath.c``, if it can."""
MOST_EVENTS = 512
"""Sockets that are dealt with in one turn."""
LARGEST_PACKET = 2048
"""More than any path carries unfragmented; what is longer arrives cut and is malformed."""
_NOBODY = -1


class Stream(ctypes.Structure):
    """Numbers of a stream while they are lent; ``struct stream`` of ``fastpath.c``."""

    _fields_: ClassVar = [
        ("out", ctypes.c_int32),
        ("ssrc", ctypes.c_uint32),
        ("sent_ssrc", ctypes.c_uint32),
        ("ticks", ctypes.c_uint32),
        ("ticks_offset", ctypes.c_uint32),
        ("head", ctypes.c_uint16),
        ("sent_head", ctypes.c_uint16),
        ("sequence", ctypes.c_uint16),
        ("sequence_offset", ctypes.c_uint16),
        ("packets", ctypes.c_uint64),
        ("octets", ctypes.c_uint64),
        ("clock_hz", ctypes.c_double),
        ("transit", ctypes.c_double),
        ("jitter", ctypes.c_double),
        ("heard_at", ctypes.c_double),
    ]


class Item(ctypes.Structure):
    """A socket that can be read and is left to Python, or a packet; ``struct item`` of ``fastpath.c``."""

    _fields_: ClassVar = [("descriptor", ctypes.c_int32), ("size", ctypes.c_int32)]


class FastPath:
    """Streams by the descriptors of their sockets, and the turn that moves their packets."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.now: ctypes.c_double | None = None
        """The time; None: what the clock says."""
        self._turn = library.fastpath_turn
        self._flows: dict[int, Flow] = {}
        self._streams = (Stream * 0)()
        self._items = (Item * MOST_EVENTS)()
        self._slots = bytearray(MOST_EVENTS * LARGEST_PACKET)
        self._memory = (ctypes.c_char * len(self._slots)).from_buffer(self._slots)
        self._left = ctypes.c_int()
        self._left_at = ctypes.byref(self._left)

    @classmethod
    def found(cls, path: Path = LIBRARY) -> Self | None:
        """Return the fast path, None where it was not compiled, or from other lines than these."""
        try:
            library = ctypes.CDLL(str(path))
            sizes = library.fastpath_sizes()
        except (OSError, AttributeError):
            return None
        return cls(library) if sizes == ctypes.sizeof(Stream) * 1000 + ctypes.sizeof(Item) else None

    def add(self, descriptor: int, flow: Flow) -> None:
        """Move the packets of ``flow``, which come to that socket, as soon as its numbers can be lent."""
        if descriptor >= len(self._streams):
            self._grow(2 * descriptor + 1)
        self._flows[descriptor] = flow

    def _grow(self, size: int) -> None:
        was, self._streams = self._streams, (Stream * size)()
        ctypes.memmove(self._streams, was, ctypes.sizeof(was))
        for stream in self._streams[len(was) :]:
            stream.out = _NOBODY

    def remove(self, descriptor: int) -> None:
        """Give back the numbers of a stream, and move it no more; it need not be one."""
        if descriptor in self._flows:
            self._settle(descriptor)
            del self._flows[descriptor]

    def turn(
        self, poll: int, seconds: float | None, read: Callable[[int], None], tell: Callable[[], None]
    ) -> int:
        """Wait until a socket of ``poll`` can be read, at most ``seconds``; return how many could.

        ``read`` is called for each that is not on the fast path; ``tell`` where an error is being handled
        that must not silence other streams.
        """
        milliseconds = -1 if seconds is None else math.ceil(seconds * 1000)
        ready: int = self._turn(
            poll,
            milliseconds,
            self._streams,
            len(self._streams),
            self._items,
            self._memory,
            LARGEST_PACKET,
            MOST_EVENTS,
            self._left_at,
            None if self.now is None else ctypes.byref(self.now),
        )
        now = monotonic() if self.now is None else self.now.value
        for index in range(self._left.value):
            descriptor, size = self._items[index].descriptor, self._items[index].size
            try:
                if size < 0:
                    read(descriptor)
                else:
                    self._take_news(descriptor, index, size, now)
            except Exception:  # noqa: BLE001 - one packet must not silence all other calls
                tell()
            self._lend(descriptor)
        return max(0, ready)

    def _take_news(self, descriptor: int, index: int, size: int, now: float) -> None:
        """Let the leg look at a packet, unless an earlier one of this turn has ended its stream."""
        flow = self._flows.get(descriptor)
        if flow is not None:
            flow.settle()
            begin = index * LARGEST_PACKET
            flow.otherwise(self._slots[begin : begin + LARGEST_PACKET], size, None, now)

    # Numbers

    def _lend(self, descriptor: int) -> None:
        """Take the numbers of a stream here, unless its next packet is to be looked at in any case."""
        flow = self._flows.get(descriptor)
        if flow is None or self._streams[descriptor].out != _NOBODY:
            return
        relay, incoming, out = flow.relay, flow.incoming, flow.relay.out
        sends = _connected(out.send)
        if sends is None or out.source is not relay or out.is_taken or not flow.is_alone():
            return
        sequence, ssrc, sequence_offset, timestamp_offset = flow.position()
        if sequence >= WRAP:
            return
        self._streams[descriptor] = Stream(
            sends.fileno(),
            ssrc,
            out.ssrc,
            out.timestamp,
            timestamp_offset,
            VERSION_2 << 8 | flow.usual_type,
            VERSION_2 << 8 | flow.sent_type,
            sequence,
            sequence_offset,
            0,
            0,
            incoming.clock_hz,
            incoming.transit,
            incoming.jitter_ticks,
            0.0,
        )
        flow.settle = out.settle = partial(self._settle, descriptor)

    def _settle(self, descriptor: int) -> None:
        """Give the numbers of a stream back."""
        stream, flow = self._streams[descriptor], self._flows[descriptor]
        if stream.out == _NOBODY:
            return
        incoming, out = flow.incoming, flow.relay.out
        stream.out = _NOBODY
        flow.settle = out.settle = settled
        flow.look_again()
        if not stream.packets:
            return
        incoming.transit, incoming.jitter_ticks = stream.transit, stream.jitter
        incoming.heard_at = out.sent_at = stream.heard_at
        incoming.received += stream.packets
        incoming.highest = (stream.sequence - 1) & 0xFFFF
        out.sequence = (incoming.highest + stream.sequence_offset) & 0xFFFF
        out.timestamp = (stream.ticks + stream.ticks_offset) & 0xFFFF_FFFF
        out.packets += stream.packets
        out.octets += stream.octets


def _connected(send: Send) -> socket | None:
    """Return the socket that ``send`` is, None where it is more than that."""
    owner = getattr(send, "__self__", None)
    return owner if isinstance(owner, socket) and send == owner.send else None
