"""G.711: 64 kbit/s, one byte per sample, by tables made from the formulas of ITU-T G.711 and G.191."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int32]

SAMPLE_RATE_HZ = 8000


def _expand_alaw(codes: _Ints) -> _Ints:
    """Return the 16-bit sample of each A-law code (G.711 table 1)."""
    inverted = codes ^ 0x55  # even bits travel inverted
    exponent, mantissa = inverted >> 4 & 7, inverted & 15
    magnitude = np.where(exponent, mantissa + 16 << np.maximum(exponent - 1, 0), mantissa) * 16
    magnitude += 8 << np.maximum(exponent - 1, 0)  # the middle of the interval
    return np.where(inverted & 0x80, magnitude, -magnitude)


def _compress_alaw(samples: _Ints) -> _Ints:
    """Return the A-law code of each 16-bit sample."""
    magnitude = np.where(samples < 0, ~samples, samples) >> 4
    exponent = np.maximum(_bit_length(magnitude) - 4, 0)
    mantissa = magnitude >> np.maximum(exponent - 1, 0) & 15
    return np.asarray((exponent << 4 | mantissa | np.where(samples < 0, 0, 0x80)) ^ 0x55, np.int32)


def _expand_ulaw(codes: _Ints) -> _Ints:
    """Return the 16-bit sample of each µ-law code (G.711 table 2)."""
    inverted = ~codes  # all bits travel inverted
    exponent, mantissa = inverted >> 4 & 7, inverted & 15
    magnitude = ((mantissa * 2 + 33 << exponent) - 33) * 4
    return np.where(inverted & 0x80, -magnitude, magnitude)


def _compress_ulaw(samples: _Ints) -> _Ints:
    """Return the µ-law code of each 16-bit sample."""
    magnitude = np.minimum((np.where(samples < 0, ~samples, samples) >> 2) + 33, 0x1FFF)
    exponent = _bit_length(magnitude) - 6
    mantissa = magnitude >> exponent + 1 & 15
    return np.asarray(~(exponent << 4 | mantissa | np.where(samples < 0, 0x80, 0)) & 0xFF, np.int32)


def _bit_length(magnitudes: _Ints) -> _Ints:
    """Return how many bits each number needs; 0 needs none."""
    return np.asarray(np.frexp(magnitudes)[1], np.int32)


_CODES: _Ints = np.arange(256, dtype=np.int32)
_SAMPLES: _Ints = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class G711:
    """One of the two laws; it keeps no state."""

    name: str
    """``PCMA`` or ``PCMU``."""
    payload_type: int
    """Static (RFC 3551 §6)."""
    samples: NDArray[np.int16]
    """The sample of each of the 256 codes."""
    codes: NDArray[np.uint8]
    """The code of each of the 65,536 samples, indexed by the sample as unsigned."""
    magnitudes: _Ints
    """How far from zero samples can be, in order."""
    ranks: bytes
    """For ``bytes.translate``: which of the magnitudes each code has."""
    clock_rate_hz: int = SAMPLE_RATE_HZ
    """Ticks per second of the RTP timestamp."""
    sample_rate_hz: int = SAMPLE_RATE_HZ
    """Samples per second."""

    def encode(self, pcm: NDArray[np.int16]) -> bytes:
        """Return one code per sample."""
        return self.codes.take(np.asarray(pcm, np.int16).view(np.uint16)).tobytes()

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Return one sample per code."""
        return self.samples.take(np.frombuffer(payload, np.uint8))

    def conceal(self, samples: int) -> None:
        """Return None: whoever plays it conceals what is lost."""


def _law(
    name: str, payload_type: int, expand: Callable[[_Ints], _Ints], compress: Callable[[_Ints], _Ints]
) -> G711:
    """Return the law of the two formulas, worked out for every code and sample."""
    codes, samples = compress(_SAMPLES).astype(np.uint8), expand(_CODES)
    magnitudes, ranks = np.unique(np.abs(samples), return_inverse=True)
    return G711(
        name,
        payload_type,
        samples.astype(np.int16),
        codes,
        magnitudes,
        ranks.astype(np.uint8).tobytes(),
    )


_PCMA = _law("PCMA", 8, _expand_alaw, _compress_alaw)
_PCMU = _law("PCMU", 0, _expand_ulaw, _compress_ulaw)

ALAW_TO_ULAW = _PCMU.encode(_PCMA.samples)
"""For ``bytes.translate``: the µ-law code of each A-law code's sample."""
ULAW_TO_ALAW = _PCMA.encode(_PCMU.samples)
"""For ``bytes.translate``: the A-law code of each µ-law code's sample."""


def PCMA() -> G711:  # noqa: N802 - the codec's own name
    """Return A-law, the law of Europe and of all international calls."""
    return _PCMA


def PCMU() -> G711:  # noqa: N802 - the codec's own name
    """Return µ-law, the law of North America and Japan."""
    return _PCMU
