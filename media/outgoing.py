"""What one receiver gets from us: one continuous RTP stream, whoever its sound comes from."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import gcd
from random import Random
from typing import Protocol, TypeAlias

from media.encoding import USUAL_CLOCK_HZ, Encoding, clock_rate_hz
from media.pacing import FRAME_SECONDS, MAX_CATCH_UP_S

Packet: TypeAlias = bytes | bytearray | memoryview
Send: TypeAlias = Callable[[Packet], object]

HEADER = struct.Struct("!BBHII")
unpack_header = HEADER.unpack_from
pack_header = HEADER.pack
pack_header_into = HEADER.pack_into
VERSION_2 = 0x80
MARKER = 0x80
_SILENT_TOO_LONG = MAX_CATCH_UP_S + 0.5 * FRAME_SECONDS
"""Seconds after which a source that was not sending is put back on the wall clock."""
LONGEST_LEAD_S = FRAME_SECONDS
"""By which timestamps may run ahead of the clock: who takes over within a packet of another comes after."""


def discard(_packet: Packet) -> None:
    """Send nowhere: no address is known yet."""


def to_each(sends: Sequence[Send]) -> Send:
    """Return what sends by all of ``sends``."""

    def send(packet: Packet) -> None:
        for each in sends:
            each(packet)

    return sends[0] if len(sends) == 1 else send


class Relayed(Protocol):
    """The stream of another leg that is relayed here (`media.flow`)."""

    def settle(self) -> None:
        """Have its numbers, and those of who hears it, where everybody looks for them."""


class OutgoingStream:
    """SSRC, sequence numbers and timestamps toward one receiver (RFC 3550 §5.1).

    Prompts, music, digits and relayed audio take turns as `source`. Whenever it changes, sequence numbers go
    on by one and timestamps by the time that has passed, so that no jitter buffer ever starts anew.
    """

    __slots__ = (
        "before",
        "clock_hz",
        "frame_ticks",
        "is_taken",
        "lead_s",
        "lent_to",
        "octets",
        "packets",
        "send",
        "sent_at",
        "sequence",
        "source",
        "ssrc",
        "step_s",
        "timestamp",
    )

    def __init__(self, random: Random) -> None:
        self.ssrc = random.getrandbits(32)
        self.sequence = random.getrandbits(16)
        self.timestamp = random.getrandbits(32)
        self.sent_at: float | None = None
        self.lead_s = 0.0
        """By how much the sources that took over so far have put timestamps before the clock."""
        self.source: object = None
        self.is_taken = False
        """Whether something of our own is playing, so that relayed packets have to wait outside."""
        self.packets = 0
        self.octets = 0
        self.before = 0, 0
        """Packets and octets of those that went out under other SSRCs than the present one."""
        self.clock_hz = USUAL_CLOCK_HZ
        """Ticks per second of the timestamps."""
        self.frame_ticks = USUAL_CLOCK_HZ // 50
        """Ticks of one packet of ours."""
        self.step_s = FRAME_SECONDS
        """Of which packets, ours and others', are whole multiples."""
        self.send: Send = discard
        self.lent_to: Relayed | None = None
        """Whose packets have the numbers of this stream for now (`media.fastpath`)."""

    @property
    def is_aimed(self) -> bool:
        """Whether it is known where to send to."""
        return self.send is not discard

    def settle(self) -> None:
        """Have all numbers here; to be called by whoever reads or changes any of them."""
        if self.lent_to is not None:
            self.lent_to.settle()

    def close(self) -> None:
        """Send nowhere any more."""
        self.settle()
        self.send, self.source = discard, None

    def restart(self, random: Random) -> None:
        """Go on as another SSRC, in the lower half of the sequence numbers.

        So nobody needs to know how often this stream has wrapped, who misses the first packets misses no
        roll-over with them, and no index of an SRTP key is ever used twice (RFC 3711 §3.3.1, §9.1).
        """
        self.settle()
        self.before = self.packets, self.octets
        self.ssrc = random.getrandbits(32)
        self.sequence = random.getrandbits(15)
        self.lead_s = 0.0
        self.source = None

    def take_encoding(self, encoding: Encoding, random: Random) -> None:
        """Send packets as ``encoding`` says; on another clock as another stream (RFC 7160 §4.1)."""
        self.settle()
        clock_hz = clock_rate_hz(encoding.codec)
        if clock_hz != self.clock_hz and self.sent_at is not None:
            self.restart(random)
        self.clock_hz = clock_hz
        self.frame_ticks = encoding.ptime_ms * clock_hz // 1000
        self.step_s = gcd(encoding.ptime_ms, 20) / 1000

    def is_ahead(self, now: float) -> bool:
        """Return whether a source that would take over ``now`` has to leave out a packet.

        Each takes over a little early, and all of them together would put every listener behind.
        """
        return self.sent_at is not None and self.lead_s + self.step_s > now - self.sent_at + LONGEST_LEAD_S

    def take_over(self, source: object, now: float) -> int:
        """Let ``source`` send from ``now`` on; return the timestamp of its first packet."""
        self.source = source
        if self.sent_at is None:
            return self.timestamp
        elapsed = now - self.sent_at
        steps = max(1, round((elapsed - self.lead_s) / self.step_s))
        self.lead_s = min(self.lead_s + steps * self.step_s - elapsed, MAX_CATCH_UP_S)
        return (self.timestamp + steps * round(self.step_s * self.clock_hz)) & 0xFFFFFFFF

    def pause(self, source: object) -> None:
        """Let what ``source`` sends next bear the time at which it does: it has nothing to send now.

        Frames that are only late, since this process got no processor, are counted on.
        """
        if self.source is source:
            self.source = None

    def send_frame(self, payload_type: int, payload: bytes, *, source: object, now: float) -> None:
        """Send one packet of our own audio."""
        first = payload_type
        if self.source is source and self.sent_at is not None and now - self.sent_at < _SILENT_TOO_LONG:
            self.timestamp = (self.timestamp + self.frame_ticks) & 0xFFFFFFFF
        elif self.is_ahead(now):
            return
        else:
            self.timestamp = self.take_over(source, now)
            first |= MARKER
        # As send_packet does it, without the call: this is sent 50 times a second to every listener.
        self.sequence = sequence = (self.sequence + 1) & 0xFFFF
        self.sent_at = now
        self.packets += 1
        self.octets += len(payload)
        try:
            self.send(pack_header(VERSION_2, first, sequence, self.timestamp, self.ssrc) + payload)
        except OSError:
            return

    def send_packet(self, marker_and_type: int, payload: bytes, *, timestamp: int, now: float) -> None:
        """Send one packet with the next sequence number; one that the network refuses is lost."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.sent_at = now
        self.packets += 1
        self.octets += len(payload)
        try:
            self.send(pack_header(VERSION_2, marker_and_type, self.sequence, timestamp, self.ssrc) + payload)
        except OSError:
            return
