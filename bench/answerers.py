"""Who answered: how often it is told right, by level, noise and loss, and what it costs.

``python -m bench.answerers FOLDER...`` does the same with WAV files of yours: those up to 1.3 s long are what
people say, those over 4.5 s announcements.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.table import HEAD, Row, show
from media import codecs
from media.answerers import Answerers
from media.commands import Answerer, AnswererJudged
from tests.harness.hearing import Hearing

Wave = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
RATE, PACKET = 8000, 160
LASTS_S = 16.0
FULL_SCALE_DBM0 = 3.14
"""Of a sine (ITU-T G.711)."""
LOOKS_EVERY = 5
"""Packets."""
LONGEST_HELLO_S, SHORTEST_ANNOUNCEMENT_S = 1.3, 4.5


@dataclass(frozen=True, slots=True)
class Line:
    """How it sounds on the way."""

    speech_dbm0: float
    noise_dbm0: float
    loss: float

    def __str__(self) -> str:
        return f"{self.speech_dbm0:.0f} dBm0, noise {self.noise_dbm0:.0f}, loss {self.loss:.0%}"


LINES = (
    Line(-20, -65, 0.0),
    Line(-10, -65, 0.0),
    Line(-35, -65, 0.0),
    Line(-20, -45, 0.05),
    Line(-35, -55, 0.05),
    Line(-20, -32, 0.05),
)


@dataclass(slots=True)
class Told:
    """What was told of one answer."""

    first: str = ""
    at_s: float = LASTS_S
    machine_at_s: float | None = None


def rows() -> Iterator[Row]:
    """Yield shares of people and of recordings that were told right, and the cost."""
    here = ROOT / "tests" / "data" / "answerers"
    people = [read(path) for path in here.glob("*.wav") if not path.stem.endswith("-mailbox")]
    mailboxes = [*here.glob("*-mailbox.wav"), *(ROOT / "prompts").glob("*/voicemail-greeting-*.wav")]
    yield from measured(people, [_with_beep(read(path)) for path in mailboxes])


def measured(people: Sequence[Wave], announcements: Sequence[Wave]) -> Iterator[Row]:
    """Yield how many of the people are connected, and how many of the announcements are not."""
    for line in LINES:
        yield _row("people", line, people, Answerer.PERSON)
    for line in LINES:
        yield _row("mailboxes", line, announcements, Answerer.MACHINE)
    began = time.process_time()
    listen([on_line(voice, LINES[0], Random(1)) for voice in [*people, *announcements] * 4], LINES[0])
    legs = 4 * (len(people) + len(announcements))
    cost = (time.process_time() - began) * 1000 / legs
    yield Row("listening to an answer, to its end", cost, "ms CPU", remarks=f"{legs} legs at once")


def _row(whose: str, line: Line, voices: Sequence[Wave], right: Answerer) -> Row:
    told = listen([on_line(voice, line, Random(number)) for number, voice in enumerate(voices)], line)
    count = Counter(each.first for each in told)
    good = count["person"] if right is Answerer.PERSON else len(told) - count["person"]
    times = sorted(each.at_s for each in told)
    remarks = f"{len(told)}: person {count['person']}, asked {count['unclear']}, recording {count['machine']}"
    remarks += f"; after {times[len(times) // 2]:.1f} s, at most {times[-1]:.1f} s"
    if right is Answerer.MACHINE:
        ends = sorted(each.machine_at_s for each in told if each.machine_at_s is not None)
        median = f", after {ends[len(ends) // 2]:.1f} s" if ends else ""
        remarks += f"; hung up on in the end {len(ends)}{median}"
    return Row(f"{whose}: {line}", 100 * good / len(told), "%", remarks=remarks)


def listen(voices: Sequence[Wave], line: Line) -> list[Told]:
    """Return what is told of each, packet by packet as the media worker gets them."""
    now, told = 0.0, [Told() for _ in voices]

    def judged(event: object) -> None:
        assert isinstance(event, AnswererJudged)
        each = told[event.leg]
        if not each.first:
            each.first, each.at_s = event.who.value, now
        if event.who is Answerer.MACHINE:
            each.machine_at_s = now

    answerers, law, chance = Answerers(judged, has_codec=lambda _: True), codecs.by_name("PCMA"), Random(7)
    takes = {leg: answerers.add(leg, now) for leg in range(len(voices))}
    payloads = [law.encode((np.clip(voice, -1, 1) * 32767).astype(np.int16)) for voice in voices]
    for packet in range(round(LASTS_S * RATE / PACKET)):
        now += PACKET / RATE
        start = packet * PACKET
        for leg, listen_to in takes.items():
            if chance.random() >= line.loss:
                listen_to("PCMA", payloads[leg][start : start + PACKET], start, leg, now)
        if packet % LOOKS_EVERY == LOOKS_EVERY - 1:
            for leg in answerers.hear(now):
                takes.pop(leg)
    return told


def read(path: Path) -> Wave:
    """Return a WAV file as 8 kHz between -1 and 1, its channels mixed."""
    channels = Hearing.channels_of(path, rate=RATE)
    return np.mean([channel.pcm / 32768 for channel in channels], axis=0)


def _with_beep(voice: Wave) -> Wave:
    pause = np.zeros(RATE // 4)
    beep = 0.2 * np.sin(2 * np.pi * 1000 * np.arange(RATE * 3 // 10) / RATE)
    return np.concatenate((voice, pause, beep))


def on_line(voice: Wave, line: Line, chance: Random) -> Wave:
    """Return the voice some tenths of a second after the answer, as loud as on the line, with its noise."""
    size = round(LASTS_S * RATE)
    whole = np.zeros(size)
    start = round(chance.uniform(0.1, 0.9) * RATE)
    piece = voice[: size - start]
    whole[start : start + len(piece)] = piece * 10 ** (
        (line.speech_dbm0 - FULL_SCALE_DBM0 - _speech_dbfs(voice)) / 20
    )
    noise = np.random.default_rng(chance.randrange(1000)).standard_normal(size + 3)
    noise = np.convolve(noise, (1.0, 0.9, 0.6, 0.3), "valid")
    return whole + noise / noise.std() * 10 ** ((line.noise_dbm0 - FULL_SCALE_DBM0) / 20)


def _speech_dbfs(voice: Wave) -> float:
    """Return the level of the frames in which somebody speaks; 0 is a sine of full scale."""
    power = np.mean(voice[: len(voice) // PACKET * PACKET].reshape(-1, PACKET) ** 2, axis=1)
    return float(10 * np.log10(2 * power[power > power.max() / 300].mean()))


def _split(folders: Sequence[str]) -> tuple[list[Wave], list[Wave]]:
    voices = [read(path) for folder in folders for path in sorted(Path(folder).rglob("*.wav"))]
    people = [voice for voice in voices if RATE * 0.35 < len(voice) <= RATE * LONGEST_HELLO_S]
    return people, [voice for voice in voices if len(voice) >= RATE * SHORTEST_ANNOUNCEMENT_S]


if __name__ == "__main__":
    print(HEAD)
    show(measured(*_split(sys.argv[1:])) if sys.argv[1:] else rows())
