"""The file of a conversation: what one far end says on the left, what the other says on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media import codecs
from media.ear import Ear
from media.meter import Meter
from media.soundfile import CONCEALED_S, TICKS_PER_SECOND, WIDEBAND_HZ, Spoken
from media.wav import WavFormat, WavWriter, format_of, read_channels

Pcm = NDArray[np.int16]

_SLACK_S = 0.005
"""So far a packet may be off its place: what resamples gives now more, now less than is due."""
_LAWS = {"PCMA": WavFormat.PCMA, "PCMU": WavFormat.PCMU}


class StereoFile:
    """A WAV file of two channels: G.711 if both parties begin with that, else 16 bits at 16 kHz.

    One that is there already is gone on with. It writes when told, in the calling thread.
    """

    def __init__(self, path: Path, codec_names: Sequence[str]) -> None:
        """Begin, for parties who speak by the codecs of these names.

        Raises:
            OSError: the disk does not take it.
            MalformedMedia: what is there is no such recording.
        """
        is_resumed = path.exists() and path.stat().st_size > 0
        format = format_of(path) if is_resumed else _format_for(codec_names)
        self._law = None if format is WavFormat.PCM16 else codecs.by_name(format)
        self._rate = WIDEBAND_HZ if self._law is None else self._law.sample_rate_hz
        self._writer = WavWriter(path, self._rate, format, channels=2, is_resumed=is_resumed)
        self._written = round(self._writer.seconds * self._rate)
        self._sides = (Side(self._rate, self._written), Side(self._rate, self._written))
        self.meter = Meter(self._rate)
        if is_resumed:
            self._measure(read_channels(path)[0])

    @property
    def seconds(self) -> float:
        """Its length so far."""
        return self._written / self._rate

    def append(self, left: Sequence[Spoken], right: Sequence[Spoken], *, until: int) -> None:
        """Write what both said up to the tick ``until``, to the operating system; silence where nobody did.

        Raises:
            OSError: the disk does not take it; what was written before stays playable.
        """
        end = until * self._rate // TICKS_PER_SECOND
        if end <= self._written:
            return
        rendered = [side.render(said, end) for side, said in zip(self._sides, (left, right), strict=True)]
        both = np.column_stack(rendered)
        flat = both.reshape(-1)
        self._writer.append(flat.astype("<i2").tobytes() if self._law is None else self._law.encode(flat))
        self._written = end
        self._measure(both)

    def _measure(self, channels: Pcm) -> None:
        for channel in channels.T:
            self.meter.measure(channel)

    def close(self) -> None:
        """Complete the file."""
        self._writer.close()


def _format_for(codec_names: Sequence[str]) -> WavFormat:
    """Return the law of the first, which costs half the room, where all of them have one."""
    laws = [_LAWS.get(name) for name in codec_names]
    return laws[0] if laws and laws[0] is not None and None not in laws else WavFormat.PCM16


class Side:
    """One channel: packets of any codec made samples, each in its place."""

    def __init__(self, rate: int, begins: int) -> None:
        self._rate = rate
        self._slack = round(_SLACK_S * rate)
        self._ears: dict[str, Ear] = {}
        self._ready: Pcm = np.empty(0, np.int16)
        self._begins = begins
        """Sample at which `_ready` begins; all before was given."""

    def render(self, packets: Sequence[Spoken], until: int) -> Pcm:
        """Return the samples from where the last call ended up to ``until``."""
        for packet in packets:
            self._place(packet)
        missing = until - self._begins - len(self._ready)
        if missing > 0:
            self._ready = np.concatenate((self._ready, np.zeros(missing, np.int16)))
        size = until - self._begins
        due, self._ready = self._ready[:size], self._ready[size:]
        self._begins = until
        return due

    def _place(self, packet: Spoken) -> None:
        """Put a packet behind what is there, and into a gap before it silence, or what hides a loss."""
        if packet.codec not in self._ears:
            self._ears[packet.codec] = Ear(packet.codec, self._rate)
        ear = self._ears[packet.codec]
        end = self._begins + len(self._ready)
        start = packet.tick * self._rate // TICKS_PER_SECOND
        off = start - end if abs(start - end) > self._slack else 0
        gap = max(0, off)
        filling = np.zeros(gap, np.int16)
        if 0 < gap <= CONCEALED_S * self._rate:
            made_up = ear.conceal(gap / self._rate)[:gap]
            filling[: len(made_up)] = made_up
        said = ear.hear(packet.payload)[max(0, -off) :]
        self._ready = np.concatenate((self._ready, filling, said))
