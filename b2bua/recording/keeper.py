"""What becomes of recordings after the call: made small, and deleted when their time is over."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from b2bua.errors import in_words
from b2bua.store.recordings import KeptRecording
from b2bua.store.store import Store
from media.convert import ENCODERS, convert, part_of
from media.errors import MediaError

log = structlog.get_logger("office")

CHECK_S = 3600.0
"""How often it is looked whether the time of any is over."""


@dataclass(slots=True)
class RecordingKeeper:
    """Converts and deletes, one file at a time, in a thread."""

    store: Store
    """Knows the recordings."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    format: str
    """``wav`` stays, ``opus`` and ``mp3`` are made."""
    keep_s: float
    """After so long a recording is deleted; 0: never."""
    _has_new: asyncio.Event = field(default_factory=asyncio.Event)
    _failed: set[int] = field(default_factory=set)
    """Those that could not be converted; tried again at the next start."""
    _complete_at: dict[int, float] = field(default_factory=dict)
    """When those of this run were complete, on the loop's clock, until they are deleted."""

    def note_complete(self, rows: Iterable[int]) -> None:
        """Take the news that these recordings are complete."""
        if self.keep_s:
            self._complete_at |= dict.fromkeys(rows, asyncio.get_running_loop().time())
        self._has_new.set()

    async def run(self) -> None:
        """Work until cancelled. What an earlier run left undone comes first."""
        while True:
            self._has_new.clear()
            await self._delete_old()
            if self.format != "wav":
                for recording in await self.store.recordings.unconverted():
                    await self._convert(recording)
            try:
                async with asyncio.timeout(CHECK_S):
                    await self._has_new.wait()
            except TimeoutError:
                continue

    async def _convert(self, recording: KeptRecording) -> None:
        """Put a smaller file in the place of a WAV file, which goes last of all."""
        if recording.id in self._failed or not recording.seconds:
            return
        source, target = recording.path, recording.path.with_suffix(f".{self.format}")
        if not await asyncio.to_thread(source.exists):
            self._failed.add(recording.id)  # somebody has put it elsewhere
            return
        try:
            await asyncio.to_thread(convert, source, target)
        except (MediaError, OSError) as error:
            self._failed.add(recording.id)
            log.error("a recording stays a WAV file", path=str(source), why=in_words(error))
            return
        if await self.store.recordings.move(recording.id, target):
            await asyncio.to_thread(source.unlink, missing_ok=True)

    async def _delete_old(self) -> None:
        if not self.keep_s:
            return
        now = self.clock()
        for recording in await self.store.recordings.ended_before(now - timedelta(seconds=self.keep_s)):
            if (age_s := self._age_s(recording)) < self.keep_s:
                ended_at = now - timedelta(seconds=age_s)
                await self.store.recordings.finish(
                    recording.id, recording.seconds or 0.0, ended_at, recording.error
                )
                continue
            self._complete_at.pop(recording.id, None)
            try:
                await asyncio.to_thread(_remove, recording.path)
            except OSError as error:
                log.error("an old recording cannot be deleted", path=str(recording.path), why=in_words(error))
            else:
                await self.store.recordings.delete(recording.id, now)

    def _age_s(self, recording: KeptRecording) -> float:
        """Return how old a recording is for sure, whatever the wall clock showed when it was made.

        That of a machine without a battery is years behind until the internet is there; what was recorded
        before is not to be deleted in the moment in which it is set.
        """
        complete_at = self._complete_at.get(recording.id)
        return math.inf if complete_at is None else asyncio.get_running_loop().time() - complete_at


def _remove(path: Path) -> None:
    """Delete a recording, and what is left of its conversion if the program died in that."""
    small = [path.with_suffix(suffix) for suffix in ENCODERS]
    for each in (path, path.with_suffix(".wav"), *small, *map(part_of, small)):
        each.unlink(missing_ok=True)
