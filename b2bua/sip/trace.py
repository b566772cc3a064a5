"""A ring buffer of the SIP messages of the latest calls, for whoever has to find out what went wrong."""

from __future__ import annotations

import re
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from dataclasses import dataclass
from operator import attrgetter

from b2bua.sip.transport.hop import Hop, Receiver, Transport

MOST_BYTES = 16 << 20
MOST_BYTES_OF_DIALOG = 256 << 10
"""What comes beyond that is not kept: a peer that repeats itself for hours pushes out nobody else's call."""
MOST_CALLS = 10_000
QUIET_S = 1.0
"""What came before is packed once nothing has come for so long, unless the call is over and soon written."""
CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
USUAL = b"\nCall-ID: "


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """One message as it was on the wire."""

    at: float
    """Unix time."""
    is_sent: bool
    """By us."""
    local: Hop
    """Our side."""
    remote: Hop
    """The peer."""
    wire: bytes
    """The whole message."""


class _Packed:
    """Messages that are hardly looked at before their call is over: a fifth of what they were."""

    __slots__ = ("_hops", "_zipped")
    _HEAD = struct.Struct("<d?BBI")

    def __init__(self, messages: list[TracedMessage]) -> None:
        self._hops = tuple(dict.fromkeys([hop for one in messages for hop in (one.local, one.remote)]))
        at, parts = self._hops.index, list[bytes]()
        for one in messages:
            head = self._HEAD.pack(one.at, one.is_sent, at(one.local), at(one.remote), len(one.wire))
            parts += (head, one.wire)
        self._zipped = zlib.compress(b"".join(parts), 1)

    def messages(self) -> Iterator[TracedMessage]:
        """Yield them as they were."""
        content, start = zlib.decompress(self._zipped), 0
        while start < len(content):
            at, is_sent, local, remote, size = self._HEAD.unpack_from(content, start)
            start += self._HEAD.size + size
            wire = content[start - size : start]
            yield TracedMessage(at, is_sent, self._hops[local], self._hops[remote], wire)


class _Dialog:
    __slots__ = ("calls", "is_over", "latest", "packed", "size")

    def __init__(self) -> None:
        self.packed: list[_Packed] = []
        self.latest: list[TracedMessage] = []
        self.size = 0
        self.calls = 0
        """How many calls it is part of."""
        self.is_over = False
        """Whether they have all ended, so that it is not worth while to pack what still comes."""

    def pack(self) -> None:
        """Take less room: nothing has come for a while."""
        if self.latest and len({one.remote for one in self.latest}) < _MOST_HOPS:
            self.packed.append(_Packed(self.latest))
            self.latest = []

    def messages(self) -> Iterator[TracedMessage]:
        """Yield all messages in their order."""
        for packed in self.packed:
            yield from packed.messages()
        yield from self.latest


_MOST_HOPS = 100
"""A dialog with more peers than a byte can number stays as it is."""


class Following:
    """``with`` block in which all is part of one call."""

    __slots__ = ("_at_end", "_call", "_call_id", "_token", "_trace")

    def __init__(self, trace: Trace, call: str, call_id: str, at_end: Callable[[str], None] | None) -> None:
        self._trace = trace
        self._call = call
        self._call_id = call_id
        self._at_end = at_end

    def __enter__(self) -> None:
        self._token = self._trace.begin(self._call, self._call_id)

    def __exit__(self, *_: object) -> None:
        self._trace.end(self._call, self._token)
        if self._at_end is not None:
            self._at_end(self._call)


