"""What somebody heard, decoded: prompts, tones, keys, when, with which gaps, clipped or not, one way or both.

It reads files by FFmpeg and measures by itself: a fault of the product is not measured by the same fault.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from media.rtp import RtpPacket
from tests.harness.markers import FRAME_S, HIGH, LOW, MUSIC, lasts_s, markers

Pcm = NDArray[np.int16]
Levels = NDArray[np.float64]

FULL_SCALE = 32_767
SOME_RATE = 8000
FLOOR_DB = -120.0
"""What an absent tone measures."""
HEARD_DB = -30.0
"""A tone that is louder is heard."""
MARKER_DB = -33.0
"""Below each of the two tones of music, which is played softer than speech."""
SILENT_DB = -55.0
"""Softer than this is no sound: A-law has no zero, its silence is -78 dB."""
GAP_S = 0.05
"""A silence of less than this inside of one sound is a lost packet or two."""
CLIPPED_AT = 0.97
"""Of full scale: the highest value of A-law is 0.984, of µ-law 0.980."""
CLIPPED_SAMPLES = 3
"""In a row at the very top, of either sign: nothing that is limited to -1 dB has them."""
KEY_LOW = (697.0, 770.0, 852.0, 941.0)
KEY_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
KEY_DB, KEY_LEAD_DB = -35.0, 8.0
"""Each tone of a key is louder than the former, and leads its neighbours by the latter."""
EVENTS = "0123456789*#ABCD"
DECODERS = {
    "PCMA": ("pcm_alaw", 8000),
    "PCMU": ("pcm_mulaw", 8000),
    "G722": ("g722", 16_000),
    "opus": ("libopus", 48_000),
}
"""FFmpeg's name of each codec, and its rate in Hz."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds on the clock of who heard it."""

    at: float
    until: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.until - self.at


@dataclass(frozen=True, slots=True)
class Heard(Span):
    """One prompt that reached a listener, from its first frame to the end of its last one."""

    prompt: str

    @property
    def missing_s(self) -> float:
        """How much of it was clipped at its ends; loops have more than all of it."""
        return max(0.0, lasts_s(self.prompt) - self.seconds)


