"""RTP and RTCP packets, and the arithmetic of numbers that wrap (RFC 3550)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from media.errors import MalformedMedia

VERSION = 2
HEADER_BYTES = 12

_HEADER = struct.Struct("!BBHII")
_RTCP_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_SENDER_REPORT, _RECEIVER_REPORT, _SOURCE_DESCRIPTION, _GOODBYE = 200, 201, 202, 203
_CNAME = 1


def sequence_delta(later: int, earlier: int) -> int:
    """Return how many packets ``later`` is ahead of ``earlier``, -32768 to 32767, whatever wrapped."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_delta(later: int, earlier: int) -> int:
    """Return how many clock ticks ``later`` is ahead of ``earlier``, signed, whatever wrapped."""
    return ((later - earlier + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def is_rtcp(data: bytes) -> bool:
    """Return whether a datagram is RTCP and not RTP, where both share a port (RFC 5761 §4)."""
    return len(data) >= 4 and data[0] >> 6 == VERSION and 192 <= data[1] <= 223


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet (RFC 3550 §5.1). Contributing sources and extensions are read over, never sent."""

    payload_type: int
    """0 to 127."""
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits, in ticks of the payload's clock."""
    ssrc: int
    """32 bits."""
    marker: bool
    """The first packet of a talk spurt, or of an event."""
    payload: bytes
    """Without padding."""

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Return the packet that ``data`` is.

        Raises:
            MalformedMedia: it is not RTP, or shorter than it says.
        """
        if len(data) < HEADER_BYTES or data[0] >> 6 != VERSION:
            raise MalformedMedia("not an RTP packet")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        start, end = _payload_start(data, first), len(data)
        if first & 0x20:
            end -= data[-1]
        if start > end or (first & 0x20 and data[-1] == 0):
            raise MalformedMedia("RTP packet is shorter than its header says")
        return cls(second & 0x7F, sequence, timestamp, ssrc, second >= 0x80, bytes(data[start:end]))

    def to_bytes(self) -> bytes:
        """Return the packet as it goes on the wire."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(0x80, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def _payload_start(data: bytes, first: int) -> int:
    """Return where the payload begins: behind contributing sources and header extension.

    Raises:
        MalformedMedia: the extension is cut off.
    """
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if not first & 0x10:
        return start
    if len(data) < start + 4:
        raise MalformedMedia("RTP header extension is cut off")
    return start + 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver tells of one stream it gets (RFC 3550 §6.4.1)."""

    ssrc: int
    """The stream told of."""
    fraction_lost: int
    """Lost since the last report, in 1/256."""
    lost: int
    """Lost since the beginning, signed 24 bits: duplicates make it negative."""
    highest_sequence: int
    """Highest sequence number seen, the wraps counted in the upper 16 bits."""
    jitter: int
    """Interarrival jitter in clock ticks."""
    last_sr: int = 0
    """The middle 32 bits of the NTP time in the last sender report; 0 when none came."""
    delay_since_last_sr: int = 0
    """In 1/65536 seconds."""

    @classmethod
    def parse(cls, data: bytes, offset: int) -> ReportBlock:
        """Return the block at ``offset``, of which the caller knows that it is there."""
        ssrc, losses, *rest = _BLOCK.unpack_from(data, offset)
        lost = losses & 0xFFFFFF
        return cls(ssrc, losses >> 24, lost - (1 << 24) if lost & 0x800000 else lost, *rest)

    def to_bytes(self) -> bytes:
        """Return its 24 bytes."""
        lost = max(-0x800000, min(self.lost, 0x7FFFFF)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc,
            self.fraction_lost << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RTCP SR (RFC 3550 §6.4.1)."""

    ssrc: int
    """The sender of this report."""
    ntp_time: int
    """64 bits: seconds since 1900 and their fraction."""
    rtp_timestamp: int
    """The same instant on the clock of the stream."""
    packets: int
    """RTP packets sent."""
    octets: int
    """Payload bytes sent."""
    blocks: tuple[ReportBlock, ...] = ()
    """What it receives."""

    def to_bytes(self) -> bytes:
        """Return the packet as it stands in a compound."""
        sender = _SENDER.pack(self.ssrc, self.ntp_time, self.rtp_timestamp, self.packets, self.octets)
        return _rtcp(_SENDER_REPORT, len(self.blocks), sender + b"".join(b.to_bytes() for b in self.blocks))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RTCP RR (RFC 3550 §6.4.2)."""

    ssrc: int
    """The sender of this report."""
    blocks: tuple[ReportBlock, ...] = ()
    """What it receives."""

    def to_bytes(self) -> bytes:
        """Return the packet as it stands in a compound."""
        blocks = b"".join(block.to_bytes() for block in self.blocks)
        return _rtcp(_RECEIVER_REPORT, len(self.blocks), self.ssrc.to_bytes(4, "big") + blocks)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """RTCP SDES with the one item that every compound must carry (RFC 3550 §6.5.1). Write only."""

    ssrc: int
    """The stream described."""
    cname: str
    """A name that stays the same for the whole call and tells nobody anything (RFC 7022)."""

    def to_bytes(self) -> bytes:
        """Return the packet as it stands in a compound."""
        name = self.cname.encode()[:255]
        item = self.ssrc.to_bytes(4, "big") + bytes((_CNAME, len(name))) + name
        return _rtcp(_SOURCE_DESCRIPTION, 1, item + bytes(4 - len(item) % 4))


@dataclass(frozen=True, slots=True)
class Goodbye:
    """RTCP BYE (RFC 3550 §6.6), without its optional reason."""

    ssrcs: tuple[int, ...]
    """The streams that end."""

    def to_bytes(self) -> bytes:
        """Return the packet as it stands in a compound."""
        return _rtcp(_GOODBYE, len(self.ssrcs), b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs))


RtcpPacket = SenderReport | ReceiverReport | Goodbye


def build_rtcp(*packets: RtcpPacket | SourceDescription) -> bytes:
    """Return the compound of ``packets``; the first must be a report (RFC 3550 §6.1)."""
    return b"".join(packet.to_bytes() for packet in packets)


def parse_rtcp(data: bytes) -> tuple[RtcpPacket, ...]:
    """Return the reports and goodbyes of a compound; other packets in it are passed over.

    Raises:
        MalformedMedia: it is not RTCP, or shorter than it says.
    """
    return tuple(packet for packet in _rtcp_packets(data) if packet is not None)


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    """Return one RTCP packet with ``body``, whose length is a multiple of four."""
    return _RTCP_HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _rtcp_packets(data: bytes) -> Iterator[RtcpPacket | None]:
    """Yield each packet of a compound, None for a kind not read here."""
    if not is_rtcp(data):
        raise MalformedMedia("not an RTCP packet")
    offset = 0
    while offset < len(data):
        if len(data) < offset + 4 or data[offset] >> 6 != VERSION:
            raise MalformedMedia("RTCP compound breaks off")
        first, kind, words = _RTCP_HEADER.unpack_from(data, offset)
        body = data[offset + 4 : offset + 4 + 4 * words]
        if len(body) < 4 * words:
            raise MalformedMedia("RTCP packet is shorter than it says")
        yield _read_rtcp(kind, first & 0x1F, body)
        offset += 4 + 4 * words


def _read_rtcp(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    """Return the packet of ``kind`` with ``count`` entries in ``body``.

    Raises:
        MalformedMedia: the entries do not fit in the body.
    """
    try:
        if kind == _SENDER_REPORT:
            ssrc, ntp_time, timestamp, packets, octets = _SENDER.unpack_from(body)
            blocks = _blocks(body, count, start=_SENDER.size)
            return SenderReport(ssrc, ntp_time, timestamp, packets, octets, blocks)
        if kind == _RECEIVER_REPORT:
            return ReceiverReport(int(struct.unpack_from("!I", body)[0]), _blocks(body, count, start=4))
        if kind == _GOODBYE:
            return Goodbye(struct.unpack_from(f"!{count}I", body))
    except struct.error:
        raise MalformedMedia("RTCP packet is too short for its entries") from None
    return None


def _blocks(body: bytes, count: int, *, start: int) -> tuple[ReportBlock, ...]:
    """Return the ``count`` report blocks from ``start``; struct.error when they are not all there."""
    return tuple(ReportBlock.parse(body, start + index * _BLOCK.size) for index in range(count))
