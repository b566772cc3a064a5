"""What signalling awaits: a playback's end, a recording's file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from media.commands import QUIETEST_DBFS, PlayItem, Recorded

UNWRITTEN_S = 0.7
"""What a worker may have heard and not written when it dies."""


class Playback:
    """Something a leg is played."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._ended_after: float | None = None
        self._is_complete: asyncio.Future[bool] = self._loop.create_future()
        self.item = 0
        """Which of what was asked for is being heard, from 0."""
        self.on_item: Callable[[int], None] | None = None
        """Told each time that `item` changes; in a loop over and over."""
        self.on_end: Callable[[bool], None] | None = None
        """Told once, when it ends, whether it was played to its end."""

    @property
    def seconds(self) -> float:
        """Since it was asked for, until it ended."""
        return self._loop.time() - self._started if self._ended_after is None else self._ended_after

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._is_complete.done()

    async def finished(self) -> bool:
        """Wait for the end; return whether it was played to its end and not cut."""
        return await asyncio.shield(self._is_complete)

    def note_item(self, index: int) -> None:
        """Take that another item begins, as the engine tells it."""
        self.item = index
        if self.on_item is not None:
            self.on_item(index)

    def end(self, *, is_complete: bool) -> None:
        """Take the end, as the engine tells it; once."""
        if not self._is_complete.done():
            self._ended_after = self.seconds
            self._is_complete.set_result(is_complete)
            told, self.on_end = self.on_end, None
            if told is not None:
                told(is_complete)


@dataclass(frozen=True, slots=True)
class RecordingSummary:
    """A recording that is over."""

    path: Path
    """The WAV file."""
    seconds: float
    """How long."""
    peak_dbfs: float
    """Its loudest sample."""
    is_silent: bool
    """Whether nobody can have spoken."""
    error: str = ""
    """Why it ended early, if it did: a full disk, a lost engine."""


class Recording:
    """Something a leg's far end says, being written."""

    def __init__(self, path: Path, *, max_seconds: float | None) -> None:
        self.path = path
        self.on_stop: Callable[[], None] | None = None
        """Tells the engine."""
        self.kept_s = 0.0
        """What is certainly on disk, should the worker that goes on with it be unable to tell."""
        self._max_seconds = max_seconds
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._summary: asyncio.Future[RecordingSummary] = self._loop.create_future()

    @property
    def seconds(self) -> float:
        """Its length; while it lasts, the time since it was asked for."""
        if self._summary.done():
            return self._summary.result().seconds
        elapsed = self._loop.time() - self._started
        return elapsed if self._max_seconds is None else min(elapsed, self._max_seconds)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._summary.done()

    @property
    def remaining_s(self) -> float | None:
        """How long it may still go on; None: for ever."""
        return None if self._max_seconds is None else self._max_seconds - self.seconds

    async def stop(self) -> RecordingSummary:
        """End it and wait until the file is complete."""
        if not self._summary.done() and self.on_stop is not None:
            self.on_stop()
        return await self.finished()

    async def finished(self) -> RecordingSummary:
        """Wait until it has ended, by its maximum, a stop, or the leg's end, and the file is complete."""
        return await asyncio.shield(self._summary)

    def end(self, event: Recorded) -> None:
        """Take the end, as the engine tells it; once."""
        if not self._summary.done():
            seconds = max(event.seconds, self.kept_s) if event.error else event.seconds
            summary = RecordingSummary(
                self.path, seconds, event.peak_dbfs, is_silent=event.is_silent, error=event.error
            )
            self._finish(summary)

    def note_interruption(self) -> None:
        """Take that the worker died, which had written everything but the last moments."""
        self.kept_s = max(self.kept_s, self.seconds - UNWRITTEN_S)

    def lose(self, why: str) -> None:
        """Take that the engine died; what it wrote is on disk."""
        if not self._summary.done():
            summary = RecordingSummary(self.path, self.seconds, QUIETEST_DBFS, is_silent=False, error=why)
            self._finish(summary)

    def _finish(self, summary: RecordingSummary) -> None:
        self._summary.set_result(summary)
        self.on_stop = None  # which holds the leg


@dataclass(slots=True)
class Playing:
    """What the leg hears."""

    playback: Playback
    items: tuple[PlayItem, ...]
    is_looped: bool
    number: int = 0
    """Under which the present worker knows it; 0: not at all."""
    began: float = 0.0
    """When the present worker began it."""
    heard_s: float = 0.0
    """How much of it was heard before that."""