class Hearing:
    """Samples of one channel, and when each whole frame of 20 ms of them was heard."""

    def __init__(self, pcm: Pcm, rate: int, times: Sequence[float] | None = None) -> None:
        """``times`` of the frames in s; without it the first is at 0.0 and each follows the one before."""
        size = round(rate * FRAME_S)
        self.pcm, self.rate = pcm, rate
        self._frames = pcm[: len(pcm) // size * size].reshape(-1, size)
        steps = np.arange(len(self._frames)) * FRAME_S
        self.times: Levels = steps if times is None else np.asarray(times, np.float64)
        assert len(self.times) == len(self._frames)

    @classmethod
    def of_file(cls, path: Path | str, *, rate: int | None = None) -> Hearing:
        """Return what is in a file of one channel, whatever its format is; at ``rate`` Hz or its own."""
        channels = cls.channels_of(path, rate=rate)
        assert len(channels) == 1, f"{path} has {len(channels)} channels"
        return channels[0]

    @classmethod
    def so_far(cls, path: Path) -> Hearing:
        """Return what is by now in the first channel of a file that is being written; nothing before."""
        content = path.read_bytes() if path.exists() else b""
        try:
            return cls.channels_of(BytesIO(content[: len(content) // 2 * 2]))[0]  # half a sample is none
        except av.error.InvalidDataError:  # its header comes after its name
            return cls(np.empty(0, np.int16), SOME_RATE)

    @classmethod
    def channels_of(cls, file: Path | str | BytesIO, *, rate: int | None = None) -> list[Hearing]:
        """Return what is in each channel of a file: of a talk the far end first, then who answered."""
        with av.open(str(file) if isinstance(file, Path) else file) as container:
            stream = container.streams.audio[0]
            rate = rate or stream.rate
            layout = stream.layout.name
            resampler = av.AudioResampler(format="s16", layout=layout, rate=rate)
            pieces = [piece for frame in container.decode(stream) for piece in resampler.resample(frame)]
            pieces += resampler.resample(None)
            count = stream.channels
        samples = [piece.to_ndarray().reshape(-1, count) for piece in pieces]
        whole = np.concatenate(samples or [np.empty((0, count), np.int16)])
        return [cls(np.ascontiguousarray(whole[:, channel]), rate) for channel in range(count)]

    @classmethod
    def of_payloads(cls, codec: str, payloads: Iterable[bytes]) -> Hearing:
        """Return what the payloads of one stream of RTP hold, in one piece."""
        decoder = Decoder(codec)
        return cls(np.concatenate([np.empty(0, np.int16), *map(decoder.hear, payloads)]), decoder.rate)

    @property
    def seconds(self) -> float:
        """How long all of it is."""
        return len(self.pcm) / self.rate

    def between(self, start: float, until: float | None = None) -> Hearing:
        """Return what was heard in the frames from ``start`` on and before ``until``."""
        is_in = (self.times >= start - 1e-9) & (self.times < (np.inf if until is None else until) - 1e-9)
        return Hearing(self._frames[is_in].reshape(-1), self.rate, self.times[is_in])

    # --- tones

    def levels(self, *hertz: float) -> Levels:
        """Return the level of each tone (columns) in each frame (rows), in dB of a full-scale sine."""
        size = self._frames.shape[1]
        turns = np.outer(np.arange(size) / self.rate, np.asarray(hertz))
        amplitude = np.abs(self._frames @ np.exp(-2j * np.pi * turns)) * 2 / (size * FULL_SCALE)
        return np.asarray(20 * np.log10(np.maximum(amplitude, 10 ** (FLOOR_DB / 20))), np.float64)

    def times_of(self, *hertz: float, above_db: float = HEARD_DB) -> Levels:
        """Return at which times all the tones are heard at once."""
        return self.times[self.levels(*hertz).min(axis=1) > above_db] if len(self.times) else self.times

    def seconds_of(self, *hertz: float, above_db: float = HEARD_DB) -> float:
        """Return for how long all the tones are heard at once."""
        return round(len(self.times_of(*hertz, above_db=above_db)) * FRAME_S, 2)

    def spans_of(self, *hertz: float, above_db: float = HEARD_DB) -> list[Span]:
        """Return from when until when all the tones are heard at once."""
        return _spans(self.times_of(*hertz, above_db=above_db))

    def level(self, *hertz: float) -> float:
        """Return the mean level of the softest of the tones, in dB."""
        return float(self.levels(*hertz).mean(axis=0).min())

    def pitch(self, *hertz: float) -> float:
        """Return which of the tones is the loudest of all."""
        return hertz[int(self.levels(*hertz).mean(axis=0).argmax())]

    def melody(self, *hertz: float, above_db: float = HEARD_DB) -> list[tuple[float, float]]:
        """Return which of the tones was the loudest one after another, each with its seconds; no silences."""
        levels = self.levels(*hertz)
        loudest = np.where(levels.max(axis=1) > above_db, np.take(hertz, levels.argmax(axis=1)), 0.0)
        notes = ((pitch, len(list(frames))) for pitch, frames in itertools.groupby(loudest.tolist()))
        return [(pitch, round(frames * FRAME_S, 2)) for pitch, frames in notes if pitch]

    # --- any sound

    def loudness(self, *, within_db: float | None = None) -> float:
        """Return the mean power, in dB of full scale; ``within_db`` of its loudest frame: without pauses."""
        if within_db is not None:
            loud = _loudness(self._frames)
            return Hearing(self._frames[loud > loud.max() - within_db].reshape(-1), self.rate).loudness()
        return float(_loudness(self.pcm.reshape(1, -1))[0]) if len(self.pcm) else FLOOR_DB

    def softest(self, seconds: float) -> float:
        """Return the mean power of the softest of its pieces of ``seconds``, in dB of full scale."""
        size = round(seconds * self.rate)
        return float(_loudness(self.pcm[: len(self.pcm) // size * size].reshape(-1, size)).min())

    def share_between(self, low_hz: float, high_hz: float) -> float:
        """Return which share of the power is between two frequencies."""
        power = np.abs(np.fft.rfft(self.pcm)) ** 2
        hertz = np.fft.rfftfreq(len(self.pcm), 1 / self.rate)
        return float(power[(hertz >= low_hz) & (hertz <= high_hz)].sum() / power.sum())

    def peak(self) -> int:
        """Return the highest of its samples, of either sign."""
        return int(np.abs(self.pcm.astype(np.int32)).max(initial=0))

    def sounds(self, *, above_db: float = SILENT_DB) -> list[Span]:
        """Return from when until when there is any sound."""
        return _spans(self._times_louder_than(above_db))

    def seconds_of_sound(self, *, above_db: float = SILENT_DB) -> float:
        """Return for how long there is any sound."""
        return round(len(self._times_louder_than(above_db)) * FRAME_S, 2)

    def _times_louder_than(self, level_db: float) -> Levels:
        return self.times[_loudness(self._frames) > level_db]

    def gaps(self, *, above_db: float = SILENT_DB) -> list[Span]:
        """Return the silences of `GAP_S` or more between its sounds, and the times in which nothing came."""
        return [
            Span(one.until, other.at) for one, other in itertools.pairwise(self.sounds(above_db=above_db))
        ]

    def longest_wait(self, since: float, until: float) -> float:
        """Return the longest time without the arrival of a frame between two moments."""
        times = self.times[(self.times >= since) & (self.times <= until)]
        return float(np.diff(np.r_[since, times, until]).max())

    def clipping(self) -> list[Span]:
        """Return where the tops of its waves are cut off."""
        top = np.abs(self.pcm.astype(np.int32)) >= CLIPPED_AT * FULL_SCALE
        edges = np.flatnonzero(np.diff(np.r_[False, top, False].astype(np.int8))).reshape(-1, 2)
        return [
            Span(start / self.rate, end / self.rate)
            for start, end in edges.tolist()
            if end - start >= CLIPPED_SAMPLES
        ]

    def likeness(self, said: Hearing) -> float:
        """Return the correlation with what was said, at the delay at which they resemble each other most."""
        assert self.rate == said.rate
        size = len(self.pcm) + len(said.pcm)
        product = np.fft.irfft(np.fft.rfft(self.pcm, size) * np.conj(np.fft.rfft(said.pcm, size)), size)
        delay = int(np.argmax(product[: len(self.pcm)]))
        part = self.pcm[delay : delay + len(said.pcm)]
        return float(np.corrcoef(part, said.pcm[: len(part)])[0, 1])

    # --- what it means

    def prompts(self) -> list[Heard]:
        """Return the marked prompts that were heard, in order; music, silence and voices are left out."""
        return [each for each in self._marked() if each.prompt != MUSIC]

    def music(self) -> list[Heard]:
        """Return the stretches of marked waiting music."""
        return [each for each in self._marked() if each.prompt == MUSIC]

    def _marked(self) -> list[Heard]:
        levels = self.levels(*map(float, (*LOW, *HIGH)))
        names = {pair: name for name, pair in markers().items()}
        lows, highs = levels[:, : len(LOW)], levels[:, len(LOW) :]
        named = [
            (float(at), names.get((LOW[low], HIGH[high]), "?"))
            for at, low, high, level in zip(
                self.times,
                lows.argmax(axis=1),
                highs.argmax(axis=1),
                np.minimum(lows.max(axis=1), highs.max(axis=1)),
                strict=True,
            )
            if level > MARKER_DB
        ]
        return [one for one in _runs(named) if one.seconds > 2.5 * FRAME_S]

    def keys(self) -> str:
        """Return the keys that are in the sound, each press once; a press lasts two frames or more."""
        low, high = self.levels(*KEY_LOW), self.levels(*KEY_HIGH)
        rows = zip(low, high, strict=True)
        return "".join(
            key
            for key, frames in itertools.groupby(_key(*row) for row in rows)
            if key and len(list(frames)) >= 2
        )


def _loudness(pieces: Pcm) -> Levels:
    """Return the mean power of each row, in dB of full scale."""
    power = np.mean((pieces / 32768.0) ** 2, axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10))), np.float64)


def _key(low: Levels, high: Levels) -> str:
    """Return the key whose tones stand out of the levels of a frame; empty: none."""
    for levels in (low, high):
        loudest, second = sorted(levels)[:-3:-1]
        if loudest < KEY_DB or loudest - second < KEY_LEAD_DB:
            return ""
    return KEYS[int(low.argmax())][int(high.argmax())]


def _spans(times: Iterable[float]) -> list[Span]:
    return [Span(one.at, one.until) for one in _runs((float(at), "") for at in times)]


def _runs(named: Iterable[tuple[float, str]]) -> list[Heard]:
    """Return frames that are of one name and follow one another as one."""
    runs: list[Heard] = []
    for at, name in named:
        last = runs[-1] if runs else None
        if last is not None and last.prompt == name and at - last.until < GAP_S:
            runs[-1] = Heard(last.at, at + FRAME_S, name)
        else:
            runs.append(Heard(at, at + FRAME_S, name))
    return runs


class Decoder:
    """One stream of RTP, decoded by FFmpeg packet by packet."""

    def __init__(self, codec: str, rate: int | None = None) -> None:
        """Return samples at ``rate`` Hz, or that of the codec."""
        name, own_rate = DECODERS[codec]
        self.rate = rate or own_rate
        self._decoder = av.CodecContext.create(name, "r")
        self._decoder.sample_rate, self._decoder.layout = own_rate, "mono"
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self.rate)
        self._behind = np.empty(0, np.int16)
        self._share = self.rate / own_rate

    def hear(self, payload: bytes) -> Pcm:
        """Return as many samples as are in ``payload``; the first begin with what a filter is late by."""
        frames = list(self._decoder.decode(av.Packet(payload))) if payload else []
        pieces = [piece.to_ndarray()[0] for frame in frames for piece in self._resampler.resample(frame)]
        heard = np.concatenate((self._behind, *pieces))
        size = round(sum(frame.samples for frame in frames) * self._share)
        heard = np.pad(heard, (max(0, size - len(heard)), 0))
        self._behind = heard[size:]
        return heard[:size]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in a talk: the tone that is said, and what is heard."""

    name: str
    says_hz: float
    hearing: Hearing


def deaf(*parties: Party, for_s: float, above_db: float = HEARD_DB) -> list[str]:
    """Return who does not hear whom for ``for_s`` seconds, or hears himself; empty: sound goes all ways.

    One-way audio is the fault that callers notice first and logs do not show.
    """
    faults = [
        f"{one.name} hears {other.name} for {heard_s:.2f} s of {for_s:.2f} s"
        for one, other in itertools.permutations(parties, 2)
        if (heard_s := one.hearing.seconds_of(other.says_hz, above_db=above_db)) < for_s
    ]
    return faults + [
        f"{one.name} hears an echo for {echo_s:.2f} s"
        for one in parties
        if (echo_s := one.hearing.seconds_of(one.says_hz, above_db=above_db))
    ]


def presses_of(packets: Iterable[tuple[float, RtpPacket]], payload_type: int) -> list[tuple[float, str]]:
    """Return when each key was pressed that events tell: one for each time stamp (RFC 4733 2.5.1)."""
    pressed: dict[int, tuple[float, str]] = {}
    for at, packet in packets:
        if packet.payload_type == payload_type and packet.payload[0] < len(EVENTS):
            pressed.setdefault(packet.timestamp, (at, EVENTS[packet.payload[0]]))
    return list(pressed.values())


def keys_of(packets: Iterable[RtpPacket], payload_type: int) -> str:
    """Return the keys that events tell."""
    return "".join(key for _, key in presses_of(((0.0, packet) for packet in packets), payload_type))
