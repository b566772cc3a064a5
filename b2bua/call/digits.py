"""The keys that a far end presses: each counts once, in whatever ways it comes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from media.sdp.agreement import StreamAgreement


class DtmfMode(StrEnum):
    """How a peer sends the keys that are pressed, and gets ours."""

    AUTO = "auto"
    """By RFC 4733 where that is agreed, by INFO if they come so, else as sound."""
    RFC4733 = "rfc4733"
    INFO = "info"
    INBAND = "inband"
    """As the tones themselves, in the sound."""


class Method(StrEnum):
    """The way in which a key press came."""

    RTP = "rtp"
    """An RFC 4733 event."""
    INFO = "info"
    TONE = "tone"
    """Heard in the sound."""
    DIALLED = "dialled"
    """Behind the number that was called."""


SAME_PRESS_S = 1.0
"""A key that was heard as a tone, and comes in another way within that time, is the same press."""
_TAKEN = {
    DtmfMode.AUTO: frozenset((Method.RTP, Method.INFO, Method.TONE)),
    DtmfMode.RFC4733: frozenset((Method.RTP,)),
    DtmfMode.INFO: frozenset((Method.INFO,)),
    DtmfMode.INBAND: frozenset((Method.TONE,)),
}


def needs_ear(mode: DtmfMode, agreement: StreamAgreement | None) -> bool:
    """Return whether keys have to be listened for in the sound, by what was agreed so far."""
    if agreement is None:
        return False
    return mode is DtmfMode.INBAND or (mode is DtmfMode.AUTO and not agreement.event_rates)


@dataclass(frozen=True, slots=True)
class Digit:
    """One key press."""

    key: str
    """``0``-``9``, ``*``, ``#``, ``A``-``D``."""
    at: float
    """Loop time of its arrival."""


_NONE = Digit("", float("-inf"))


class Digits:
    """Keys that wait to be read. A peer that sends each press in several ways counts once."""

    def __init__(self, mode: DtmfMode) -> None:
        self._taken = _TAKEN[mode]
        self._waiting: asyncio.Queue[Digit] = asyncio.Queue()
        self._method: Method | None = None
        """The way in which this peer's presses count."""
        self._last = _NONE
        """What came last that way."""

    def take(self, key: str, method: Method, at: float) -> bool:
        """Keep a key press; return False for one that counts no more, or was never to."""
        if method is not Method.DIALLED and not self._counts(key, method, at):
            return False
        self._waiting.put_nowait(Digit(key, at))
        return True

    def _counts(self, key: str, method: Method, at: float) -> bool:
        if method not in self._taken:
            return False
        if self._method is Method.TONE and method is not Method.TONE:
            self._method = method  # who tells keys in so many words is believed more than what is heard
            if key == self._last.key and at - self._last.at < SAME_PRESS_S:
                return False
        self._method = self._method or method
        if method is not self._method:
            return False
        self._last = Digit(key, at)
        return True

    async def get(self) -> Digit:
        """Wait for the next key."""
        return await self._waiting.get()

    def put_back(self, digit: Digit) -> None:
        """Let ``digit``, which was read, be the next again."""
        rest = [digit]
        while not self._waiting.empty():
            rest.append(self._waiting.get_nowait())
        for each in rest:
            self._waiting.put_nowait(each)

    def forget(self, since: float) -> None:
        """Drop those that wait and were pressed at ``since`` or later."""
        waiting = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
        for digit in waiting:
            if digit.at < since:
                self._waiting.put_nowait(digit)

    @property
    def is_empty(self) -> bool:
        """Whether none waits."""
        return self._waiting.empty()
