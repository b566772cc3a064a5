"""Prompts that tell their name: every one a pair of tones of its own, as long as the real one."""

from __future__ import annotations

import atexit
import functools
import itertools
import shutil
import tempfile
from pathlib import Path

import av

from b2bua.phrases import Phrasebook
from media.tones import tone
from media.wav import WavFormat, WavWriter

FRAME_S = 0.02
RATE = 8000
LOW = tuple(range(450, 1700, 100))
HIGH = tuple(range(1850, 3400, 100))
LEVEL_DB = -16.0
MUSIC = "calm"
LONGEST_S = 30.0


@functools.cache
def markers() -> dict[str, tuple[int, int]]:
    """Return the pair of tones of every prompt of any language; the waiting music has one too."""
    root = Phrasebook.found()
    languages = sorted(Phrasebook.languages(root), key=lambda language: (language != "en", language))
    found = [path.stem for language in languages for path in sorted((root / language).glob("*.wav"))]
    return dict(zip(dict.fromkeys([MUSIC, *found]), itertools.product(LOW, HIGH), strict=False))


@functools.cache
def lasts_s(name: str) -> float:
    """Return how long the marker of a prompt lasts: as the real one in whole frames, and not for ever."""
    with av.open(str(_real(name))) as container:
        stream = container.streams.audio[0]
        seconds = float(stream.duration * stream.time_base)
    return round(min(seconds, LONGEST_S) / FRAME_S) * FRAME_S


@functools.cache
def marked_prompts() -> Path:
    """Return a folder of prompts that sound like their markers and last as long as the real ones."""
    folder = Path(tempfile.mkdtemp(prefix="marked-prompts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "music").mkdir()
    for name, pair in markers().items():
        _write(folder / ("music" if name == MUSIC else "") / f"{name}.wav", pair, lasts_s(name))
    return folder


def with_marked_prompts(text: str) -> str:
    """Return a configuration that plays the markers."""
    return text.replace("[office]\n", f'[office]\nprompts = "{marked_prompts()}"\n', 1)


def _real(name: str) -> Path:
    """Return the file that comes with the program: in English, where there is such a prompt."""
    root = Phrasebook.found()
    folders = [root / "music"] if name == MUSIC else [root / "en", *sorted(root.iterdir())]
    return next(path for folder in folders if (path := folder / f"{name}.wav").is_file())


def _write(path: Path, pair: tuple[int, int], seconds: float) -> None:
    writer = WavWriter(path, RATE, WavFormat.PCM16)
    writer.append(tone([float(one) for one in pair], seconds, RATE, LEVEL_DB).astype("<i2").tobytes())
    writer.close()
