"""The office's own sound files, listened to before a caller hears silence in the place of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from b2bua.phrases.phrasebook import SUFFIXES
from media.errors import MediaError
from media.riff import wav_seconds

RATE_HZ = 8000


def seconds_of(path: Path) -> float:
    """Return how long the sound of a file is; 0 for one that cannot be played, which ``defects`` tells."""
    with suppress(MediaError, OSError):
        return wav_seconds(path)
    from media.audiofile import read_sound  # takes longer to import than most offices to check

    try:
        return len(read_sound(path, RATE_HZ)) / RATE_HZ
    except (MediaError, OSError):
        return 0.0


def defects(folder: Path | None) -> Iterator[str]:
    """Yield what is wrong with each sound file in ``folder`` and below it that cannot be played."""
    if folder is None:
        return
    from media.audiofile import read_sound

    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
        try:
            if not len(read_sound(path, RATE_HZ)):
                yield f"{path}: there is no sound in it"
        except MediaError as error:
            yield str(error)
        except OSError as error:
            yield f"{path}: {error.strerror}"
