"""Keys that we press toward a far end (RFC 4733)."""

from __future__ import annotations

from collections import deque

from media.dtmf import encode_digit
from media.outgoing import FRAME_BYTES, MARKER, OutgoingStream

KEYS = frozenset("0123456789*#ABCD")
PAUSES = frozenset(",pPwW")
PAUSE_FRAMES = 100
"""Two seconds: what a comma in a dialled number has meant since modems."""
GAP_FRAMES = 4
"""Between two digits; ITU-T Q.24 wants 40 ms at least, many detectors more."""


class Keypad:
    """The digits a leg still has to send, a frame at a time."""

    def __init__(self) -> None:
        self._steps: deque[tuple[bool, int, bytes] | None] = deque()
        self._start = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything is sent."""
        return not self._steps

    @property
    def is_pressing(self) -> bool:
        """Whether the next frame belongs to a digit, so that audio has to give way."""
        return bool(self._steps) and self._steps[0] is not None

    def press(self, digits: str) -> None:
        """Queue ``digits``; a comma is a pause, what is on no key is skipped."""
        for digit in digits.upper():
            if digit in PAUSES:
                self._steps.extend([None] * PAUSE_FRAMES)
            elif digit in KEYS:
                self._steps.extend(encode_digit(digit))
                self._steps.extend([None] * GAP_FRAMES)

    def clear(self) -> None:
        """Forget what was not sent."""
        self._steps.clear()

    def tick(self, out: OutgoingStream, payload_type: int, now: float) -> None:
        """Spend 20 ms: send the next packet of a digit, or pause."""
        step = self._steps.popleft()
        if step is None:
            return
        marker, offset, payload = step
        if marker:
            self._start = out.next_timestamp(now)
            out.source = self
        else:
            out.timestamp = (out.timestamp + FRAME_BYTES) & 0xFFFFFFFF
        # All packets of one event carry the time it began (RFC 4733 §2.3.1).
        timestamp = (self._start + offset) & 0xFFFFFFFF
        if marker:
            out.timestamp = self._start
        out.send_packet((MARKER if marker else 0) | payload_type, payload, timestamp=timestamp, now=now)
