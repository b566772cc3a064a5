"""Packets that are relayed as they come, or recorded, by a few lines of C where a compiler has made them.

What nearly every packet needs takes as long in Python as the system takes for receiving and sending it.
``fastpath.c`` does the same in a twentieth. Without it all works as well, and costs more.

While a stream is on the fast path its numbers are, too: they are lent, and `Flow.settle` writes them back to
where all others look for them. Whoever reads or changes them calls that first. The next packet is then dealt
with in Python, which lends them again. Payloads for who listens (a recorder, a tape) wait here until
`Flow.deliver` is called, a few times a second.

Nobody hears at once what is only recorded: such packets stay with the system until `FastPath.sweep` is
called, which is cheaper by far than waking up for each. They count as having come when they did.
"""

from __future__ import annotations

import ctypes
import math
import select
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import ClassVar, Self

from media.flow import Flow
from media.incoming import WRAP
from media.outgoing import VERSION_2, OutgoingStream, Send
from media.relay import Relay

SOURCE, LIBRARY = (Path(__file__).with_name(name) for name in ("fastpath.c", "libfastpath.so"))
"""The latter: what ``make`` compiles of the former, if it can."""
MOST_EVENTS = 512
"""Sockets that are dealt with in one turn."""
MOST_ROUNDS = 64
"""Packets of a socket that are dealt with in one sweep; more than a second's are a flood, and can wait."""
MOST_UNREAD = 1024
"""More than wait in a socket whose owner was held up: a usual buffer holds fewer than 300."""
LARGEST_PACKET = 2048
"""More than any path carries unfragmented; what is longer arrives, and is sent on, cut."""
_NOT_LENT, _NOWHERE = -1, -2
"""In place of the socket that sends; the latter: the numbers are lent, and nobody hears the stream."""
_KEPT_BYTES = 4096
"""Room for 200 ms and more of any codec; what finds none is dealt with in Python at once."""
_KEPT = struct.Struct("@dII")


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
        ("kept", ctypes.c_void_p),
        ("kept_bytes", ctypes.c_uint32),
        ("kept_room", ctypes.c_uint32),
        ("kept_last", ctypes.c_uint32),
        ("joins", ctypes.c_uint32),
    ]


class Item(ctypes.Structure):
    """A socket that can be read and is left to Python, or a packet; ``struct item`` of ``fastpath.c``."""

    _fields_: ClassVar = [
        ("descriptor", ctypes.c_int32),
        ("size", ctypes.c_int32),
        ("at", ctypes.c_double),
    ]


class _Left:
    """Where a turn puts what it leaves to Python."""

    def __init__(self) -> None:
        self.items = (Item * MOST_EVENTS)()
        self.slots = bytearray(MOST_EVENTS * LARGEST_PACKET)
        self.memory = (ctypes.c_char * len(self.slots)).from_buffer(self.slots)
        self.number = ctypes.c_int()
        self.number_at = ctypes.byref(self.number)


