"""What arrives from one far end: counted as RFC 3550 appendix A does."""

from __future__ import annotations

from media.encoding import USUAL_CLOCK_HZ
from media.outgoing import HEADER

WRAP = 0x10000
"""How many sequence numbers there are."""
_MAX_JUMP = 3000
_HEADER_BYTES = HEADER.size
_NEVER = float("-inf")


class IncomingStream:
    """Loss and jitter of the packets of one SSRC after another."""

    __slots__ = (
        "_base",
        "_lost_before",
        "_received_before",
        "clock_hz",
        "cycles",
        "heard_at",
        "highest",
        "jitter_ticks",
        "malformed",
        "received",
        "ssrc",
        "transit",
        "unknown",
    )

    def __init__(self) -> None:
        self.ssrc = -1
        self.clock_hz = USUAL_CLOCK_HZ
        """Ticks per second of the timestamps."""
        self.malformed = 0
        self.unknown = 0
        """Packets of a payload type that nobody agreed to."""
        self.heard_at: float | None = None
        self._lost_before = self._received_before = 0
        self._base = self.highest = self.cycles = self.received = 0
        self.transit = _NEVER
        self.jitter_ticks = 0.0

    def _start(self, ssrc: int, sequence: int) -> None:
        self._lost_before, self._received_before = self.lost, self.packets
        self.ssrc = ssrc
        self._base = self.highest = sequence
        self.cycles = self.received = 0
        self.transit = _NEVER

    def count(self, sequence: int, timestamp: int, ssrc: int, now: float) -> None:
        """Count one packet of sound."""
        self.count_untimed(sequence, ssrc, now)
        clock_hz = self.clock_hz
        transit = now * clock_hz - timestamp
        change = transit - self.transit
        self.transit = transit
        # A new stream and a timestamp that wraps or leaps are no jitter.
        if -clock_hz < change < clock_hz:
            self.jitter_ticks += ((change if change > 0 else -change) - self.jitter_ticks) / 16

    def count_untimed(self, sequence: int, ssrc: int, now: float) -> None:
        """Count one packet whose timestamp does not tell when it was sent: all of a key press bear one."""
        self.heard_at = now
        ahead = (sequence - self.highest) & 0xFFFF
        if ssrc != self.ssrc or _MAX_JUMP < ahead < WRAP - _MAX_JUMP:
            self._start(ssrc, sequence)
        elif ahead <= _MAX_JUMP:
            if sequence < self.highest:
                self.cycles += WRAP
            self.highest = sequence
        self.received += 1

    def pass_over(self, sequence: int, ssrc: int, now: float) -> None:
        """Take a packet that is no audio of ours, such as comfort noise (RFC 3389).

        It is a sign of life, and one of the stream's numbers, which else would count as lost.
        """
        self.heard_at = now
        if ssrc == self.ssrc:
            self.count_untimed(sequence, ssrc, now)

    @property
    def stream(self) -> tuple[int, int]:
        """What tells the present stream from those before it: its SSRC and first sequence number."""
        return self.ssrc, self._base

    @property
    def packets(self) -> int:
        """Packets that came, of all SSRCs."""
        return self._received_before + self.received

    @property
    def highest_sequence(self) -> int:
        """Highest sequence number, wraps counted (RFC 3550 §6.4.1)."""
        return self.cycles + self.highest

    @property
    def expected(self) -> int:
        """Packets of the present SSRC that should have come."""
        return self.highest_sequence - self._base + 1 if self.received else 0

    @property
    def missing(self) -> int:
        """Packets of the present SSRC that never came; negative where more came twice."""
        return self.expected - self.received

    @property
    def lost(self) -> int:
        """Packets that never came, of all SSRCs; duplicates count against it."""
        return self._lost_before + max(0, self.missing)

    @property
    def jitter(self) -> int:
        """Interarrival jitter in RTP clock units (RFC 3550 §6.4.1)."""
        return int(self.jitter_ticks)

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter in milliseconds."""
        return self.jitter_ticks * 1000 / self.clock_hz


def plain_size(packet: bytearray, size: int) -> int:
    """Strip CSRCs, extension and padding in place; return the new size, 0 if the packet is malformed."""
    if size < _HEADER_BYTES or packet[0] >> 6 != 2:
        return 0
    start = _HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if start + 4 > size:
            return 0
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = size - packet[size - 1] if packet[0] & 0x20 else size
    if start > end or (packet[0] & 0x20 and end == size):
        return 0
    payload = packet[start:end]
    packet[_HEADER_BYTES : _HEADER_BYTES + len(payload)] = payload
    return _HEADER_BYTES + len(payload)
