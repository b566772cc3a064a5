"""Sound files of any kind that people have: WAV, FLAC, MP3, Ogg, Opus, GSM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.errors import MalformedMedia
from media.resample import resample
from media.wav import read_wav

Pcm = NDArray[np.int16]

LONGEST_S = 900.0
"""What is longer would fill the memory when it is encoded."""
_OWN_RATES = (8000, 16_000, 48_000)
"""Of WAV files that we read ourselves, without loading FFmpeg; prompts have these."""


def read_sound(path: Path | str, rate: int) -> Pcm:
    """Return the sound of a file, mixed down to one channel, at ``rate`` Hz.

    Raises:
        MalformedMedia: it holds no sound that can be read, or more than ``LONGEST_S``; the message names it.
        OSError: the file itself cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        is_wav = file.read(4) == b"RIFF"
    if is_wav:
        try:
            pcm, own_rate = read_wav(path)
        except MalformedMedia:
            pcm, own_rate = np.empty(0, np.int16), 0  # 24 bits, floats, a codec inside: not for us to read
        if own_rate in _OWN_RATES:
            return _checked(path, resample(pcm, own_rate, rate), rate)
    return _checked(path, _decoded(path, rate), rate)


def _checked(path: Path, pcm: Pcm, rate: int) -> Pcm:
    if len(pcm) > LONGEST_S * rate:
        raise MalformedMedia(f"{path}: longer than {LONGEST_S / 60:.0f} minutes")
    return pcm


def _frames(container: Any) -> Iterator[Any]:
    """Yield the frames of the first sound, and None at the end, which flushes the resampler."""
    yield from container.decode(audio=0)
    yield None


def _decoded(path: Path, rate: int) -> Pcm:
    """Return what FFmpeg, some 20 MB of memory that many offices do without, reads in a file."""
    import av

    pieces: list[Pcm] = []
    samples = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MalformedMedia(f"{path}: there is no sound in it")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            for decoded in _frames(container):
                for frame in resampler.resample(decoded):
                    pieces.append(frame.to_ndarray()[0])
                    samples += frame.samples
                if samples > LONGEST_S * rate:
                    break
    except av.error.FFmpegError as error:
        raise MalformedMedia(f"{path}: cannot be read as sound: {error.strerror}") from None
    if not samples:
        raise MalformedMedia(f"{path}: there is no sound in it")
    return np.concatenate(pieces)