class FastPath:
    """Streams by the descriptors of their sockets, and the turn that moves their packets."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.now: ctypes.c_double | None = None
        """The time; None: what the clock says."""
        self.since = ctypes.c_double(math.inf)
        """All that came before was read; what is read much later may have waited."""
        self._turn = library.fastpath_turn
        self._stamp = library.fastpath_stamp
        self._flows: dict[int, Flow] = {}
        self._kept: dict[int, ctypes.Array[ctypes.c_char]] = {}
        """Where payloads wait, of streams that somebody listens to."""
        self._late = select.epoll()
        """Sockets of streams that nobody hears."""
        self._streams = (Stream * 0)()
        self._left, self._left_by_sweep = _Left(), _Left()
        """Two, as a turn may bring orders, before which all that came has to be swept."""

    @classmethod
    def found(cls, path: Path = LIBRARY) -> Self | None:
        """Return the fast path, None where it was not compiled, or from other lines than these."""
        try:
            library = ctypes.CDLL(str(path))
            library.fastpath_source.restype = ctypes.c_uint32
            is_ours = library.fastpath_source() == zlib.crc32(SOURCE.read_bytes())
        except (OSError, AttributeError):
            return None
        return cls(library) if is_ours else None

    def add(self, descriptor: int, flow: Flow) -> bool:
        """Move the packets of ``flow``, which come to that socket, as soon as its numbers can be lent.

        Return whether `sweep` reads all of them, so that nobody else has to: nobody hears the stream.
        """
        if descriptor >= len(self._streams):
            self._grow(2 * descriptor + 1)
        self._flows[descriptor] = flow
        flow.descriptor = descriptor
        if flow.listen is not None:
            self._kept[descriptor] = (ctypes.c_char * _KEPT_BYTES)()
        if flow.relay is None:
            self._stamp(descriptor, True)
            self._late.register(descriptor, select.EPOLLIN)
        return flow.relay is None

    def _grow(self, size: int) -> None:
        was, self._streams = self._streams, (Stream * size)()
        ctypes.memmove(self._streams, was, ctypes.sizeof(was))
        for stream in self._streams[len(was) :]:
            stream.out = _NOT_LENT

    def remove(self, descriptor: int) -> None:
        """Give back the numbers of a stream, and move it no more; it need not be one."""
        flow = self._flows.pop(descriptor, None)
        if flow is not None:
            if flow.relay is None:
                self._late.unregister(descriptor)
                self._stamp(descriptor, False)
            flow.settle()
            if descriptor not in self._flows:
                self._kept.pop(descriptor, None)

    def turn(
        self, poll: int, seconds: float | None, read: Callable[[int], None], tell: Callable[[], None]
    ) -> int:
        """Wait until a socket of ``poll`` can be read, at most ``seconds``; return how many could.

        ``read`` is called for each that is not on the fast path; ``tell`` where an error is being handled
        that must not silence other streams.
        """
        milliseconds = -1 if seconds is None else math.ceil(seconds * 1000)
        ready = self._move(self._left, poll, milliseconds, is_late=False)
        self._take_left(self._left, read, tell)
        return max(0, ready)

    def sweep(self, tell: Callable[[], None], *, rounds: int = MOST_ROUNDS) -> None:
        """Deal with what came of streams that nobody hears; for ``tell`` see `turn`."""
        left, poll = self._left_by_sweep, self._late.fileno()
        for _ in range(rounds):
            if self._move(left, poll, 0, is_late=True) <= 0:
                break
            self._take_left(left, _pass_over, tell)

    def _move(self, left: _Left, poll: int, milliseconds: int, *, is_late: bool) -> int:
        ready: int = self._turn(
            poll,
            milliseconds,
            is_late,
            self._streams,
            len(self._streams),
            left.items,
            left.memory,
            LARGEST_PACKET,
            MOST_EVENTS,
            left.number_at,
            None if self.now is None else ctypes.byref(self.now),
            self.since,
        )
        return ready

    def _take_left(self, left: _Left, read: Callable[[int], None], tell: Callable[[], None]) -> None:
        """Deal with what is left to Python."""
        number = left.number.value
        if not number:
            return
        items = left.items
        # One may end the stream of another, whose packet is not lost by that.
        flows = [self._flows.get(items[index].descriptor) for index in range(number)] if number > 1 else None
        for index in range(number):
            item = items[index]
            descriptor = item.descriptor
            try:
                if item.size < 0:
                    read(descriptor)
                else:
                    flow = self._flows.get(descriptor) if flows is None else flows[index]
                    self._take_news(flow, left.slots, index * LARGEST_PACKET, item)
            except Exception:  # noqa: BLE001 - one packet must not silence all other calls
                tell()
            self._lend(descriptor)

    def _take_news(self, flow: Flow | None, slots: bytearray, begin: int, item: Item) -> None:
        """Let the leg look at a packet."""
        if flow is not None:
            flow.settle()
            flow.otherwise(slots[begin : begin + LARGEST_PACKET], item.size, None, item.at)

    # Numbers

    def _lend(self, descriptor: int) -> None:
        """Take the numbers of a stream here, unless its next packet is to be looked at in any case."""
        flow = self._flows.get(descriptor)
        if flow is None or self._streams[descriptor].out != _NOT_LENT:
            return
        sends = _NOWHERE if flow.relay is None else _sends(flow.relay, flow)
        sequence, ssrc, sequence_offset, timestamp_offset = flow.position()
        if sends == _NOT_LENT or sequence >= WRAP:
            return
        incoming, kept = flow.incoming, self._kept.get(descriptor)
        self._streams[descriptor] = Stream(
            out=sends,
            ssrc=ssrc,
            sent_ssrc=0 if flow.relay is None else flow.relay.out.ssrc,
            ticks_offset=timestamp_offset,
            head=VERSION_2 << 8 | flow.usual_type,
            sent_head=VERSION_2 << 8 | flow.sent_type,
            sequence=sequence,
            sequence_offset=sequence_offset,
            clock_hz=incoming.clock_hz,
            transit=incoming.transit,
            jitter=incoming.jitter_ticks,
            kept=None if kept is None else ctypes.addressof(kept),
            kept_room=0 if kept is None else _KEPT_BYTES,
            joins=flow.joins,
        )
        flow.borrower = self
        if flow.relay is not None:
            flow.relay.out.lent_to = flow

    def settle(self, flow: Flow) -> None:
        """Give the numbers of a stream back, and what was kept of it."""
        stream, incoming = self._streams[flow.descriptor], flow.incoming
        stream.out = _NOT_LENT
        flow.borrower = None
        flow.look_again()
        if stream.packets:
            incoming.transit, incoming.jitter_ticks = stream.transit, stream.jitter
            incoming.heard_at = stream.heard_at
            incoming.received += stream.packets
            incoming.highest = (stream.sequence - 1) & 0xFFFF
        if flow.relay is not None:
            _settle_out(flow.relay.out, stream)
        self.deliver(flow)

    def deliver(self, flow: Flow) -> None:
        """Give what was kept of a stream to who listens."""
        stream, kept = self._streams[flow.descriptor], self._kept.get(flow.descriptor)
        if kept is None or flow.listen is None or not stream.kept_bytes:
            return
        content, at, stream.kept_bytes = ctypes.string_at(kept, stream.kept_bytes), 0, 0
        listen, ssrc = flow.listen, stream.ssrc
        while at < len(content):
            now, ticks, size = _KEPT.unpack_from(content, at)
            begin = at + _KEPT.size
            listen(content[begin : begin + size], ticks, ssrc, now)
            at = begin + (size + 7 & ~7)


def _pass_over(_descriptor: int) -> None:
    """Read nothing: all that is late was read."""


def _settle_out(out: OutgoingStream, stream: Stream) -> None:
    out.lent_to = None
    if stream.packets:
        out.sent_at = stream.heard_at
        out.sequence = (stream.sequence - 1 + stream.sequence_offset) & 0xFFFF
        out.timestamp = (stream.ticks + stream.ticks_offset) & 0xFFFF_FFFF
        out.packets += stream.packets
        out.octets += stream.octets


def _sends(relay: Relay, flow: Flow) -> int:
    """Return the socket by which ``relay`` alone sends, and always; `_NOT_LENT` where that is not so."""
    out = relay.out
    sends = _connected(out.send)
    if sends is None or out.source is not relay or out.is_taken or not flow.is_alone:
        return _NOT_LENT
    return sends.fileno()


def _connected(send: Send) -> socket | None:
    """Return the socket that ``send`` is, None where it is more than that."""
    owner = getattr(send, "__self__", None)
    return owner if isinstance(owner, socket) and send == owner.send else None
