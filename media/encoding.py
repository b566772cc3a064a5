"""How sound travels toward one far end: codec, length of a packet, bit rate."""

from __future__ import annotations

from typing import NamedTuple

OPUS_CLOCK_HZ = 48_000
"""Whatever is encoded (RFC 7587 §4.1)."""
USUAL_CLOCK_HZ = 8000
"""Of PCMA, PCMU, GSM, and of G.722 by the old error that RFC 3551 §4.5.2 keeps."""
OPUS_BIT_RATE = 32_000
"""For speech in full band 28 to 40 kbit/s are advised (RFC 7587 §3.1.1); with 24, tones came out too soft."""
LOWEST_OPUS_BIT_RATE = 6000
_OPUS_PTIMES_MS = (60, 40, 20, 10)
"""Packets that hold one frame of the encoder (RFC 7587 §4.2), the longest first."""
_LONGEST_OPUS_TICKS = 5760
"""120 ms (RFC 6716 §3.4, R5)."""
_OPUS_FRAME_TICKS = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
"""Of each of the 32 configurations (RFC 6716 table 2), at 48 kHz."""


class Encoding(NamedTuple):
    """All that sound which is encoded once and shared must have in common."""

    codec: str
    """Its encoding name."""
    ptime_ms: int = 20
    """Milliseconds in each packet."""
    bit_rate: int = OPUS_BIT_RATE
    """Bits per second, for a codec that leaves the choice."""

    @property
    def frame_bytes(self) -> int:
        """Return the payload bytes of one packet."""
        if self.codec == "opus":
            return self.bit_rate * self.ptime_ms // 8000
        return self.ptime_ms * USUAL_CLOCK_HZ // 1000

    @property
    def common(self) -> Encoding:
        """Return that whose payload serves this one, too: only cut otherwise, if it may be cut anywhere."""
        return Encoding(self.codec) if self.codec in ONE_TICK_A_BYTE else self


ONE_TICK_A_BYTE = frozenset(("PCMA", "PCMU", "G722"))
"""Codecs of which a packet may be cut, or put together with the next, anywhere."""


def clock_rate_hz(codec: str) -> int:
    """Return the ticks per second of the RTP timestamps of ``codec``."""
    return OPUS_CLOCK_HZ if codec == "opus" else USUAL_CLOCK_HZ


def ptime_for(codec: str, wanted_ms: int) -> int:
    """Return how long our packets are for a peer that wants ``wanted_ms``: no longer, in whole 10 ms."""
    if codec == "opus":
        return next((ms for ms in _OPUS_PTIMES_MS if ms <= wanted_ms), 10)
    return wanted_ms // 10 * 10


def duration_ticks(codec: str, payload: bytes) -> int:
    """Return how long ``payload`` sounds, in ticks of its RTP clock."""
    if codec == "opus":
        return _opus_ticks(payload)
    return len(payload) // 33 * 160 if codec == "GSM" else len(payload)


def _opus_ticks(payload: bytes) -> int:
    """Return the ticks of an Opus packet (RFC 6716 §3.1, §3.2); 0 for what is none."""
    if not payload:
        return 0
    toc = payload[0]
    frames = (1, 2, 2, payload[1] & 0x3F if len(payload) > 1 else 0)[toc & 3]
    ticks = frames * _OPUS_FRAME_TICKS[toc >> 3]
    return ticks if ticks <= _LONGEST_OPUS_TICKS else 0
