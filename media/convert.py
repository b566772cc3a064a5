"""Recordings made small once they are complete."""

from __future__ import annotations

import os
from pathlib import Path

from media.errors import MalformedMedia

ENCODERS = {".opus": ("libopus", "ogg", 32_000), ".mp3": ("libmp3lame", "mp3", 48_000)}
"""Suffix: FFmpeg's encoder, container, and bits per second for both channels, enough for speech."""
RATE_HZ = 16_000
_LOST_S = 0.5
"""By how much the outcome may be shorter than what it was made of: a codec's delay and one packet."""


def convert(source: Path, target: Path) -> None:
    """Write the stereo sound of ``source`` to ``target``, as its suffix says. It is on the disk on return.

    Nothing is called ``target`` before it is complete. Takes half a minute of a core for an hour.

    Raises:
        MalformedMedia: the source cannot be read, or the outcome is not as long.
        OSError: the disk does not take it.
    """
    import av  # some 20 MB of memory that an office does without which keeps WAV files

    part = part_of(target)
    try:
        written_s = _encode(source, part, *ENCODERS[target.suffix])
        if (length_s := _length(part)) < written_s - _LOST_S:
            raise MalformedMedia(f"{target}: {length_s:.1f} s of {written_s:.1f} s were kept")
        part.chmod(source.stat().st_mode & 0o777)
        _sync(part)
        part.replace(target)
        _sync(target.parent)
    except av.error.FFmpegError as error:
        raise MalformedMedia(f"{source}: cannot be converted: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def part_of(target: Path) -> Path:
    """Return what `convert` writes before it is complete."""
    return target.with_name(target.name + ".part")


def _encode(source: Path, part: Path, encoder: str, container: str, bit_rate: int) -> float:
    """Return how many seconds were encoded."""
    import av

    seconds = 0.0
    with av.open(str(source)) as sound, av.open(str(part), "w", format=container) as out:
        stream = out.add_stream(encoder, rate=RATE_HZ)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        stream.bit_rate = bit_rate
        for frame in sound.decode(audio=0):
            seconds += frame.samples / frame.sample_rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return seconds


def _length(path: Path) -> float:
    import av

    with av.open(str(path)) as sound:
        return (sound.duration or 0) / av.time_base


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
