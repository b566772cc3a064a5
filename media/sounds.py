"""Sounds ready to be sent: each encoded once per codec, shared by all who hear it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np

from media import codecs
from media.background import Background
from media.commands import Clip, PlayItem, Row
from media.encoded_files import EncodedFiles
from media.encoding import ONE_TICK_A_BYTE, Encoding
from media.errors import MediaError
from media.payloads import HEAD_S, Pcm, encode, encode_from, encode_row, samples
from media.rows import SILENCE, may_be_kept, rows_of

EncodeAside: TypeAlias = Callable[[Path, Clip, Encoding], None]
"""Encodes a sound into a folder, in another process."""
Place: TypeAlias = tuple[int, int]
"""The item, and the millisecond of it, that come next."""

CACHE_BYTES = 64 * 1024 * 1024
"""Two hours of G.711: every prompt and the music of an office."""
QUICK_BYTES = 400_000
"""What a file may have to be encoded at once: some 25 s, and in an instant."""
_UNPLAYABLE = (OSError, MediaError, ValueError)


class Encoded(NamedTuple):
    """Items ready to be cut into packets."""

    sounds: list[bytes]
    """The payloads of each item; in whole packets where a codec has no others."""
    frame_bytes: int
    """Length of one packet's payload."""
    ptime_ms: int
    """Milliseconds of one packet."""
    silence: bytes = b""
    """A packet of it, where the end of what is played may fill but a part of one."""
    is_whole: bool = True
    """False: more of the last item, and the items behind it, are still being encoded."""


