"""One stream decoded to samples of one rate, whole although packets are lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media import codecs
from media.concealment import Concealment
from media.resample import Resampler

Pcm = NDArray[np.int16]


class Ear:
    """Hears one codec. What is lost is made up: by the codec where it can, else from what was heard last."""

    def __init__(self, codec: str, rate: int) -> None:
        self._codec = codecs.by_name(codec)
        self._concealment = Concealment(self._codec.sample_rate_hz)
        self._resampler = Resampler(self._codec.sample_rate_hz, rate)

    def hear(self, payload: bytes) -> Pcm:
        """Return the samples of ``payload``."""
        return self._resampler.feed(self._concealment.heard(self._codec.decode(payload)))

    def conceal(self, seconds: float) -> Pcm:
        """Return samples in place of ``seconds`` that were lost."""
        samples = round(seconds * self._codec.sample_rate_hz)
        made_up = self._codec.conceal(samples)
        return self._resampler.feed(self._concealment.conceal(samples) if made_up is None else made_up)