class Trace:
    """Keeps messages by their Call-ID, from the INVITE on, and knows which Call-IDs make up one call.

    An INVITE that is sent by the task of a call, or by a task which that one started, belongs to the call.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.time) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._size = 0
        self._dialogs: OrderedDict[bytes, _Dialog] = OrderedDict()
        self._loose: OrderedDict[bytes, float] = OrderedDict()
        """When something came last of those that are not packed, the quietest first."""
        self._calls: OrderedDict[str, list[bytes]] = OrderedDict()
        self._current: ContextVar[list[bytes] | None] = ContextVar("call whose SIP this is", default=None)

    def note(self, wire: bytes, *, is_sent: bool, local: Hop, remote: Hop) -> None:
        """Keep one message of a call; anything else passes by."""
        key = _call_id(wire)
        dialog = self._dialogs.get(key)
        if dialog is None:
            if not wire.startswith(b"INVITE ") or not key:
                return
            dialog = self._begin(key, is_sent=is_sent)
        else:
            self._dialogs.move_to_end(key)
        if dialog.size + len(wire) > MOST_BYTES_OF_DIALOG:
            return
        now = self._clock()
        if not dialog.is_over:
            self._loose[key] = now
            self._loose.move_to_end(key)
        dialog.latest.append(TracedMessage(now, is_sent, local, remote, wire))
        dialog.size += len(wire)
        self._size += len(wire)
        while self._size > self._most_bytes:
            self._size -= self._dialogs.popitem(last=False)[1].size
        self._pack_quietest(now)

    def _pack_quietest(self, now: float) -> None:
        """Pack one dialog at most, as this is done with each message."""
        key = next(iter(self._loose), None)
        if key is None or now - QUIET_S < self._loose[key] <= now:
            return  # not where somebody has set the clock
        del self._loose[key]
        if key in self._dialogs:
            self._dialogs[key].pack()

    def _begin(self, key: bytes, *, is_sent: bool) -> _Dialog:
        dialog = self._dialogs[key] = _Dialog()
        call = self._current.get()
        if is_sent and call is not None:
            self._count(key, call)
        return dialog

    def following(self, call: str, call_id: str, *, at_end: Callable[[str], None] | None = None) -> Following:
        """Return a block in which all is part of ``call``; ``call_id`` is its caller's Call-ID.

        ``at_end`` is told of ``call`` when the block is left.
        """
        return Following(self, call, call_id, at_end)

    def begin(self, call: str, call_id: str) -> Token[list[bytes] | None]:
        """Count what the running task does as part of ``call``, until `end`."""
        keys: list[bytes] = []
        self._calls[call] = keys
        self._count(_key(call_id), keys)
        if len(self._calls) > MOST_CALLS:
            self._calls.popitem(last=False)
        return self._current.set(keys)

    def end(self, call: str, token: Token[list[bytes] | None]) -> None:
        """Count it so no more: the call is over."""
        self._current.reset(token)
        for key in self._calls.get(call, ()):
            dialog = self._dialogs.get(key)
            if dialog is not None and dialog.calls <= 1:
                dialog.is_over = True
                self._loose.pop(key, None)

    def also(self, call: str, call_id: str) -> None:
        """Count that Call-ID as part of ``call`` too: somebody who called us themselves joined it."""
        keys, key = self._calls.get(call), _key(call_id)
        if keys is not None and key not in keys:
            self._count(key, keys)

    def _count(self, key: bytes, keys: list[bytes]) -> None:
        """Add a dialog to the ones of a call."""
        keys.append(key)
        if key in self._dialogs:
            self._dialogs[key].calls += 1

    def take(self, call: str) -> tuple[TracedMessage, ...]:
        """Return the messages of a call in the order of their time, and forget what no other call needs."""
        messages: list[TracedMessage] = []
        for key in self._calls.pop(call, ()):
            dialog = self._dialogs.get(key)
            if dialog is None:
                continue
            messages += dialog.messages()
            dialog.calls -= 1
            if dialog.calls <= 0:
                del self._dialogs[key]
                self._loose.pop(key, None)
                self._size -= dialog.size
        return tuple(sorted(messages, key=attrgetter("at")))


class TracedTransport:
    """A transport whose messages are noted on their way."""

    def __init__(self, transport: Transport, trace: Trace) -> None:
        self._transport = transport
        self._trace = trace
        self._receiver: Receiver | None = None
        self.local = transport.local
        self.advertised = transport.advertised
        self.give_up = transport.give_up
        self.is_connected = transport.is_connected
        self.close = transport.close

    def attach(self, receiver: Receiver) -> None:
        """Start receiving."""
        self._receiver = receiver
        self._transport.attach(self)

    def send(self, wire: bytes, hop: Hop) -> None:
        """Note and send."""
        self._trace.note(wire, is_sent=True, local=self.local, remote=hop)
        self._transport.send(wire, hop)

    def receive(self, wire: bytes, source: Hop, transport: Transport) -> None:  # noqa: ARG002 - it is the one within
        """Note and hand on."""
        self._trace.note(wire, is_sent=False, local=self.local, remote=source)
        assert self._receiver is not None
        self._receiver.receive(wire, source, self)

    def destination_failed(self, hop: Hop, why: str, *, is_final: bool = True) -> None:
        """Hand on."""
        assert self._receiver is not None
        self._receiver.destination_failed(hop, why, is_final=is_final)


def _key(call_id: str) -> bytes:
    """Return a Call-ID as it was on the wire: some peers send bytes in it that are no UTF-8."""
    return call_id.encode("utf-8", "surrogateescape")


def _call_id(wire: bytes) -> bytes:
    """Return the Call-ID, without reading the message; empty when there is none."""
    start = wire.find(USUAL)
    if start >= 0:
        start += len(USUAL)
        return wire[start : wire.find(b"\r", start)].strip()
    found = CALL_ID.search(wire)
    return found[1].strip() if found is not None else b""