class SoundLibrary:
    """Encoded sounds by what they are, the file's time of change included; the least used go first."""

    def __init__(
        self,
        background: Background,
        *,
        cache_bytes: int = CACHE_BYTES,
        long: Background | None = None,
        files: EncodedFiles | None = None,
        aside: EncodeAside | None = None,
    ) -> None:
        """Leave to ``long`` what takes long to encode, so that nobody's prompt waits for another's music.

        Keep sounds in ``files``, too, where they may be kept, and have long ones encoded there by ``aside``.
        """
        self._background = background
        self._long = long
        self._files = files
        self._aside = aside
        self._lock = Lock()
        """Of what follows: both backgrounds may have threads."""
        self._cache_bytes = cache_bytes
        self._encoded: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self.silences: dict[Encoding, Encoded] = {}
        """Of who waits, ready in each encoding that somebody waited in: no thread need be asked for it."""
        self._held = 0

    def load(
        self,
        items: tuple[PlayItem, ...],
        encoding: Encoding,
        done: Callable[[Encoded, list[str]], None],
        *,
        place: Place | None = (0, 0),
    ) -> None:
        """Call ``done`` later with the items' payloads, and with what was wrong with any.

        Where one takes long it is called twice, first with some seconds from ``place`` on, which comes next;
        None: what does depends on how long they are. An item that cannot be read is empty: the rest is heard
        all the same.
        """

        def finish(result: tuple[Encoded, list[str]] | Exception) -> None:
            if isinstance(result, Exception):
                done(Encoded([], 1, encoding.ptime_ms), [f"sounds cannot be encoded: {result}"])
            else:
                done(*result)

        def begin(result: tuple[Encoded, list[str]] | Exception) -> None:
            is_begun = not isinstance(result, Exception) and not result[0].is_whole
            if is_begun and self._long is not None:
                self._long.submit(partial(self._encode_all, items, encoding), finish)
            if not (is_begun and place is None):
                finish(result)

        index, begin_ms = place or (0, 0)
        whole_packets_ms = begin_ms // encoding.ptime_ms * encoding.ptime_ms  # there the player goes on
        hurried = (index, whole_packets_ms) if self._long is not None else None
        self._background.submit(partial(self._encode_all, items, encoding, hurried=hurried), begin)

    def _encode_all(
        self, items: tuple[PlayItem, ...], encoding: Encoding, *, hurried: Place | None = None
    ) -> tuple[Encoded, list[str]]:
        sounds: list[bytes] = []
        troubles: list[str] = []
        is_whole, common = True, encoding.common
        for row in rows_of(items, encoding):
            if len(row) > 1:
                sounds += self._encode_row(row, common, troubles)
                continue
            try:
                sounds.append(self._encode(row[0], common, _wanted_from(len(sounds), hurried)))
            except _TakesLongError as head:
                sounds.append(head.sound)
                is_whole = False
                if hurried is None or len(sounds) > hurried[0]:
                    break
            except _UNPLAYABLE as error:
                troubles.append(_in_words(row[0], error))
                sounds.append(b"")
        silence = b""
        if encoding.codec in ONE_TICK_A_BYTE:
            silence = self._encode(SILENCE, common, None)[: encoding.frame_bytes]
        encoded = Encoded(sounds, encoding.frame_bytes, encoding.ptime_ms, silence, is_whole)
        return encoded, troubles if is_whole else []

    def _encode(self, item: PlayItem, encoding: Encoding, from_ms: int | None) -> bytes:
        """Return the payload of ``item``.

        Raises:
            _TakesLongError: with some seconds ``from_ms`` on, unless that is None.
        """
        key = (item, _changed_at(item), encoding)
        known = self._known(key)
        if known is not None:
            return known
        if isinstance(item, Clip):
            sound = self._of_file(item, encoding, from_ms)
        else:
            [sound] = self._prepared((item,), encoding) or [encode(item, encoding)]
        self._put(key, sound)
        return sound

    def _encode_row(self, row: Row, encoding: Encoding, troubles: list[str]) -> list[bytes]:
        """Return the payloads of each item, where all are encoded as one sound."""
        keys = [(row, tuple(map(_changed_at, row)), encoding, index) for index in range(len(row))]
        known = [sound for key in keys if (sound := self._known(key)) is not None]
        if len(known) == len(row):
            return known
        was = len(troubles)
        sounds = self._prepared(row, encoding) or self._encode_pieces(row, encoding, troubles)
        if len(troubles) == was:
            for key, sound in zip(keys, sounds, strict=True):
                self._put(key, sound)
        return sounds

    def _encode_pieces(self, row: Row, encoding: Encoding, troubles: list[str]) -> list[bytes]:
        pieces: list[Pcm] = []
        for item in row:
            try:
                pieces.append(samples(item, codecs.encoder(encoding).sample_rate_hz))
            except _UNPLAYABLE as error:
                troubles.append(_in_words(item, error))
                pieces.append(np.empty(0, np.int16))
        return encode_row(pieces, encoding)

    def _prepared(self, row: Row, encoding: Encoding) -> list[bytes] | None:
        """Return the payloads that were encoded before anybody called; None where they were not."""
        if self._files is None or not may_be_kept(row):
            return None
        with suppress(OSError):
            return self._files.find(self._files.place(row, encoding), len(row))
        return None

    def _known(self, key: tuple[object, ...]) -> bytes | None:
        with self._lock:
            if key in self._encoded:
                self._encoded.move_to_end(key)
            return self._encoded.get(key)

    def _head(self, clip: Clip, encoding: Encoding, from_ms: int) -> bytes:
        """Return some seconds of a long file, in their place; many ask for the first ones."""
        if from_ms >= encoding.ptime_ms:
            return encode_from(clip, encoding, from_ms // encoding.ptime_ms)
        key = (clip, Path(clip.path).stat().st_mtime_ns, encoding, HEAD_S)
        sound = self._known(key)
        if sound is None:
            sound = encode(clip, encoding, most_s=HEAD_S)
            self._put(key, sound)
        return sound

    def _of_file(self, clip: Clip, encoding: Encoding, from_ms: int | None) -> bytes:
        files = self._files if clip.is_kept else None
        place = None if files is None else files.place((clip,), encoding)
        if files is not None and place is not None and (kept := files.find(place)) is not None:
            return kept[0]
        is_long = Path(clip.path).stat().st_size > QUICK_BYTES
        if is_long and from_ms is not None:
            raise _TakesLongError(self._head(clip, encoding, from_ms))
        if files is None or place is None:
            return encode(clip, encoding)
        if is_long and self._aside is not None:
            self._aside(files.folder, clip, encoding)
            if (kept := files.find(place)) is not None:
                return kept[0]
        sound = encode(clip, encoding)
        files.keep(place, [sound])
        return sound

    def _put(self, key: tuple[object, ...], sound: bytes) -> None:
        with self._lock:
            self._held += len(sound) - len(self._encoded.get(key, b""))
            self._encoded[key] = sound
            while self._held > self._cache_bytes and len(self._encoded) > 1:
                self._held -= len(self._encoded.popitem(last=False)[1])


def _wanted_from(index: int, hurried: Place | None) -> int | None:
    """Return from which millisecond of an item on some seconds will do for now; None: all is wanted."""
    if hurried is None:
        return None
    return hurried[1] if index == hurried[0] else 0


def _in_words(item: PlayItem, error: Exception) -> str:
    return f"{item} cannot be played: {error}"


def _changed_at(item: PlayItem) -> int:
    """Return when the file of ``item`` was changed last; 0 where there is none."""
    try:
        return Path(item.path).stat().st_mtime_ns if isinstance(item, Clip) else 0
    except OSError:
        return 0


class _TakesLongError(Exception):
    """It is to be encoded elsewhere."""

    def __init__(self, sound: bytes) -> None:
        super().__init__()
        self.sound = sound
        """What is to be heard next, in its place."""
