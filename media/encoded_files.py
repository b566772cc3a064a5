"""Encoded sounds on disk, so that neither a caller, nor a start, nor a new worker has to wait for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from errno import ENOSPC
from itertools import accumulate, pairwise
from pathlib import Path
from zlib import crc32

from media.commands import Clip, PlayItem, Row
from media.encoding import Encoding

WRITTEN_AS = 2
"""To be raised whenever sounds are read, made as loud or encoded in another way."""
MOST_BYTES = 256 * 1024 * 1024
"""Nine hours of G.711."""
LEAST_FREE_BYTES = 64 * 1024 * 1024
"""Left to the journal, to messages and recordings: what is here can be encoded again."""
LEAST_FREE_PART = 4
"""Of a small disk a quarter is left to them."""
_CHECK_BYTES = _LENGTH_BYTES = 4


class EncodedFiles:
    """A folder of encoded sounds, the longest unused of which go first.

    What the disk does not take, or gives back changed, is encoded again.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        """Have up to ``most_bytes`` in ``folder``, which is made when there is something to keep."""
        self.folder = folder
        """Where they are."""
        self._most_bytes = most_bytes
        self._held_bytes: int | None = None
        """What is in the folder, without what other processes put there since; None: not looked at yet."""

    def place(self, row: Row, encoding: Encoding) -> Path:
        """Return where the payloads of ``row`` are kept, as its files are now.

        To be asked for before these are read: they may change, or still be copied, while they are encoded.

        Raises:
            OSError: one of the files is not there.
        """
        from hashlib import sha256  # with OpenSSL behind it, which a worker that plays nothing need not load

        whole = WRITTEN_AS, tuple(map(_as_it_is, row)), encoding.common
        return self.folder / sha256(repr(whole).encode()).hexdigest()[:32]

    def find(self, file: Path, items: int = 1) -> list[bytes] | None:
        """Return the payloads of so many ``items`` whose place that is; None where they were not kept."""
        try:
            content = file.read_bytes()
        except OSError:
            return None
        _use(file)
        kept = content[_CHECK_BYTES:]
        if content[:_CHECK_BYTES] == _check(kept):
            return _apart(kept, items)
        with suppress(OSError):  # so that it counts as missing, and is encoded anew
            file.unlink()
        return None

    def has(self, file: Path) -> bool:
        """Return whether there is a payload at that place, and count it as used."""
        _use(file)
        try:
            # A machine that lost its power may have the name on its disk and not what it names.
            return file.stat().st_size >= _CHECK_BYTES
        except OSError:
            return False

    def keep(self, file: Path, sounds: Sequence[bytes]) -> None:
        """Have ``sounds`` there for the next time, if the disk takes them."""
        with suppress(OSError):
            self.write(file, sounds)

    def write(self, file: Path, sounds: Sequence[bytes]) -> None:
        """Have ``sounds`` there for the next time.

        Raises:
            OSError: the disk does not take them.
        """
        kept, part = _together(sounds), file.with_suffix(f".{os.getpid()}")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._leave_room()
        try:
            part.write_bytes(_check(kept) + kept)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        if self._held_bytes is not None:
            self._held_bytes += _CHECK_BYTES + len(kept)
        if self._held_bytes is None or self._held_bytes > self._most_bytes:
            self._held_bytes = self._make_room()

    def _leave_room(self) -> None:
        """Raise OSError where others need what the disk has left."""
        disk = os.statvfs(self.folder)
        least = min(LEAST_FREE_BYTES, disk.f_blocks * disk.f_frsize // LEAST_FREE_PART)
        if disk.f_bavail * disk.f_frsize < least:
            raise OSError(ENOSPC, f"less than {least >> 20} MB are left")

    def _make_room(self) -> int:
        """Remove what is too much; return how much there is then."""
        used = sorted((status.st_mtime_ns, status.st_size, file) for file, status in self._held())
        total = sum(size for _, size, _ in used)
        for _, size, file in used:
            if total <= self._most_bytes:
                break
            file.unlink(missing_ok=True)
            total -= size
        return total

    def _held(self) -> list[tuple[Path, os.stat_result]]:
        held = []
        for file in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another worker makes room, too
                held.append((file, file.stat()))
        return held


def _use(file: Path) -> None:
    """Count ``file`` as used; a disk that is only read by now still gives back what is on it."""
    with suppress(OSError):
        os.utime(file)


def _as_it_is(item: PlayItem) -> tuple[object, ...]:
    """Return what its sound depends on."""
    if not isinstance(item, Clip):
        return (item,)
    path = Path(item.path)
    status = path.stat()
    return path.absolute(), status.st_mtime_ns, status.st_size, item.gain_db, item.lufs


def _together(sounds: Sequence[bytes]) -> bytes:
    """Return all as one, the lengths of all but the last before them."""
    lengths = (len(sound).to_bytes(_LENGTH_BYTES) for sound in sounds[:-1])
    return b"".join((*lengths, *sounds))


def _apart(kept: bytes, items: int) -> list[bytes]:
    """Return what was put together, so many ``items``."""
    begin = (items - 1) * _LENGTH_BYTES
    lengths = (int.from_bytes(kept[at : at + _LENGTH_BYTES]) for at in range(0, begin, _LENGTH_BYTES))
    ends = accumulate(lengths, initial=begin)
    return [kept[start:end] for start, end in pairwise((*ends, len(kept)))]


def _check(kept: bytes) -> bytes:
    return crc32(kept).to_bytes(_CHECK_BYTES)
