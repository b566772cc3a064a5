"""Sound files of any kind that people have: WAV, FLAC, MP3, Ogg, Opus, GSM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.convert import RATE_HZ as RECORDING_HZ
from media.errors import MalformedMedia
from media.resample import resample
from media.wav import read_channels, read_wav

Pcm = NDArray[np.int16]

LONGEST_S = 900.0
"""What is longer would fill the memory when it is encoded."""
_BEHIND_S = 0.1
"""So much behind the end of a beginning is read as well: the last samples depend on it."""
_OWN_RATES = (8000, 16_000, 48_000)
"""Of WAV files that we read ourselves, without loading FFmpeg; prompts have these."""


def read_sound(path: Path | str, rate: int, *, most_s: float = LONGEST_S) -> Pcm:
    """Return the sound of a file, mixed down to one channel, at ``rate`` Hz.

    Of one that is longer than ``most_s`` seconds, if they are fewer than ``LONGEST_S``, only so much.

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
            if most_s < LONGEST_S:
                pcm = pcm[: round((most_s + _BEHIND_S) * own_rate)]
            return _beginning(path, resample(pcm, own_rate, rate), rate, most_s)
    return _beginning(path, _decoded(path, rate, most_s + _BEHIND_S), rate, most_s)


def read_channels_of(path: Path | str) -> tuple[Pcm, int]:
    """Return the sound of a recording of ours, one column for each channel, and its rate in Hz.

    Raises:
        MalformedMedia: it holds no sound that can be read.
        OSError: the file itself cannot be read.
    """
    path = Path(path)
    if path.suffix == ".wav":
        return read_channels(path)
    pieces = [frame.to_ndarray() for frame in _resampled(path, "s16", "stereo", RECORDING_HZ)]
    return np.concatenate(pieces, axis=1).reshape(-1, 2), RECORDING_HZ


def _beginning(path: Path, pcm: Pcm, rate: int, most_s: float) -> Pcm:
    if most_s < LONGEST_S:
        return pcm[: round(most_s * rate)]
    if len(pcm) > LONGEST_S * rate:
        raise MalformedMedia(f"{path}: longer than {LONGEST_S / 60:.0f} minutes")
    return pcm


def _frames(path: Path, container: Any) -> Iterator[Any]:
    """Yield the frames of the first sound, and None at the end, which flushes the resampler.

    What is broken in the middle or at the end is left out, as every player does it.

    Raises:
        MalformedMedia: more of it is broken than whole.
    """
    import av

    whole = broken = 0
    for packet in container.demux(audio=0):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            broken += 1
        else:
            whole += 1
            yield from frames
    if broken >= whole:
        raise MalformedMedia(f"{path}: cannot be read as sound: most of it is broken")
    yield None


def _resampled(path: Path, format: str, layout: str, rate: int) -> Iterator[Any]:
    """Yield the frames that FFmpeg, some 20 MB of memory that many offices do without, reads in a file."""
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MalformedMedia(f"{path}: there is no sound in it")
            resampler = av.AudioResampler(format=format, layout=layout, rate=rate)
            for decoded in _frames(path, container):
                yield from resampler.resample(decoded)
    except av.error.FFmpegError as error:
        raise MalformedMedia(f"{path}: cannot be read as sound: {error.strerror}") from None


def _decoded(path: Path, rate: int, most_s: float) -> Pcm:
    """Return the sound of a file, or a little more than its first ``most_s`` seconds."""
    pieces: list[Pcm] = []
    samples = 0
    for frame in _resampled(path, "s16", "mono", rate):
        pieces.append(frame.to_ndarray()[0])
        samples += frame.samples
        if samples > most_s * rate:
            break
    if not samples:
        raise MalformedMedia(f"{path}: there is no sound in it")
    return np.concatenate(pieces)
