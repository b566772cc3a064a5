"""Speech codecs behind one small interface. A codec may keep state: one instance serves one stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import PCMA, PCMU
from media.encoding import Encoding
from media.errors import NoCommonCodec

Pcm = NDArray[np.int16]


class Codec(Protocol):
    """Mono 16-bit samples to payload bytes and back."""

    @property
    def name(self) -> str:
        """The encoding name of ``a=rtpmap``."""

    @property
    def payload_type(self) -> int:
        """Its static number (RFC 3551 §6)."""

    @property
    def clock_rate_hz(self) -> int:
        """Ticks per second of the RTP timestamp."""

    @property
    def sample_rate_hz(self) -> int:
        """Samples per second of what is encoded; G.722 has twice as many as ticks."""

    def encode(self, pcm: Pcm) -> bytes:
        """Return the payload of ``pcm``."""

    def decode(self, payload: bytes) -> Pcm:
        """Return the samples of ``payload``; any bytes are some sound."""

    def conceal(self, samples: int) -> Pcm | None:
        """Return ``samples`` in place of those that were lost; None: this codec knows no way."""


def _g722() -> Codec:
    """Return a G.722 codec; FFmpeg, some 20 MB of memory, is loaded only where somebody speaks wideband."""
    from media.codecs.g722 import G722

    return G722()


def _gsm() -> Codec:
    """Return a GSM codec, which only decodes."""
    from media.codecs.gsm import Gsm

    return Gsm()


def _opus() -> Codec:
    """Return an Opus codec for packets of 20 ms."""
    from media.codecs.opus import Opus

    return Opus()


_CODECS: dict[str, Callable[[], Codec]] = {
    "PCMU": PCMU,
    "PCMA": PCMA,
    "G722": _g722,
    "GSM": _gsm,
    "OPUS": _opus,
}


def by_name(name: str) -> Codec:
    """Return a new codec for one stream, by its SDP name in any case.

    Raises:
        NoCommonCodec: there is none of that name.
    """
    try:
        return _CODECS[name.upper()]()
    except KeyError:
        raise NoCommonCodec(f"no codec {name!r}; there are {', '.join(_CODECS)}") from None


def encoder(encoding: Encoding) -> Codec:
    """Return a new codec that encodes one stream as ``encoding`` says.

    Raises:
        NoCommonCodec: there is none of that name.
    """
    if encoding.codec != "opus":
        return by_name(encoding.codec)
    from media.codecs.opus import Opus

    return Opus(encoding.ptime_ms, encoding.bit_rate)
