"""Keys that we press toward a far end (RFC 4733)."""

from __future__ import annotations

from collections import deque

from media.dtmf import EventPacket, encode_digit
from media.outgoing import MARKER, OutgoingStream

KEYS = frozenset("0123456789*#ABCD")
PAUSES = frozenset(",pPwW")
PAUSE_MS = 2000
"""What a comma in a dialled number has meant since modems."""
GAP_MS = 80
"""Between two digits; ITU-T Q.24 wants 40 ms at least, many detectors more."""


def key_seconds(ptime_ms: int = 20) -> float:
    """Return the time from the beginning of a digit to that of the next one, in packets of ``ptime_ms``."""
    packets = len(encode_digit("0", ptime_ms=ptime_ms)) + -(-GAP_MS // ptime_ms)
    return packets * ptime_ms / 1000


class Keypad:
    """The digits a leg still has to send, a packet at a time."""

    def __init__(self) -> None:
        self._keys: deque[str] = deque()
        self._steps: deque[EventPacket | None] = deque()
        """What is left of the key that is being pressed."""
        self._start = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything is sent."""
        return not self._steps and not self._keys

    @property
    def is_pressing(self) -> bool:
        """Whether the next packet belongs to a digit, so that audio has to give way."""
        if self._steps:
            return self._steps[0] is not None
        return bool(self._keys) and self._keys[0] in KEYS

    def press(self, digits: str) -> None:
        """Queue ``digits``; a comma is a pause, what is on no key is skipped."""
        self._keys.extend(key for key in digits.upper() if key in KEYS or key in PAUSES)

    def clear(self) -> None:
        """Forget what was not sent."""
        self._keys.clear()
        self._steps.clear()

    def tick(self, out: OutgoingStream, payload_type: int, now: float, *, rate_hz: int) -> None:
        """Spend one packet's time: send the next one of a digit, on a clock of ``rate_hz``, or pause."""
        if not self._steps:
            self._begin(self._keys.popleft(), out.frame_ticks * 1000 // out.clock_hz, rate_hz)
        step = self._steps.popleft()
        if step is None:
            return
        marker, offset, payload = step
        if marker:
            self._start = out.next_timestamp(now)
            out.source = self
        else:
            out.timestamp = (out.timestamp + out.frame_ticks) & 0xFFFFFFFF
        # All packets of one event carry the time it began (RFC 4733 §2.3.1).
        timestamp = (self._start + offset) & 0xFFFFFFFF
        if marker:
            out.timestamp = self._start
        out.send_packet((MARKER if marker else 0) | payload_type, payload, timestamp=timestamp, now=now)

    def _begin(self, key: str, ptime_ms: int, rate_hz: int) -> None:
        if key in PAUSES:
            self._steps.extend([None] * (PAUSE_MS // ptime_ms))
        else:
            self._steps.extend(encode_digit(key, clock_rate=rate_hz, ptime_ms=ptime_ms))
            self._steps.extend([None] * -(-GAP_MS // ptime_ms))
