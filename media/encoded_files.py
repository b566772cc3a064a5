"""Encoded sounds on disk, so that a start or a new worker need not encode an office's music again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from media.commands import Clip
from media.encoding import Encoding

WRITTEN_AS = 2
"""To be raised whenever sounds are read, made as loud or encoded in another way."""
MOST_BYTES = 256 * 1024 * 1024
"""Nine hours of G.711."""
_CHECK_BYTES = 4


class EncodedFiles:
    """A folder of encoded sounds, the longest unused of which go first.

    What the disk does not take, or gives back changed, is encoded again.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        """Have up to ``most_bytes`` in ``folder``, which is made when there is something to keep."""
        self.folder = folder
        """Where they are."""
        self._most_bytes = most_bytes

    def place(self, clip: Clip, encoding: Encoding) -> Path:
        """Return where the payload of ``clip`` is kept, as its file is now.

        To be asked for before that is read: it may be changed, or still be copied, while it is encoded.

        Raises:
            OSError: the file of the clip itself is not there.
        """
        from hashlib import sha256  # with OpenSSL behind it, which a worker that plays nothing need not load

        path = Path(clip.path)
        status = path.stat()
        whole = path.absolute(), status.st_mtime_ns, status.st_size, clip.gain_db, clip.lufs, encoding
        return self.folder / sha256(repr((WRITTEN_AS, whole)).encode()).hexdigest()[:32]

    def find(self, file: Path) -> bytes | None:
        """Return the payload whose place that is; None where it was not kept."""
        try:
            content = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        sound = content[_CHECK_BYTES:]
        # A machine that lost its power may have the name on its disk and not what it names.
        return sound if content[:_CHECK_BYTES] == _check(sound) else None

    def has(self, file: Path) -> bool:
        """Return whether there is a payload at that place, and count it as used."""
        try:
            os.utime(file)
        except OSError:
            return False
        return True

    def keep(self, file: Path, sound: bytes) -> None:
        """Have ``sound`` there for the next time, if the disk takes it."""
        part = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                part.write_bytes(_check(sound) + sound)
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
            self._make_room()

    def _make_room(self) -> None:
        used = sorted((status.st_mtime_ns, status.st_size, file) for file, status in self._held())
        total = sum(size for _, size, _ in used)
        for _, size, file in used:
            if total <= self._most_bytes:
                break
            file.unlink(missing_ok=True)
            total -= size

    def _held(self) -> list[tuple[Path, os.stat_result]]:
        held = []
        for file in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another worker makes room, too
                held.append((file, file.stat()))
        return held


def _check(sound: bytes) -> bytes:
    return crc32(sound).to_bytes(_CHECK_BYTES)
