"""The bundled recordings, heard by numbers: encoding, length, level, edges (rows Q11, V2, V3, I5)."""

from __future__ import annotations

import struct
import tomllib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from b2bua.phrases import Phrasebook
from media.wav import read_wav

ROOT = Phrasebook.found()
LANGUAGES = ("en", "pl", "ru", "uk")
LARGEST_COMMITTED = 7_500_000
RATE_HZ = 8000
FRAME = 160

Samples = npt.NDArray[np.float64]


def names(language: str) -> set[str]:
    return set(tomllib.loads((ROOT / language / "texts.toml").read_text(encoding="utf-8")))


def heard(path: Path) -> Samples:
    samples, rate = read_wav(path)
    assert rate == RATE_HZ, path
    return samples.astype(np.float64) / 32768


def seconds(path: Path) -> float:
    return len(heard(path)) / RATE_HZ


def dbfs(value: float) -> float:
    return float(20 * np.log10(max(value, 1e-9)))


def frames_dbfs(samples: Samples) -> Samples:
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-12))


def speech_dbfs(samples: Samples) -> float:
    levels = frames_dbfs(samples)
    spoken = levels[levels > levels.max() - 25]
    return float(10 * np.log10(np.mean(10 ** (spoken / 10))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_q11_every_text_has_its_audio_and_every_audio_its_text(language: str) -> None:
    assert {path.stem for path in (ROOT / language).glob("*.wav")} == names(language)


def test_q11_no_language_lacks_a_sentence_that_english_has() -> None:
    inflected = ("number-", "minute-", "second-", "hour-", "day-", "message-new-", "message-old-")
    english = {name for name in names("en") if not name.startswith(inflected)}
    for language in LANGUAGES:
        assert english == {name for name in names(language) if not name.startswith(inflected)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_have_number_words_and_no_digits(language: str) -> None:
    texts = tomllib.loads((ROOT / language / "texts.toml").read_text(encoding="utf-8"))
    assert not [name for name, text in texts.items() if any(sign.isdigit() for sign in text)]


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("*/*.wav")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_q11_files_are_mono_alaw_at_8_khz(path: Path) -> None:
    content = path.read_bytes()
    at = content.index(b"fmt ") + 8
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content, at)
    assert (tag, channels, rate, bits) == (6, 1, RATE_HZ, 8)


@pytest.mark.parametrize("language", LANGUAGES)
def test_q11_all_prompts_are_equally_loud_and_none_is_clipped(language: str) -> None:
    for path in sorted((ROOT / language).glob("*.wav")):
        samples = heard(path)
        assert speech_dbfs(samples) == pytest.approx(-20.0, abs=1.0), path
        assert dbfs(np.abs(samples).max()) <= -3.0, path
        assert abs(np.mean(samples)) < 0.005, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_q11_edges_are_silent_and_short(language: str) -> None:
    for path in sorted((ROOT / language).glob("*.wav")):
        samples = heard(path)
        loud = np.flatnonzero(np.abs(samples) > 10 ** (-45 / 20)) / RATE_HZ
        assert len(samples) / RATE_HZ > 0.2, path
        assert loud[0] < 0.15, path
        assert len(samples) / RATE_HZ - loud[-1] < 0.35, path
        assert dbfs(np.abs(samples[:40]).max()) < -45, path
        assert dbfs(np.abs(samples[-40:]).max()) < -45, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_pauses_longer_than_half_a_second(language: str) -> None:
    for path in sorted((ROOT / language).glob("*.wav")):
        levels = frames_dbfs(heard(path))
        longest = max(len(run) for run in "".join("." if level < -50 else "x" for level in levels).split("x"))
        assert longest * 0.02 <= 0.5, path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["voicemail-greeting-working", "voicemail-greeting-off-hours"])
def test_v2_v3_voicemail_greetings_last_15_to_30_seconds(language: str, name: str) -> None:
    assert 15.0 <= seconds(ROOT / language / f"{name}.wav") <= 30.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_i5_the_menu_is_said_in_10_seconds(language: str) -> None:
    assert seconds(ROOT / language / "menu-demo.wav") <= 10.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_i17_off_hours_greeting_with_hours_and_the_invitation_fits_voicemail(language: str) -> None:
    book = Phrasebook(ROOT, language)
    parts = book.paths(["welcome", "closed", "hours-mon-fri-9-18", "voicemail-short"])
    assert sum(map(seconds, parts)) < 30.0


def test_music_is_6_db_under_speech_and_loops_without_a_seam() -> None:
    samples = heard(ROOT / "music" / "calm.wav")
    assert 45.0 <= len(samples) / RATE_HZ <= 60.0
    assert dbfs(float(np.sqrt(np.mean(samples**2)))) == pytest.approx(-26.0, abs=0.5)
    assert dbfs(np.abs(samples).max()) < -9.0
    steps = np.abs(np.diff(samples))
    assert abs(samples[0] - samples[-1]) <= np.percentile(steps, 99.9)
    levels = frames_dbfs(samples)
    assert levels.min() > -50  # it never stops
    assert abs(levels[:5].mean() - levels[-5:].mean()) < 12


def test_music_stays_in_the_band_of_a_telephone() -> None:
    samples = heard(ROOT / "music" / "calm.wav")
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    outside = power[(hertz < 150) | (hertz > 3400)].sum()
    assert outside < 0.005 * power.sum()


def test_all_that_is_committed_stays_small() -> None:
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) <= LARGEST_COMMITTED


@pytest.mark.parametrize("folder", [*LANGUAGES, "music"])
def test_the_licence_of_each_voice_stands_beside_it(folder: str) -> None:
    assert (ROOT / folder / "LICENSE").read_text(encoding="utf-8").strip()
