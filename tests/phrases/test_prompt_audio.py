"""The bundled recordings, heard by numbers: encoding, length, level, edges (rows Q11, V2, V3, I5)."""

from __future__ import annotations

import struct
import tomllib
from pathlib import Path

import numpy as np
import pytest

from b2bua.phrases import Phrasebook
from tests.harness.hearing import FRAME_S, Hearing

ROOT = Phrasebook.found()
LANGUAGES = ("en", "pl", "ru", "uk")
LARGEST_COMMITTED = 7_500_000
RATE_HZ = 8000


def names(language: str) -> set[str]:
    return set(tomllib.loads((ROOT / language / "texts.toml").read_text(encoding="utf-8")))


def seconds(path: Path) -> float:
    return Hearing.of_file(path).seconds


def sample_at(dbfs: float) -> float:
    return 32768 * 10 ** (dbfs / 20)


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
        heard = Hearing.of_file(path)
        assert heard.loudness(within_db=25.0) == pytest.approx(-20.0, abs=1.0), path
        assert heard.peak() <= sample_at(-3.0), path
        assert heard.clipping() == [], path
        assert abs(heard.pcm.mean()) < 0.005 * 32768, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_q11_edges_are_silent_and_short(language: str) -> None:
    for path in sorted((ROOT / language).glob("*.wav")):
        pcm = Hearing.of_file(path).pcm
        assert len(pcm) / RATE_HZ > 0.2, path
        for edge, until_speech in ((pcm, 0.15), (pcm[::-1], 0.35)):
            assert Hearing(edge[:40], RATE_HZ).peak() < sample_at(-45), path
            assert Hearing(edge[: round(until_speech * RATE_HZ)], RATE_HZ).peak() > sample_at(-45), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_pauses_longer_than_half_a_second(language: str) -> None:
    for path in sorted((ROOT / language).glob("*.wav")):
        pauses = Hearing.of_file(path).gaps(above_db=-50.0)
        assert max((pause.seconds for pause in pauses), default=0.0) < 0.51, path


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
    music = Hearing.of_file(ROOT / "music" / "calm.wav")
    assert 45.0 <= music.seconds <= 60.0
    assert music.loudness() == pytest.approx(-26.0, abs=0.5)
    assert music.peak() < sample_at(-9.0)
    assert music.clipping() == []
    steps = np.abs(np.diff(music.pcm.astype(int)))
    assert abs(int(music.pcm[0]) - int(music.pcm[-1])) <= np.percentile(steps, 99.9)
    assert music.softest(FRAME_S) > -50  # it never stops
    beginning, end = music.between(0.0, 0.1), music.between(music.seconds - 0.1)
    assert abs(beginning.loudness() - end.loudness()) < 12


def test_music_stays_in_the_band_of_a_telephone() -> None:
    assert Hearing.of_file(ROOT / "music" / "calm.wav").share_between(150.0, 3400.0) > 0.995


def test_all_that_is_committed_stays_small() -> None:
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) <= LARGEST_COMMITTED


@pytest.mark.parametrize("folder", [*LANGUAGES, "music"])
def test_the_licence_of_each_voice_stands_beside_it(folder: str) -> None:
    assert (ROOT / folder / "LICENSE").read_text(encoding="utf-8").strip()
