"""Where a prompt is found: the office's own, ours, English."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2bua.phrases import Phrasebook, UnknownPrompt

ROOT = Phrasebook.found()


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


def small_root(folder: Path) -> Path:
    for language in ("en", "uk"):
        (folder / language).mkdir(parents=True)
        (folder / language / "grammar.toml").write_text('[[plural]]\nform = "many"\n')
    return folder


def test_a_prompt_is_ours_unless_the_office_has_its_own(tmp_path: Path) -> None:
    book = Phrasebook(ROOT, "pl", tmp_path)
    assert book.path("connected") == ROOT / "pl" / "connected.wav"
    everywhere = touch(tmp_path / "connected.wav")
    assert book.path("connected") == everywhere
    polish = touch(tmp_path / "pl" / "connected.wav")
    assert book.path("connected") == polish
    assert Phrasebook(ROOT, "uk", tmp_path).path("connected") == everywhere


def test_the_office_can_add_prompts_of_any_name(tmp_path: Path) -> None:
    own = touch(tmp_path / "menus" / "autumn-sale.wav")
    book = Phrasebook(ROOT, "uk", tmp_path)
    assert book.path("menus/autumn-sale") == own
    assert book.path("menus/autumn-sale.wav") == own
    assert book.has("menus/autumn-sale")
    assert not book.has("menus/winter-sale")


def test_an_own_number_word_is_used_in_every_number(tmp_path: Path) -> None:
    own = touch(tmp_path / "number-3.wav")
    assert own in Phrasebook(ROOT, "ru", tmp_path).position_and_wait(23, 180.0)


def test_a_missing_prompt_is_said_in_english_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = small_root(tmp_path)
    english = touch(root / "en" / "goodbye.wav")
    book = Phrasebook(root, "uk")
    assert book.path("goodbye") == english
    assert book.path("goodbye") == english
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "prompt goodbye is missing in 'uk', said in English instead")
    ]
    assert book.has("goodbye")


def test_row_q15_music_that_is_gone_is_told_once_and_ours_is_played(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    piece = touch(tmp_path / "music" / "mine.wav")
    book = Phrasebook(ROOT, "en", tmp_path)
    assert book.music_or_ours("mine") == piece
    piece.unlink()
    assert [book.music_or_ours("mine") for _ in range(3)] == [book.music()] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "music mine is missing, ours is played instead"
    ]


@pytest.mark.parametrize(
    "name", ["no-such-prompt", "", "../en/connected", "/etc/passwd", "a//b", "..", "a/../b"]
)
def test_an_unknown_prompt_is_an_error_that_names_it(name: str) -> None:
    book = Phrasebook(ROOT, "en")
    with pytest.raises(UnknownPrompt) as caught:
        book.path(name)
    assert repr(name) in str(caught.value)
    assert not book.has(name)


def test_an_unknown_language_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownPrompt, match="xx/grammar"):
        Phrasebook(ROOT, "xx")


def test_q11_all_four_languages_are_loaded_by_default() -> None:
    assert Phrasebook.languages(ROOT) == ("en", "pl", "ru", "uk")


def test_music_is_found_and_the_offices_own_wins(tmp_path: Path) -> None:
    book = Phrasebook(ROOT, "en", tmp_path)
    assert book.music() == ROOT / "music" / "calm.wav"
    own = touch(tmp_path / "music" / "calm.wav")
    assert book.music() == own
    with pytest.raises(UnknownPrompt, match="music/jazz"):
        book.music("jazz")


def test_extensions_are_spelled_digit_by_digit() -> None:
    names = [path.stem for path in Phrasebook(ROOT, "en").digits("+48 10-3")]
    assert names == ["plus", "number-4", "number-8", "number-1", "number-0", "number-3"]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".opus", ".gsm"])
def test_row_q10_own_prompts_and_music_may_be_of_any_kind(suffix: str, tmp_path: Path) -> None:
    own = touch(tmp_path / f"welcome{suffix}")
    tune = touch(tmp_path / "music" / f"jazz{suffix}")
    book = Phrasebook(ROOT, "en", tmp_path)
    assert book.path("welcome") == book.path(f"welcome{suffix}") == own
    assert book.music("jazz") == tune
    assert not book.is_ours(own)
    assert book.is_ours(book.path("goodbye"))


def test_of_two_kinds_the_wav_is_played(tmp_path: Path) -> None:
    touch(tmp_path / "welcome.mp3")
    wav = touch(tmp_path / "welcome.wav")
    assert Phrasebook(ROOT, "en", tmp_path).path("welcome") == wav
