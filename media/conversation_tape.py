"""A conversation that is being written, as signalling knows it: it outlives legs and workers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from media import commands
from media.playback import Recording, RecordingSummary

if TYPE_CHECKING:
    from media.slot import WorkerSlot

LEFT, RIGHT = 0, 1


class ConversationTape:
    """A WAV file with the caller on the left and whoever talks with them on the right.

    Legs are put on it by `MediaLeg.tap`; it is in the worker of the first of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.slot: WorkerSlot | None = None
        """The worker it is in; None: not begun."""
        self._recording = Recording(path, max_seconds=None)
        self._number = 0
        """Under which the present worker knows it; 0: not at all."""
        self._loop = asyncio.get_running_loop()
        self._began = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way: a stop, a full disk, a worker that died between two legs."""
        return self._recording.is_over

    def tap_by(self, leg: int, channel: int, slot: WorkerSlot) -> commands.Tap | None:
        """Return what puts a leg in the worker of ``slot`` on it; None: it is in another, or over."""
        if self.is_over or (self.slot is not None and self.slot is not slot):
            return None
        if self.slot is None:
            self.slot, self._began = slot, self._loop.time()
        if not self._number:
            self._number = slot.add_recording(self._recording)
        return commands.Tap(leg, self._number, str(self.path), channel, self._loop.time() - self._began)

    def strand(self) -> None:
        """Take that its worker died: the next one goes on with the file as soon as a leg is on it again."""
        if self.slot is not None and self._number:
            self.slot.drop_numbers(self._number)
            self._number = 0
            self._recording.note_interruption()

    async def stop(self) -> RecordingSummary:
        """End it and wait until the file is complete."""
        if not self.is_over:
            if self.slot is not None and self._number:
                self.slot.send(commands.StopTape(self._number))
            else:
                self._recording.lose("the media worker died")
        return await self._recording.finished()
