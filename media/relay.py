"""Packets of one leg to another, rewritten so that the receiver sees one continuous stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from media.outgoing import HEADER, MARKER, VERSION_2, OutgoingStream, pack_header_into

HEADER_BYTES = HEADER.size
MAX_JUMP = 500
"""Sequence numbers that a source may leap; beyond it has started anew (RFC 3550 appendix A.1 has 3000)."""

Convert: TypeAlias = Callable[[bytes], bytes]
Route: TypeAlias = tuple[int, Convert | None]
"""Payload type to send under, and how the payload is changed, if at all."""
Header: TypeAlias = tuple[int, int, int, int, int]
"""The fields of HEADER: first byte, marker and payload type, sequence, timestamp, SSRC."""
Take: TypeAlias = Callable[[Header, bytearray, int, float], None]
"""Takes a packet with its header and size, and the time."""


class Relay:
    """Forwards what arrives on one leg into the stream of another."""

    __slots__ = (
        "_begins",
        "_foreign",
        "_routes",
        "_sent_before",
        "out",
        "sequence_offset",
        "ssrc",
        "timestamp_offset",
    )

    def __init__(
        self, out: OutgoingStream, routes: Mapping[int, Route], *, foreign: Take | None = None
    ) -> None:
        """Forward into ``out`` each payload type that ``routes`` knows; give others to ``foreign``."""
        self.out = out
        """Where to."""
        self._foreign = foreign
        self._routes = routes
        self.ssrc = -1
        """Of the stream that is forwarded; -1: none is yet."""
        self.sequence_offset = 0
        """What is added to sequence numbers since the stream was joined."""
        self.timestamp_offset = 0
        """The same of timestamps."""
        self._begins = self._sent_before = 0
        """As what number the stream was joined, and after how many packets to who hears it."""

    def forward(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        """Send on an RTP packet without CSRC, extension and padding; ``packet`` is changed in place."""
        _, second, sequence, timestamp, ssrc = header
        route = self._routes.get(second & 0x7F)
        out = self.out
        if route is None or out.is_taken:
            if route is None:
                self._pass_over(header, packet, size, now)
            return
        marker = second & MARKER
        new_sequence = (sequence + self.sequence_offset) & 0xFFFF
        ahead = (new_sequence - out.sequence) & 0xFFFF
        if out.source is not self or ssrc != self.ssrc or MAX_JUMP < ahead < 0x10000 - MAX_JUMP:
            if out.is_ahead(now):
                return
            self._join(sequence, timestamp, ssrc, now)
            new_sequence = (sequence + self.sequence_offset) & 0xFFFF
            ahead = 1
            marker = MARKER
        new_timestamp = (timestamp + self.timestamp_offset) & 0xFFFFFFFF
        if ahead <= MAX_JUMP:
            out.sequence = new_sequence
            out.timestamp = new_timestamp
            out.sent_at = now
        elif self._is_from_before(new_sequence):
            return
        out.packets += 1
        out.octets += size - HEADER_BYTES
        payload_type, convert = route
        pack_header_into(packet, 0, VERSION_2, marker | payload_type, new_sequence, new_timestamp, out.ssrc)
        try:
            if convert is None:
                out.send(packet[:size])
            else:
                out.send(packet[:HEADER_BYTES] + convert(bytes(packet[HEADER_BYTES:size])))
        except OSError:
            return

    def _pass_over(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        if self._foreign is not None:
            self._foreign(header, packet, size, now)
        else:
            self.leave_out(header[2], header[4])

    def _is_from_before(self, new_sequence: int) -> bool:
        """Return whether a late packet left before its stream was joined: its number is another packet's."""
        is_new = self.out.packets - self._sent_before < MAX_JUMP
        return is_new and (new_sequence - self._begins) & 0xFFFF >= 0x8000

    def leave_out(self, sequence: int, ssrc: int) -> None:
        """Let the next packet follow as if this one, which the listener does not get, never was.

        It would take it for lost.
        """
        follows = (self.out.sequence + 1 - self.sequence_offset) & 0xFFFF
        if self.out.source is self and ssrc == self.ssrc and sequence == follows:
            self.sequence_offset = (self.sequence_offset - 1) & 0xFFFF

    def unchanged(self, payload_type: int) -> int | None:
        """Return what packets of ``payload_type`` are sent as; None: not at all, or not as they come."""
        sent_as, convert = self._routes.get(payload_type, (0, bytes))
        return sent_as if convert is None else None

    def _join(self, sequence: int, timestamp: int, ssrc: int, now: float) -> None:
        """Let this packet follow, in number and in time, the last one that was sent."""
        out = self.out
        self.ssrc = ssrc
        self._begins = (out.sequence + 1) & 0xFFFF
        self._sent_before = out.packets
        self.sequence_offset = (self._begins - sequence) & 0xFFFF
        self.timestamp_offset = (out.take_over(self, now) - timestamp) & 0xFFFFFFFF
