"""An office whose prompts are markers: every one a pair of tones of its own, as long as the real one.

A listener on the RTP network decodes which prompt was heard, when, and by whom.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import itertools
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from b2bua.phrases import Phrasebook
from media.client import MediaLeg
from media.ear import Ear
from media.memory import MemoryRtpNetwork
from media.tones import FRAME_S, detect, tone
from media.wav import WavFormat, WavWriter, read_wav
from tests.harness.office import MONDAY_NOON, Office, office

RATE = 8000
LOW = tuple(range(450, 1700, 100))
HIGH = tuple(range(1850, 3400, 100))
LEVEL_DB = -16.0
CODECS = {0: "PCMU", 8: "PCMA", 9: "G722", 111: "opus"}
THRESHOLD_DB = -33.0
"""Below each of the two tones of music, which is played softer than speech."""
MUSIC = "calm"
GAP_S = 0.05
"""A silence of less than this inside of one prompt is a lost packet or two."""
LOOK_BACK_S = 0.2


@dataclass(frozen=True, slots=True)
class Heard:
    """One prompt that reached a listener."""

    prompt: str
    """Its name."""
    at: float
    """Loop time of its first packet."""
    until: float
    """Loop time of the end of its last one."""


@functools.cache
def markers() -> dict[str, tuple[int, int]]:
    """Return the pair of tones of every prompt of any language; the waiting music has one too."""
    root = Phrasebook.found()
    languages = sorted(Phrasebook.languages(root), key=lambda language: (language != "en", language))
    found = [path.stem for language in languages for path in sorted((root / language).glob("*.wav"))]
    return dict(zip(dict.fromkeys([MUSIC, *found]), itertools.product(LOW, HIGH), strict=False))


def _real(name: str) -> Path:
    """Return the file that comes with the program: in English, where there is such a prompt."""
    root = Phrasebook.found()
    folders = [root / "music"] if name == MUSIC else [root / "en", *sorted(root.iterdir())]
    return next(path for folder in folders if (path := folder / f"{name}.wav").is_file())


@functools.cache
def marked_prompts() -> Path:
    """Return a folder of prompts that sound like their markers and last as long as the real ones."""
    folder = Path(tempfile.mkdtemp(prefix="marked-prompts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "music").mkdir()
    for name, pair in markers().items():
        inside = "music" if name == MUSIC else ""
        _write(folder / inside / f"{name}.wav", pair, seconds=min(_seconds(_real(name)), 30.0))
    return folder


def _seconds(path: Path) -> float:
    pcm, rate = read_wav(path)
    return len(pcm) / rate


def _write(path: Path, pair: tuple[int, int], *, seconds: float) -> None:
    writer = WavWriter(path, RATE, WavFormat.PCM16)
    whole = round(seconds / FRAME_S) * FRAME_S
    writer.append(tone([float(one) for one in pair], whole, RATE, LEVEL_DB).astype("<i2").tobytes())
    writer.close()


class Ears:
    """Listens to every RTP packet of an office, and loses some of them when asked to."""

    def __init__(self, network: MemoryRtpNetwork, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._packets: dict[tuple[str, int], list[tuple[float, np.ndarray]]] = {}
        self._ears: dict[tuple[tuple[str, int], int], Ear] = {}
        self._loss = 0.0
        self._random = random.Random(0)
        network.drop = self._listen

    def lose(self, share: float, *, seed: int) -> None:
        """Lose this share of all packets from now on."""
        self._loss, self._random = share, random.Random(seed)

    def _listen(self, content: bytes, _source: tuple[str, int], destination: tuple[str, int]) -> bool:
        if self._loss and self._random.random() < self._loss:
            return True
        payload_type = content[1] & 0x7F
        if payload_type in CODECS and destination[1] % 2 == 0:
            key = destination, payload_type
            if key not in self._ears:
                self._ears[key] = Ear(CODECS[payload_type], RATE)
            pcm = self._ears[key].hear(content[12:])
            self._packets.setdefault(destination, []).append((self._clock(), pcm))
        return False

    def first_packet(self, media: MediaLeg) -> float:
        """Return when the first packet came to ``media``."""
        return self._packets[media.address][0][0]

    def longest_gap(self, media: MediaLeg, *, since: float, until: float) -> float:
        """Return the longest time between two packets to ``media`` within a span."""
        times = [at for at, _ in self._packets[media.address] if since <= at <= until]
        return max(later - earlier for earlier, later in itertools.pairwise([since, *times, until]))

    def heard(self, media: MediaLeg, *, since: float = 0.0) -> list[Heard]:
        """Return the prompts that came to ``media``, in order; music, silence and voices are left out."""
        return [each for each in self._runs(media, since) if each.prompt != MUSIC]

    def music(self, media: MediaLeg, *, since: float = 0.0) -> list[Heard]:
        """Return the stretches of waiting music that came to ``media``."""
        return [each for each in self._runs(media, since) if each.prompt == MUSIC]

    def tone(self, media: MediaLeg, frequency: float, *, since: float = 0.0) -> list[float]:
        """Return when packets with a tone of ``frequency`` came to ``media``."""
        frames = self._frames(media, since)
        if not frames:
            return []
        levels = detect(np.concatenate([pcm for _, pcm in frames]), RATE, [frequency])[:, 0]
        return [at for (at, _), level in zip(frames, levels, strict=True) if level > THRESHOLD_DB]

    async def until_prompt(self, media: MediaLeg, prompt: str, *, within: float) -> float:
        """Return when ``prompt`` began to be heard at ``media``, from now on."""
        return await self._until(
            lambda since: [one.at for one in self.heard(media, since=since) if one.prompt == prompt], within
        )

    async def until_tone(self, media: MediaLeg, frequency: float, *, within: float) -> float:
        """Return when a tone of ``frequency`` was heard at ``media``, from now on."""
        return await self._until(lambda since: self.tone(media, frequency, since=since), within)

    async def _until(self, look: Callable[[float], list[float]], within: float) -> float:
        began = self._clock()
        async with asyncio.timeout(within):
            while not (found := look(max(began, self._clock() - LOOK_BACK_S))):
                await asyncio.sleep(LOOK_BACK_S / 2)
        return found[0]

    def _runs(self, media: MediaLeg, since: float) -> list[Heard]:
        runs: list[Heard] = []
        for at, name in self._named(media, since):
            last = runs[-1] if runs else None
            if last is not None and last.prompt == name and at - last.until < GAP_S:
                runs[-1] = Heard(name, last.at, at + FRAME_S)
            else:
                runs.append(Heard(name, at, at + FRAME_S))
        return [run for run in runs if run.until - run.at > 2.5 * FRAME_S]

    def _named(self, media: MediaLeg, since: float) -> Iterable[tuple[float, str]]:
        frames = self._frames(media, since)
        if not frames:
            return
        levels = detect(np.concatenate([pcm for _, pcm in frames]), RATE, [float(f) for f in (*LOW, *HIGH)])
        names = {pair: name for name, pair in markers().items()}
        for (at, _), row in zip(frames, levels, strict=True):
            low, high = int(row[: len(LOW)].argmax()), int(row[len(LOW) :].argmax())
            if min(row[low], row[len(LOW) + high]) > THRESHOLD_DB:
                yield at, names.get((LOW[low], HIGH[high]), "?")

    def _frames(self, media: MediaLeg, since: float) -> list[tuple[float, np.ndarray]]:
        return [(at, pcm) for at, pcm in self._packets.get(media.address, ()) if at >= since]


def names(heard: Iterable[Heard]) -> list[str]:
    """Return the names alone."""
    return [each.prompt for each in heard]


def with_marked_prompts(text: str) -> str:
    """Return a configuration that plays the markers."""
    return text.replace("[office]\n", f'[office]\nprompts = "{marked_prompts()}"\n', 1)


@asynccontextmanager
async def marked_office(
    folder: Path,
    *,
    change: Callable[[str], str] = str,
    scheme: str = "",
    at: datetime = MONDAY_NOON,
) -> AsyncIterator[tuple[Office, Ears]]:
    """Run the demo office with markers in the place of prompts, and somebody who listens."""
    async with office(
        folder, change=lambda text: with_marked_prompts(change(text)), scheme=scheme, at=at
    ) as demo:
        yield demo, Ears(demo.rtp, lambda: demo.now)
