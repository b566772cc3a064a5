"""Compose ``prompts/music/calm.wav``: quiet electric-piano arpeggios over soft chords, 48 s, without an end.

    python prompts/compose.py

Written for the telephone: every partial lies between 180 and 3300 Hz, the level is 6 dB under the voice
prompts, and every note that rings past the end goes on at the beginning, so that the loop has no seam.
The piece and this script are ours; both are given to the public domain (CC0 1.0).
Needs sox, and numpy, which comes with the project.
"""

from __future__ import annotations

import numpy as np
from generate import HERE, RATE_HZ, Samples, write_alaw

SECONDS = 48
BEAT_S = 0.75
BEATS_PER_CHORD = 4
MUSIC_DBFS = -26.0
LOWEST_HZ, HIGHEST_HZ = 180.0, 3300.0

CHORDS = (
    (57, 60, 64, 67),  # A minor 7
    (53, 57, 60, 64),  # F major 7
    (55, 60, 64, 67),  # C major over G
    (55, 59, 62, 69),  # G with the ninth
    (57, 60, 64, 71),  # A minor, ninth on top
    (53, 57, 60, 67),  # F with the ninth
    (52, 55, 60, 64),  # C major over E
    (55, 59, 62, 67),  # G major
    (53, 57, 60, 64),
    (52, 55, 59, 62),  # E minor 7
    (50, 57, 60, 65),  # D minor 7
    (55, 60, 62, 67),  # G suspended
    (53, 57, 60, 64),
    (52, 55, 59, 67),
    (50, 53, 60, 64),  # D minor 9
    (55, 59, 62, 65),  # G 7, leads back to A minor
)
"""MIDI note numbers, low to high; a chord lasts four beats."""
ARPEGGIO = (0, 2, 1, 3, 2, 1, 3, 2)
"""Which note of the chord sounds on each half beat."""
MELODY = ((2.0, 3, 12), (3.0, 2, 12))
"""(beat, note of the chord, semitones up) in every second chord."""


def hertz(note: int) -> float:
    """Return the frequency of a MIDI note."""
    return float(440 * 2 ** ((note - 69) / 12))


def partials(note: int, strengths: tuple[float, ...], time: Samples) -> Samples:
    """Return the sum of the note's harmonics that a telephone carries."""
    base = hertz(note)
    sound = np.zeros_like(time)
    for number, strength in enumerate(strengths, start=1):
        if LOWEST_HZ <= base * number <= HIGHEST_HZ:
            sound += strength * np.sin(2 * np.pi * base * number * time)
    return sound


def piano(note: int, seconds: float = 3.0) -> Samples:
    """Return one struck note that rings out."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    attack = np.minimum(time / 0.012, 1.0)
    fading = np.exp(-time * 2.2) * np.minimum((seconds - time) / 0.2, 1.0)
    sound: Samples = attack * fading * partials(note, (1.0, 0.45, 0.12, 0.08), time)
    return sound


def pad(note: int, seconds: float) -> Samples:
    """Return one note that swells and fades, wide as two strings a hair apart."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swell = np.sin(np.pi * time / seconds) ** 2
    return swell * (1 + 0.25 * np.sin(2 * np.pi * 0.8 * time)) * partials(note, (1.0, 0.5, 0.3), time)


def lay(loop: Samples, sound: Samples, at_s: float, strength: float) -> None:
    """Add a sound to the loop; what rings past the end goes on at the beginning."""
    where = (round(at_s * RATE_HZ) + np.arange(len(sound))) % len(loop)
    np.add.at(loop, where, sound * strength)


def lay_chord(loop: Samples, index: int, chord: tuple[int, ...]) -> None:
    """Add the pad, the arpeggio and in every second chord two notes of melody."""
    lasts = BEAT_S * BEATS_PER_CHORD
    start = index * lasts
    for note in chord:
        lay(loop, pad(note, lasts * 1.5), start - lasts * 0.25, 0.10)
    for step, which in enumerate(ARPEGGIO):
        lay(loop, piano(chord[which]), start + step * BEAT_S / 2, 0.30 if step % 4 == 0 else 0.22)
    if index % 2:
        for beat, which, up in MELODY:
            lay(loop, piano(chord[which] + up), start + beat * BEAT_S, 0.28)


def compose() -> Samples:
    """Return the loop at its level."""
    loop: Samples = np.zeros(SECONDS * RATE_HZ)
    for index, chord in enumerate(CHORDS):
        lay_chord(loop, index, chord)
    loop *= 10 ** (MUSIC_DBFS / 20) / np.sqrt(np.mean(loop**2))
    return loop


if __name__ == "__main__":
    write_alaw(HERE / "music" / "calm.wav", compose())
    print(f"music/calm.wav: {SECONDS} s")
