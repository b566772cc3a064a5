"""G.722: 64 kbit/s of 16 kHz audio. Its RTP clock is 8000, an old mistake kept (RFC 3551 §4.5.2)."""

from __future__ import annotations

from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

FRAME_SAMPLES = 160
"""10 ms: the shortest packet that is sent, so that every packet is a whole number of encoder frames."""
_RUN_UP_SAMPLES = 5 * FRAME_SAMPLES


class G722:
    """Sub-band ADPCM. It adapts to what went through it: an instance serves one stream, each way.

    A decoder is used to what it had before, a prompt, or music that goes round. By the steps of an encoder
    that is used to nothing it would make a bang of what begins loud, as loud as can be. So each begins as if
    it had said the same already: at worst something begins softly, for some hundredths of a second.
    """

    name = "G722"
    payload_type = 9
    clock_rate_hz = 8000
    sample_rate_hz = 16_000

    def __init__(self) -> None:
        self._encoder: av.AudioCodecContext | None = None
        self._decoder: av.AudioCodecContext | None = None

    def encode(self, pcm: NDArray[np.int16]) -> bytes:
        """Return one byte per two samples. What does not fill 10 ms waits for the next call."""
        if not len(pcm):
            return b""
        if self._encoder is None:
            self._encoder = _context("w")
            self.encode(np.resize(pcm[:FRAME_SAMPLES], _RUN_UP_SAMPLES))
        frame = av.AudioFrame.from_ndarray(np.asarray(pcm, np.int16)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = self.sample_rate_hz
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Return two samples per byte."""
        if not payload:  # to the decoder an empty packet is the end of the stream
            return np.empty(0, np.int16)
        self._decoder = self._decoder or _context("r")
        frames = self._decoder.decode(av.Packet(payload))
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])

    def conceal(self, samples: int) -> None:
        """Return None: whoever plays it conceals what is lost."""


def _context(mode: Literal["r", "w"]) -> av.AudioCodecContext:
    """Return an opened encoder ("w") or decoder ("r")."""
    context = av.CodecContext.create("g722", mode)
    context.sample_rate = G722.sample_rate_hz
    context.layout = "mono"
    context.format = "s16"
    if mode == "w":
        context.options = {"frame_size": str(FRAME_SAMPLES)}
    context.open()
    return context
