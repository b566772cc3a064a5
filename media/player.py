"""What a leg is played: encoded sounds, packet by packet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from media.commands import PlayItem
from media.sounds import Encoded


class Player:
    """A row of sounds that one leg hears once or over and over.

    The sounds are encoded and shared; only the position is the leg's own. A change of codec or packet length
    in mid-play loads them anew and goes on from the same position.
    """

    __slots__ = (
        "_index",
        "_offset",
        "_size",
        "_skip_ms",
        "_sounds",
        "_step_ms",
        "is_looped",
        "items",
        "number",
        "on_item",
    )

    def __init__(self, number: int, items: Sequence[PlayItem], *, is_looped: bool, skip_ms: int = 0) -> None:
        """Begin ``skip_ms`` behind the beginning."""
        self.number = number
        self.items = tuple(items)
        self.is_looped = is_looped
        self._sounds: Sequence[bytes] | None = None
        self._index = 0
        self._offset = 0
        self._size = self._step_ms = 1
        self._skip_ms = skip_ms
        self.on_item: Callable[[int], None] | None = None
        """Told the place of each item, from 0, as its first packet is due; not of that which comes first."""

    @property
    def is_loaded(self) -> bool:
        """Whether there is something to send yet."""
        return self._sounds is not None

    def load(self, encoded: Encoded) -> None:
        """Take the items' encoded sounds, each padded to whole packets; empty for one that cannot be read."""
        position_ms = self._offset // self._size * self._step_ms
        self._sounds = encoded.sounds
        self._size, self._step_ms = encoded.frame_bytes, encoded.ptime_ms
        self._offset = position_ms // self._step_ms * self._size
        if self._skip_ms:
            self._skip(self._skip_ms // self._step_ms * self._size, encoded.sounds)
            self._skip_ms = 0

    def _skip(self, size: int, sounds: Sequence[bytes]) -> None:
        total = sum(map(len, sounds))
        if self.is_looped and total:
            size %= total
        while self._index < len(sounds) and size >= len(sounds[self._index]):
            size -= len(sounds[self._index])
            self._index += 1
        self._offset = size

    def unload(self) -> None:
        """Send nothing until the same sounds are there in another encoding."""
        self._sounds = None

    def next_frame(self) -> bytes | None:
        """Return the next packet's payload, None at the end."""
        sounds = self._sounds
        size = self._size
        assert sounds is not None
        while self._index < len(sounds):
            frame = sounds[self._index][self._offset : self._offset + size]
            if frame:
                self._offset += size
                return frame
            self._index += 1
            self._offset = 0
            if self._index == len(sounds) and self.is_looped and any(sounds):
                self._index = 0
            if self.on_item is not None and self._index < len(sounds):
                self.on_item(self._index)
        return None
