"""The keys that a far end presses: each counts once, in whatever ways it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from media.playback import Playback
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
"""A key that comes within that time in another way, which is believed more, is the same press."""
_TRUST = {Method.TONE: 0, Method.INFO: 1, Method.RTP: 2, Method.DIALLED: 3}
"""Who tells keys in so many words is believed more than what is heard, and events go on with the sound."""
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

    __slots__ = ("_last", "_method", "_news", "_taken", "_waiting")

    def __init__(self, mode: DtmfMode) -> None:
        self._taken = _TAKEN[mode]
        self._waiting: list[Digit] = []
        self._news: asyncio.Event | None = None
        """Told of each key; None: nobody has waited for one yet, as in most calls."""
        self._method: Method | None = None
        """The way in which this peer's presses count."""
        self._last = _NONE
        """What came last that way."""

    def take(self, key: str, method: Method, at: float) -> bool:
        """Keep a key press; return False for one that counts no more, or was never to."""
        if method is not Method.DIALLED and not self._counts(key, method, at):
            return False
        self._waiting.append(Digit(key, at))
        self._tell()
        return True

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()

    def _counts(self, key: str, method: Method, at: float) -> bool:
        if method not in self._taken:
            return False
        if self._method is not None and _TRUST[method] > _TRUST[self._method]:
            self._method = method
            if key == self._last.key and at - self._last.at < SAME_PRESS_S:
                return False
        self._method = self._method or method
        if method is not self._method:
            return False
        self._last = Digit(key, at)
        return True

    async def get(self) -> Digit:
        """Wait for the next key."""
        while not self._waiting:
            news = self._news = self._news or asyncio.Event()
            news.clear()
            await news.wait()
        return self._waiting.pop(0)

    async def within(self, seconds: float) -> str | None:
        """Return the next key, or None when ``seconds`` pass without one."""
        try:
            async with asyncio.timeout(seconds):
                return (await self.get()).key
        except TimeoutError:
            return None

    def put_back(self, digit: Digit) -> None:
        """Let ``digit``, which was read, be the next again."""
        self._waiting.insert(0, digit)
        self._tell()

    async def cut(self, playback: Playback, *, stop: Callable[[], None]) -> bool:
        """Return whether ``playback`` came to its end; a key stops it, and still waits to be read."""
        finished = asyncio.ensure_future(playback.finished())
        pressed = asyncio.ensure_future(self.get())
        try:
            await asyncio.wait({finished, pressed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if pressed.done() and not pressed.cancelled():
                self.put_back(pressed.result())
            if not finished.done():
                stop()
            pressed.cancel()
            finished.cancel()
        return finished.done() and not finished.cancelled() and finished.result()

    def forget(self, since: float) -> None:
        """Drop those that wait and were pressed at ``since`` or later."""
        self._waiting = [digit for digit in self._waiting if digit.at < since]

    @property
    def is_empty(self) -> bool:
        """Whether none waits."""
        return not self._waiting
