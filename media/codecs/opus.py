"""Opus by libopus (RFC 6716): mono at 48 kHz, whatever the far end's microphone has."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from media.encoding import OPUS_BIT_RATE, OPUS_CLOCK_HZ, duration_ticks

_TOC_ALONE = 0xFC
"""Mask of the first byte: one frame of no bytes, which the decoder makes up as it does for a lost one."""


class Opus:
    """All packets of one encoder are equally long, so that encoded sound can be cut like that of G.711."""

    name = "opus"
    payload_type = 111
    """Dynamic: the number under which we offer it, as browsers do."""
    clock_rate_hz = OPUS_CLOCK_HZ
    sample_rate_hz = OPUS_CLOCK_HZ

    def __init__(self, ptime_ms: int = 20, bit_rate: int = OPUS_BIT_RATE) -> None:
        self._ptime_ms = ptime_ms
        self._bit_rate = bit_rate
        self._encoder: av.AudioCodecContext | None = None
        self._decoder: av.AudioCodecContext | None = None
        self._toc = b""

    def encode(self, pcm: NDArray[np.int16]) -> bytes:
        """Return the packets of ``pcm`` in a row; what does not fill a last one is left out."""
        if self._encoder is None:
            self._encoder = _encoder(self._ptime_ms, self._bit_rate)
        size = self._ptime_ms * self.sample_rate_hz // 1000
        packets = bytearray()
        for start in range(0, len(pcm) - size + 1, size):
            samples = np.ascontiguousarray(pcm[start : start + size], np.int16)[np.newaxis]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = self.sample_rate_hz
            packets += b"".join(bytes(packet) for packet in self._encoder.encode(frame))
        return bytes(packets)

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Return the samples of one packet; of what is no Opus, silence as long as it claims to be."""
        if not payload:  # to the decoder an empty packet is the end of the stream
            return np.empty(0, np.int16)
        if self._decoder is None:
            self._decoder = _decoder()
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.error.InvalidDataError:
            return np.zeros(duration_ticks(self.name, payload), np.int16)
        self._toc = bytes((payload[0] & _TOC_ALONE,))
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])

    def conceal(self, samples: int) -> NDArray[np.int16]:
        """Return ``samples`` as the decoder makes them up after what it heard last.

        What the packet behind a lost one may tell of it (in-band FEC, RFC 6716 §2.1.7) stays unread: FFmpeg
        asks libopus for that in no way, whatever its options.
        """
        made_up: list[NDArray[np.int16]] = []
        missing = samples
        while missing > 0 and self._toc:
            made_up.append(self.decode(self._toc))
            missing -= len(made_up[-1])
        return np.concatenate([*made_up, np.zeros(max(missing, 0), np.int16)])[:samples]


def _encoder(ptime_ms: int, bit_rate: int) -> av.AudioCodecContext:
    """Return an opened encoder whose packets all have the same size."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate = OPUS_CLOCK_HZ
    context.layout = "mono"
    context.format = "s16"
    context.bit_rate = bit_rate
    context.options = {
        # Speech, music and tones alike: "voip" takes a ringback tone for hum, and in-band FEC, which needs
        # the coder for speech, spoils tones. FEC of phones goes through us to others untouched.
        "application": "audio",
        "frame_duration": str(ptime_ms),
        "vbr": "off",
    }
    context.open()
    return context


def _decoder() -> av.AudioCodecContext:
    """Return an opened decoder that mixes stereo down."""
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate = OPUS_CLOCK_HZ
    context.layout = "mono"
    context.format = "s16"
    context.open()
    return context
