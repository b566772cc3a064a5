"""Who answered, by the shape of the first seconds: a person says little and waits, a mailbox talks on. Pure.

No words are understood. Loudness over time tells speech from pauses, and steady tones are none of a voice.
Where the shape is not clear that is said, and somebody has to be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from media.commands import Answerer

FRAME_S = 0.02
"""Of what is looked at."""
LONGEST_SILENCE_S = 2.5
"""Nobody who has answered waits longer before they say something; mailboxes and noisy lines do."""
LONGEST_HELLO_S = 1.8
"""From the first sound of a person's greeting to the last; an announcement's first sentence takes longer."""
MOST_WORDS = 4
"""Of it: pieces with a pause of `WORD_GAP_S` between them."""
SILENCE_AFTER_S = 1.0
"""How long a person waits for whoever calls to speak. Announcements seldom pause so long after so little."""
BUDGET_S = 4.0
"""What is not clear by then is asked; only that it is a recording is still found out meanwhile."""
TALKS_ON_S = 5.0
"""Whoever has spoken for so long without waiting once is a recording; few people are asked before that."""
LATEST_S = 15.0
"""After so long nothing is found out any more."""

WORD_GAP_S = 0.12
SHORTEST_SOUND_S = 0.06
"""What is shorter is a click."""
SHORTEST_SPEECH_S = 0.14
"""All sounds together; "yes?" is longer."""
LEAST_SPOKEN = 0.4
"""Share of the time in which a recording that talks on is nearly as loud as ever."""
TALKING_UNDER_LOUDEST_DB = 14.0
"""By so much at most; the echo of what we say is softer by more."""
QUIETEST_DB = -48.0
"""dBFS: nobody speaks below, whatever the line is like; -35 dBm0 is -38 for a voice on the average."""
LEAST_SWING_DB = 10.0
"""Speech rises and falls by more, noise does not."""
OVER_NOISE_DB, UNDER_LOUDEST_DB, LEAST_UNDER_DB = 9.0, 26.0, 8.0
"""A frame is speech if it is so far over the noise, and at most so far under the loudest one."""

LOWEST_BEEP_HZ, HIGHEST_BEEP_HZ = 620.0, 2300.0
"""Below are the tones of exchanges that ring or are busy (ITU-T E.180), and voices that hold a vowel."""
BEEP_S, LONG_BEEP_S = 0.16, 0.45
"""A beep behind speech invites to leave a message; a long one, or a fax, needs no speech before it."""
SPEECH_BEFORE_BEEP_S = 1.2
STEADY_HZ = 20.0
PURE = 0.85
"""Share of the energy that is in one tone."""
SIT_HZ = (950.0, 1400.0, 1800.0)
"""Special information tone (ITU-T E.180, Q.35): "the number you have called …"."""
SIT_OFF_HZ = 60.0

Levels = NDArray[np.float64]
Marks = NDArray[np.bool_]
Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frames:
    """What was heard since the answer, in frames of `FRAME_S`."""

    level_db: Levels
    """dBFS."""
    tone_hz: Levels
    """The strongest tone in it."""
    purity: Levels
    """Share of the energy that is in that tone."""

    def __len__(self) -> int:
        return len(self.level_db)

    def followed_by(self, more: Frames) -> Frames:
        """Return these and those."""
        return Frames(
            np.concatenate((self.level_db, more.level_db)),
            np.concatenate((self.tone_hz, more.tone_hz)),
            np.concatenate((self.purity, more.purity)),
        )


NOTHING = Frames(np.empty(0), np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of whoever answered."""

    who: Answerer
    """A person, a recording, or one cannot tell."""
    why: str
    """In words, after "it": ``talked on``."""


def judge(frames: Frames) -> Judgement | None:
    """Return who answered; None: it takes longer to tell."""
    tones = _tones(frames)
    sounds = _sounds(frames, tones)
    seconds = len(frames) * FRAME_S
    spoken = sum(end - start for start, end in sounds) * FRAME_S
    if why := _machine_tones(frames, tones, sounds):
        return Judgement(Answerer.MACHINE, why)
    if spoken < SHORTEST_SPEECH_S:
        return Judgement(Answerer.UNCLEAR, "was silent") if seconds >= LONGEST_SILENCE_S else None
    if _talks_on(frames):
        return Judgement(Answerer.MACHINE, "talked on")
    span = (sounds[-1][1] - sounds[0][0]) * FRAME_S
    silence = (len(frames) - sounds[-1][1]) * FRAME_S
    if silence >= SILENCE_AFTER_S:
        return _who_waits(span, len(sounds))
    return Judgement(Answerer.UNCLEAR, "was not clear") if seconds >= BUDGET_S else None


