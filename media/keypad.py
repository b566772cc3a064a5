"""Keys that we press toward a far end (RFC 4733)."""

from __future__ import annotations

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

    __slots__ = ("_keys", "_start", "_steps")

    def __init__(self) -> None:
        # Most legs never press a key, and empty deques are six hundred bytes each.
        self._keys = ""
        self._steps: list[EventPacket | None] = []
        """What is left of the key that is being pressed, the last first."""
        self._start = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything is sent."""
        return not self._steps and not self._keys

    @property
    def is_pressing(self) -> bool:
        """Whether the next packet belongs to a digit, so that audio has to give way."""
        if self._steps:
            return self._steps[-1] is not None
        return self._keys[:1] in KEYS

    def press(self, digits: str) -> None:
        """Queue ``digits``; a comma is a pause, what is on no key is skipped."""
        self._keys += "".join(key for key in digits.upper() if key in KEYS or key in PAUSES)

    def clear(self) -> None:
        """Forget what was not sent."""
        self._keys = ""
        self._steps.clear()

    def tick(self, out: OutgoingStream, payload_type: int, now: float, *, rate_hz: int) -> None:
        """Spend one packet's time: send the next one of a digit, on a clock of ``rate_hz``, or pause."""
        if not self._steps:
            key, self._keys = self._keys[0], self._keys[1:]
            self._steps = _steps(key, out.frame_ticks * 1000 // out.clock_hz, rate_hz)[::-1]
        step = self._steps.pop()
        if step is None:
            return
        marker, offset, payload = step
        if marker:
            self._start = out.take_over(self, now)
        else:
            out.timestamp = (out.timestamp + out.frame_ticks) & 0xFFFFFFFF
        # All packets of one event carry the time it began (RFC 4733 §2.3.1).
        timestamp = (self._start + offset) & 0xFFFFFFFF
        if marker:
            out.timestamp = self._start
        out.send_packet((MARKER if marker else 0) | payload_type, payload, timestamp=timestamp, now=now)


def _steps(key: str, ptime_ms: int, rate_hz: int) -> list[EventPacket | None]:
    """Return the packets of one key and the pause behind it, one step for each ``ptime_ms``."""
    if key in PAUSES:
        return [None] * (PAUSE_MS // ptime_ms)
    return [*encode_digit(key, clock_rate=rate_hz, ptime_ms=ptime_ms), *[None] * -(-GAP_MS // ptime_ms)]
