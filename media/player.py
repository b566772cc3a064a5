"""What a leg is played: encoded sounds, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

from media.commands import PlayItem
from media.outgoing import FRAME_BYTES


class Player:
    """A row of sounds that one leg hears once or over and over.

    The sounds are encoded and shared; only the position is the leg's own. A change of codec in mid-play loads
    them anew and goes on from the same position, as 20 ms are equally long in all codecs.
    """

    __slots__ = ("_index", "_offset", "_sounds", "is_looped", "items", "number")

    def __init__(self, number: int, items: Sequence[PlayItem], *, is_looped: bool) -> None:
        self.number = number
        self.items = tuple(items)
        self.is_looped = is_looped
        self._sounds: Sequence[bytes] | None = None
        self._index = 0
        self._offset = 0

    @property
    def is_loaded(self) -> bool:
        """Whether there is something to send yet."""
        return self._sounds is not None

    def load(self, sounds: Sequence[bytes]) -> None:
        """Take the items' encoded sounds, each padded to whole frames; empty for one that cannot be read."""
        self._sounds = sounds

    def next_frame(self) -> bytes | None:
        """Return the next 20 ms, None at the end."""
        sounds = self._sounds
        assert sounds is not None
        while self._index < len(sounds):
            frame = sounds[self._index][self._offset : self._offset + FRAME_BYTES]
            if frame:
                self._offset += FRAME_BYTES
                return frame
            self._index += 1
            self._offset = 0
            if self._index == len(sounds) and self.is_looped and any(sounds):
                self._index = 0
        return None
