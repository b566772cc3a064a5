"""Silence, and sound files of many kinds, made for tests."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def silence(seconds: float, rate: int) -> NDArray[np.int16]:
    """Return ``seconds`` of nothing."""
    return np.zeros(round(seconds * rate), np.int16)


def write_sound(path: Path, pcm: NDArray[np.int16], rate: int, codec: str, *, layout: str = "mono") -> Path:
    """Write ``pcm``, the same in all channels, by FFmpeg's ``codec``; the suffix names the container."""
    channels = {"mono": 1, "stereo": 2}[layout]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.repeat(pcm, channels)[np.newaxis], format="s16", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        fifo = av.AudioFifo()
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            fifo.write(piece)
        size = stream.codec_context.frame_size or 1024
        while (packed := fifo.read(size) or fifo.read()) is not None:
            packed.pts = None
            container.mux(stream.encode(packed))
        container.mux(stream.encode(None))
    return path
