"""GSM full rate (ETSI EN 300 961), decoded only: what old sound files hold, and what no call is offered."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from media.errors import NoCommonCodec

FRAME_BYTES = 33
FRAME_SAMPLES = 160


class Gsm:
    """33 bytes for each 20 ms (RFC 3551 §4.5.8)."""

    name = "GSM"
    payload_type = 3
    clock_rate_hz = 8000
    sample_rate_hz = 8000

    def __init__(self) -> None:
        context = av.CodecContext.create("gsm", "r")
        context.sample_rate = self.sample_rate_hz
        context.layout = "mono"
        context.open()
        self._decoder = context

    def encode(self, pcm: NDArray[np.int16]) -> bytes:
        """Refuse: no library of ours encodes it.

        Raises:
            NoCommonCodec: always.
        """
        raise NoCommonCodec(f"{len(pcm)} samples: GSM is decoded, not encoded")

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Return the samples of the whole frames in ``payload``; a frame that is none is silent."""
        starts = range(0, len(payload) - FRAME_BYTES + 1, FRAME_BYTES)
        frames = [self._decode(payload[start : start + FRAME_BYTES]) for start in starts]
        return np.concatenate([np.empty(0, np.int16), *frames])

    def _decode(self, frame: bytes) -> NDArray[np.int16]:
        try:
            decoded = self._decoder.decode(av.Packet(frame))
        except av.error.InvalidDataError:
            return np.zeros(FRAME_SAMPLES, np.int16)
        return np.concatenate([each.to_ndarray().reshape(-1) for each in decoded])

    def conceal(self, samples: int) -> None:
        """Return None: whoever plays it conceals what is lost."""