def _who_waits(span: float, words: int) -> Judgement:
    if span <= LONGEST_HELLO_S and words <= MOST_WORDS:
        return Judgement(Answerer.PERSON, "said hello")
    return Judgement(Answerer.UNCLEAR, "said more than hello")


# --- tones -------------------------------------------------------------------------------------------------


def _tones(frames: Frames) -> list[Run]:
    """Return where steady tones of one frequency are."""
    is_tone = (frames.purity >= PURE) & (frames.level_db > QUIETEST_DB)
    steps = np.abs(np.diff(frames.tone_hz, prepend=np.inf))
    is_start = is_tone & ((steps > STEADY_HZ) | ~np.concatenate(([False], is_tone[:-1])))
    numbers = np.where(is_tone, np.cumsum(is_start), 0)
    runs = (_runs(numbers == number) for number in np.unique(numbers[numbers > 0]))
    return [run for found in runs for run in found if (run[1] - run[0]) * FRAME_S >= BEEP_S]


def _machine_tones(frames: Frames, tones: list[Run], sounds: list[Run]) -> str:
    """Return which tones were heard that no person makes; empty: none."""
    pitches = [(float(np.median(frames.tone_hz[start:end])), start, end) for start, end in tones]
    as_sit = [
        [abs(hz - sit) <= SIT_OFF_HZ for sit in SIT_HZ].index(True)
        for hz, _, _ in pitches
        if any(abs(hz - sit) <= SIT_OFF_HZ for sit in SIT_HZ)
    ]
    if any(second == first + 1 for first, second in pairwise(as_sit)):
        return "began with the tones of a network's announcement"
    for hz, start, end in pitches:
        if LOWEST_BEEP_HZ <= hz <= HIGHEST_BEEP_HZ:
            before = sum(min(sound_end, start) - sound for sound, sound_end in sounds if sound < start)
            is_long = (end - start) * FRAME_S >= LONG_BEEP_S
            if is_long or before * FRAME_S >= SPEECH_BEFORE_BEEP_S:
                return "beeped"
    return ""


# --- speech ------------------------------------------------------------------------------------------------


def _sounds(frames: Frames, tones: list[Run]) -> list[Run]:
    """Return where somebody speaks, in words or more."""
    is_speech = _louder_than(frames, UNDER_LOUDEST_DB)
    for start, end in tones:
        is_speech[max(0, start - 2) : end + 2] = False
    words = _joined(_runs(is_speech), round(WORD_GAP_S / FRAME_S))
    return [(start, end) for start, end in words if (end - start) * FRAME_S > SHORTEST_SOUND_S]


def _louder_than(frames: Frames, under_loudest_db: float) -> Marks:
    """Return which frames are speech, if there is any, and so far at most under the loudest one."""
    level_db = frames.level_db
    if not len(level_db):
        return np.zeros(0, np.bool_)
    loudest, quietest = _loudest_db(level_db), _quietest_db(level_db)
    if loudest < QUIETEST_DB or loudest - quietest < LEAST_SWING_DB:
        return np.zeros(len(level_db), np.bool_)
    threshold = max(quietest + OVER_NOISE_DB, loudest - under_loudest_db, QUIETEST_DB)
    return np.asarray(level_db >= min(threshold, loudest - LEAST_UNDER_DB), np.bool_)


def _talks_on(frames: Frames) -> bool:
    """Return whether somebody has spoken for long without waiting."""
    is_loud = _louder_than(frames, TALKING_UNDER_LOUDEST_DB)
    stretches = _joined(_runs(is_loud), round(SILENCE_AFTER_S / FRAME_S))
    return any(
        (end - start) * FRAME_S >= TALKS_ON_S and is_loud[start:end].mean() >= LEAST_SPOKEN
        for start, end in stretches
    )


def _loudest_db(level_db: Levels) -> float:
    """Return the level of the loudest 60 ms; a click is shorter."""
    power = np.convolve(10 ** (level_db / 10), np.ones(3) / 3, mode="same")
    return float(10 * np.log10(power.max()))


def _quietest_db(level_db: Levels) -> float:
    return float(np.percentile(level_db, 10))


def _runs(marks: Marks) -> list[Run]:
    """Return first and last, not included, of each stretch that is marked."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _joined(runs: list[Run], gap: int) -> list[Run]:
    """Return the runs, with those as one that are less than ``gap`` apart."""
    joined: list[Run] = []
    for start, end in runs:
        if joined and start - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
