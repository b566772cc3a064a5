"""Silence for who waits: a far end that is sent nothing for long takes the call for dead."""

from __future__ import annotations

from media.encoding import Encoding
from media.player import Player
from media.rows import SILENCE
from media.sounds import Encoded, SoundLibrary


class Pauses:
    """What is said when there is nothing to say, in the encoding of the moment."""

    __slots__ = ("_encoding", "_player", "_sounds")

    def __init__(self, sounds: SoundLibrary) -> None:
        self._sounds = sounds
        self._player = Player(0, (SILENCE,), is_looped=True)
        self._encoding: Encoding | None = None

    def connect(self, encoding: Encoding) -> None:
        """Be silent in ``encoding`` from now on, as soon as that is ready."""
        if encoding == self._encoding:
            return
        self._encoding = encoding
        self._player.unload()

        def loaded(encoded: Encoded, troubles: list[str]) -> None:
            if not troubles:
                self._sounds.silences[encoding] = encoded
            if encoding == self._encoding:
                self._player.load(encoded)

        ready = self._sounds.silences.get(encoding)
        if ready is None:
            self._sounds.load((SILENCE,), encoding, loaded)
        else:
            self._player.load(ready)

    def next_frame(self, _now: float) -> bytes | None:
        """Return the payload that is due, None while there is none yet."""
        return self._player.next_frame() if self._player.is_loaded else None
