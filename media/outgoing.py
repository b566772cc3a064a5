"""What one receiver gets from us: one continuous RTP stream, whoever its sound comes from."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random
from typing import TypeAlias

from media.pacing import FRAME_SECONDS, MAX_CATCH_UP

Packet: TypeAlias = bytes | bytearray | memoryview
Send: TypeAlias = Callable[[Packet], object]

HEADER = struct.Struct("!BBHII")
unpack_header = HEADER.unpack_from
pack_header = HEADER.pack
pack_header_into = HEADER.pack_into
VERSION_2 = 0x80
MARKER = 0x80
CLOCK_HZ = 8000
"""RTP clock of PCMA, PCMU, telephone-event, and of G.722 by the old error that RFC 3551 §4.5.2 keeps."""
FRAME_BYTES = 160
"""Bytes of 20 ms, and RTP clock units too, in each of these codecs."""
_SILENT_TOO_LONG = (MAX_CATCH_UP + 0.5) * FRAME_SECONDS
"""Seconds after which a source that was not sending is put back on the wall clock."""


def discard(_packet: Packet) -> None:
    """Send nowhere: no address is known yet."""


class OutgoingStream:
    """SSRC, sequence numbers and timestamps toward one receiver (RFC 3550 §5.1).

    Prompts, music, digits and relayed audio take turns as `source`. Whenever it changes, sequence numbers go
    on by one and timestamps by the time that has passed, so that no jitter buffer ever starts anew.
    """

    __slots__ = (
        "is_taken",
        "octets",
        "packets",
        "send",
        "sent_at",
        "sequence",
        "source",
        "ssrc",
        "timestamp",
    )

    def __init__(self, random: Random) -> None:
        self.ssrc = random.getrandbits(32)
        self.sequence = random.getrandbits(16)
        self.timestamp = random.getrandbits(32)
        self.sent_at: float | None = None
        self.source: object = None
        self.is_taken = False
        """Whether something of our own is playing, so that relayed packets have to wait outside."""
        self.packets = 0
        self.octets = 0
        self.send: Send = discard

    @property
    def is_aimed(self) -> bool:
        """Whether it is known where to send to."""
        return self.send is not discard

    def restart(self, random: Random) -> None:
        """Go on as another SSRC, in the lower half of the sequence numbers.

        So nobody needs to know how often this stream has wrapped, who misses the first packets misses no
        roll-over with them, and no index of an SRTP key is ever used twice (RFC 3711 §3.3.1, §9.1).
        """
        self.ssrc = random.getrandbits(32)
        self.sequence = random.getrandbits(15)
        self.source = None

    def next_timestamp(self, now: float) -> int:
        """Return the timestamp of a packet that leaves ``now``, whoever sent the last one."""
        if self.sent_at is None:
            return self.timestamp
        frames = max(1, round((now - self.sent_at) / FRAME_SECONDS))
        return (self.timestamp + frames * FRAME_BYTES) & 0xFFFFFFFF

    def send_frame(self, payload_type: int, payload: bytes, *, source: object, now: float) -> None:
        """Send 20 ms of our own audio."""
        first = payload_type
        if self.source is source and self.sent_at is not None and now - self.sent_at < _SILENT_TOO_LONG:
            self.timestamp = (self.timestamp + FRAME_BYTES) & 0xFFFFFFFF
        else:
            self.timestamp = self.next_timestamp(now)
            self.source = source
            first |= MARKER
        # As send_packet does it, without the call: this is sent 50 times a second to every listener.
        self.sequence = sequence = (self.sequence + 1) & 0xFFFF
        self.sent_at = now
        self.packets += 1
        self.octets += FRAME_BYTES
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
