"""What a leg is played: encoded sounds, packet by packet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from media.commands import PlayItem
from media.sounds import Encoded, Place


class Player:
    """A row of sounds that one leg hears once or over and over, without a pause between them.

    The sounds are encoded and shared; only the position is the leg's own. A change of codec or packet length
    in mid-play loads them anew and goes on from the same position.
    """

    __slots__ = (
        "_index",
        "_is_whole",
        "_offset",
        "_silence",
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
        self._silence = b""
        self._is_whole = True
        self._skip_ms = skip_ms
        self.on_item: Callable[[int], None] | None = None
        """Told the place of each item, from 0, as its first packet is due; not of that which comes first."""

    @property
    def is_loaded(self) -> bool:
        """Whether there is something to send yet."""
        return self._sounds is not None

    @property
    def has_ended(self) -> bool:
        """Whether all of it was sent."""
        return self._sounds is not None and self._index >= len(self._sounds)

    @property
    def place(self) -> Place | None:
        """What comes next; None while that depends on how long the sounds are."""
        return None if self._skip_ms else (self._index, self._offset * self._step_ms // self._size)

    def load(self, encoded: Encoded) -> None:
        """Take the items' encoded sounds; empty for one that cannot be read. More may follow if not whole."""
        position_ms = self._offset * self._step_ms // self._size
        was = self._size, self._step_ms
        self._sounds, self._silence, self._is_whole = encoded.sounds, encoded.silence, encoded.is_whole
        self._size, self._step_ms = encoded.frame_bytes, encoded.ptime_ms
        if was != (self._size, self._step_ms):
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
        """Return the next packet's payload; None at the end, or where the rest has to be loaded first."""
        sounds = self._sounds
        assert sounds is not None
        if self._index >= len(sounds):
            return None
        end = self._offset + self._size
        frame = sounds[self._index][self._offset : end]
        if len(frame) == self._size:
            self._offset = end
            return frame
        if not self._is_whole and self._index == len(sounds) - 1:
            self.unload()
            return None
        return self._next_joint(frame, sounds)

    def _next_joint(self, frame: bytes, sounds: Sequence[bytes]) -> bytes | None:
        """Return a packet that begins with ``frame``, the rest of an item, and goes on with what follows."""
        while len(frame) < self._size and self._next_item(sounds):
            more = sounds[self._index][: self._size - len(frame)]
            self._offset = len(more)
            frame += more
        return frame + self._silence[len(frame) :] if frame else None

    def _next_item(self, sounds: Sequence[bytes]) -> bool:
        """Go to the beginning of the next item; return whether there is one."""
        self._index += 1
        self._offset = 0
        if self._index == len(sounds) and self.is_looped and any(sounds):
            self._index = 0
        is_there = self._index < len(sounds)
        if is_there and self.on_item is not None:
            self.on_item(self._index)
        return is_there
