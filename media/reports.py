"""RTCP of one leg: what we tell of what we hear, and what the far end tells of what it hears."""

from __future__ import annotations

from random import Random
from time import monotonic, time

from media.errors import MalformedMedia
from media.incoming import IncomingStream
from media.outgoing import OutgoingStream
from media.rtp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    build_rtcp,
    parse_rtcp,
)

REPORT_SECONDS = 5.0
_SINCE_1900_S = time() - monotonic() + 2_208_988_800
"""What makes wall-clock time of the monotonic clock. It stays as it was: a clock that is set is no delay."""
ROUNDED_S = 0.005
"""By so much a delay may be rounded."""


def ntp_time(now: float) -> int:
    """Return ``now`` as 64 bits of seconds since 1900 and fraction (RFC 3550 §4)."""
    return int((now + _SINCE_1900_S) * (1 << 32)) & 0xFFFF_FFFF_FFFF_FFFF


def _middle(ntp: int) -> int:
    return ntp >> 16 & 0xFFFF_FFFF


def _round_trip_s(block: ReportBlock, now: int) -> float | None:
    """Return the round trip that a peer's ``block`` tells at ``now`` (RFC 3550 §6.4.1); None: it is wrong.

    A peer whose delay is longer than the time that passed cannot be right, but for one that rounds it up to
    milliseconds, as baresip does, beside us.
    """
    trip_s = ((now - block.last_sr - block.delay_since_last_sr + (1 << 31)) % (1 << 32) - (1 << 31)) / 65536
    return max(0.0, trip_s) if trip_s > -ROUNDED_S else None


class Reporter:
    """Sender and receiver reports (RFC 3550 §6.4), one SSRC each way."""

    __slots__ = (
        "_block", "_due_at", "_first_ssrc", "_has_reported", "_incoming", "_last_sr", "_last_sr_at", "_out",
        "_round_trip_s", "_told_expected", "_told_missing", "_told_packets", "_told_stream",
    )  # fmt: skip

    def __init__(self, out: OutgoingStream, incoming: IncomingStream) -> None:
        self._out = out
        self._incoming = incoming
        self._first_ssrc = out.ssrc
        """By which the far end knows another SSRC for the same source (RFC 3550 §6.5.1)."""
        self._due_at = 0.0
        self._has_reported = False
        self._told_packets = 0
        self._told_stream = incoming.stream
        self._told_expected = self._told_missing = 0
        self._last_sr = 0
        self._last_sr_at = 0.0
        self._block: ReportBlock | None = None
        self._round_trip_s: float | None = None

    def begin(self, now: float, random: Random) -> None:
        """Let the first report come early (RFC 3550 §6.2), and no two legs report at once."""
        self._due_at = now + REPORT_SECONDS * (0.2 + 0.3 * random.random())

    def is_due(self, now: float) -> bool:
        """Return whether the far end is to be told something."""
        return now >= self._due_at

    def report(self, now: float) -> bytes:
        """Return a compound report for the far end."""
        self._due_at = now + REPORT_SECONDS
        self._has_reported = True
        out = self._out
        name = SourceDescription(out.ssrc, f"{self._first_ssrc:08x}")
        blocks = (self._report_block(now),) if self._incoming.packets else ()
        if out.packets == self._told_packets or out.sent_at is None:
            return build_rtcp(ReceiverReport(out.ssrc, blocks), name)
        self._told_packets = out.packets
        at = (out.timestamp + int((now - out.sent_at) * out.clock_hz)) & 0xFFFF_FFFF
        packets, octets = out.packets - out.before[0], (out.octets - out.before[1]) & 0xFFFF_FFFF
        return build_rtcp(SenderReport(out.ssrc, ntp_time(now), at, packets, octets, blocks), name)

    def goodbye(self, now: float) -> bytes | None:
        """Return the last report with a BYE in it (RFC 3550 §6.6); None: nothing was sent."""
        if not (self._out.packets or self._has_reported):
            return None
        return self.report(now) + build_rtcp(Goodbye((self._out.ssrc,)))

    def _report_block(self, now: float) -> ReportBlock:
        incoming = self._incoming
        if incoming.stream != self._told_stream:
            self._told_stream, self._told_expected, self._told_missing = incoming.stream, 0, 0
        expected = max(1, incoming.expected - self._told_expected)
        lost = max(0, incoming.missing - self._told_missing)
        self._told_expected, self._told_missing = incoming.expected, incoming.missing
        delay = int((now - self._last_sr_at) * 65536) & 0xFFFF_FFFF if self._last_sr else 0
        return ReportBlock(
            incoming.ssrc,
            min(255, lost * 256 // expected),
            incoming.missing,
            incoming.highest_sequence & 0xFFFF_FFFF,
            incoming.jitter,
            self._last_sr,
            delay,
        )

    def take(self, compound: bytes, now: float) -> bool:
        """Read the far end's report; return whether it is of who sends the stream that comes.

        What is malformed is passed over.
        """
        try:
            packets = parse_rtcp(compound)
        except MalformedMedia:
            return False
        for packet in packets:
            if isinstance(packet, SenderReport):
                self._last_sr, self._last_sr_at = _middle(packet.ntp_time), now
            if isinstance(packet, SenderReport | ReceiverReport):
                for block in packet.blocks:
                    self._take_block(block, now)
        first = packets[0] if packets else None
        return isinstance(first, SenderReport | ReceiverReport) and first.ssrc == self._incoming.ssrc

    def _take_block(self, block: ReportBlock, now: float) -> None:
        if block.ssrc != self._out.ssrc:
            return
        self._block = block
        if block.last_sr:
            self._round_trip_s = _round_trip_s(block, _middle(ntp_time(now)))

    def statistics(self) -> dict[str, float]:
        """Return the leg's numbers: ours of what came, theirs of what we sent as far as they told."""
        incoming = self._incoming
        numbers: dict[str, float] = {
            "packets": incoming.packets,
            "lost": incoming.lost,
            "jitter_ms": round(incoming.jitter_ms, 2),
            "malformed": incoming.malformed,
            "unknown": incoming.unknown,
            "sent": self._out.packets,
        }
        if self._block is not None:
            numbers["remote_lost"] = self._block.lost
            numbers["remote_jitter_ms"] = round(self._block.jitter * 1000 / self._out.clock_hz, 2)
        if self._round_trip_s is not None:
            numbers["round_trip_ms"] = round(self._round_trip_s * 1000, 2)
        return numbers
