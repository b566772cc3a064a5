"""The file of one recording and how loud it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import G711, PCMA, PCMU
from media.ear import Ear
from media.encoding import clock_rate_hz, duration_ticks
from media.meter import Loudness, Meter
from media.wav import WavFormat, WavWriter, format_of, read_wav

TICKS_PER_SECOND = 8000
WIDEBAND_HZ = 16_000
"""Of recordings of G.722 and Opus: all that speech needs."""
CONCEALED_S = 0.06
"""Gaps up to that length are lost packets, and made up; longer ones are silent."""
_LAWS = {"PCMA": PCMA(), "PCMU": PCMU()}
_REMEMBERED = TICKS_PER_SECOND // 20
"""Samples by which an ear can make up what is lost behind them: some more than it looks at."""


class Spoken(NamedTuple):
    """One packet of a recording, in its place."""

    tick: int
    """Where it begins, in 1/8000 s."""
    codec: str
    """How it is encoded."""
    payload: bytes
    """What came."""

    @property
    def end(self) -> int:
        """The tick behind it."""
        ticks = duration_ticks(self.codec, self.payload)
        return self.tick + ticks * TICKS_PER_SECOND // clock_rate_hz(self.codec)


def has_come(packet: Spoken, among: Iterable[Spoken]) -> bool:
    """Return whether all of ``packet`` is within one of ``among``, which may be several put together."""
    end = packet.end
    return any(each.tick <= packet.tick and end <= each.end for each in among)


class RecordingFile:
    """A WAV file that grows by packets of any codec: G.711 if it begins with that, else 16 bits at 16 kHz.

    It writes when told, in the calling thread. Errors of the disk come out as OSError.
    """

    def __init__(
        self,
        path: Path,
        codec_name: str,
        *,
        max_seconds: float | None = None,
        is_resumed: bool = False,
    ) -> None:
        """Begin a file, or go on at the end of the one that is there, as that is, by ``max_seconds`` at most.

        Raises:
            OSError: the disk does not take it.
            MalformedMedia: what is there is no recording of this kind.
        """
        was = np.empty(0, np.int16)
        format = WavFormat(codec_name) if codec_name in _LAWS else WavFormat.PCM16
        if is_resumed and path.exists() and path.stat().st_size > 0:
            was, format = read_wav(path)[0], format_of(path)
        self._law = _LAWS.get(format)
        self._rate = WIDEBAND_HZ if self._law is None else self._law.sample_rate_hz
        self._ears: dict[str, Ear] = {}
        self._writer = WavWriter(path, self._rate, format, is_resumed=len(was) > 0)
        self._most = None if max_seconds is None else round(max_seconds * self._rate)
        self._samples = 0
        """Since it was begun, or gone on with."""
        self._meter = Meter(self._rate)
        self._unheard = b""
        """The end of what was copied as it came, which no ear has heard."""
        self._meter.measure(was)

    @property
    def seconds(self) -> float:
        """Its length so far: what the disk did not take is not there."""
        return self._writer.seconds

    def append(self, packets: Iterable[Spoken]) -> None:
        """Write ``packets``, whose ticks only go up, to the operating system, and silence between them."""
        runs, law = list(_joined(packets)), self._law
        if law is not None and [(run.codec, run.tick) for run in runs] == [(law.name, self._samples)]:
            self._copy(runs[0].payload, law)  # nearly always
            return
        pieces = [piece for run in runs for piece in self._in_place(run)]
        pcm = np.concatenate([*pieces, np.empty(0, np.int16)])
        self._writer.append(pcm.astype("<i2").tobytes() if law is None else law.encode(pcm))
        self._meter.measure(pcm)

    def _copy(self, payload: bytes, law: G711) -> None:
        """Write what follows at once, in the encoding of the file, as it came."""
        fitting = payload if self._most is None else payload[: max(0, self._most - self._samples)]
        self._samples += len(fitting)
        self._writer.append(fitting)
        self._meter.measure_coded(fitting, law)
        self._unheard = (self._unheard + fitting)[-_REMEMBERED:]

    def _ear_for(self, codec: str) -> Ear:
        """Return who hears ``codec``, and has heard what was copied."""
        if codec not in self._ears:
            self._ears[codec] = Ear(codec, self._rate)
        if self._law is not None and codec == self._law.name and self._unheard:
            self._ears[codec].hear(self._unheard)
            self._unheard = b""
        return self._ears[codec]

    def _in_place(self, packet: Spoken) -> Iterator[NDArray[np.int16]]:
        """Yield what fills the gap before ``packet``, and as much of it as is not written yet."""
        ear = self._ear_for(packet.codec)
        start = packet.tick * self._rate // TICKS_PER_SECOND
        gap, overlap = max(0, start - self._samples), max(0, self._samples - start)
        is_short = 0 < gap <= CONCEALED_S * self._rate and self._samples > 0
        filling = ear.conceal(gap / self._rate) if is_short else np.zeros(gap, np.int16)
        pcm = ear.hear(packet.payload)
        for piece in (filling, pcm[overlap:]):
            fitting = piece if self._most is None else piece[: max(0, self._most - self._samples)]
            self._samples += len(fitting)
            yield fitting

    def close(self) -> Loudness:
        """Complete the file."""
        self._writer.close()
        return self.loudness

    @property
    def loudness(self) -> Loudness:
        """How loud it is so far."""
        return self._meter.loudness


def _joined(packets: Iterable[Spoken]) -> Iterator[Spoken]:
    """Put together what follows at once, where a byte is a sample: it costs as much as one packet does."""
    run: list[Spoken] = []
    end = 0
    for packet in packets:
        if run and (packet.tick != end or packet.codec != run[0].codec or packet.codec not in _LAWS):
            yield _as_one(run)
            run = []
        run.append(packet)
        end = packet.tick + len(packet.payload)
    if run:
        yield _as_one(run)


def _as_one(run: list[Spoken]) -> Spoken:
    first = run[0]
    return first if len(run) == 1 else Spoken(first.tick, first.codec, b"".join(each.payload for each in run))


def sync_to_disk(path: Path) -> None:
    """Wait until the file's content is on the medium; any descriptor of the file will do (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
