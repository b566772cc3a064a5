"""An office's sounds, encoded at its start and whenever one of them changes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from b2bua import preparing
from b2bua.config.load import load_config
from b2bua.edition import Edition
from b2bua.phrases import Phrasebook
from b2bua.preparing import Preparation
from media.client import MediaEngine
from media.commands import Clip, Row
from media.encoding import Encoding
from media.errors import MediaError
from media.levels import MUSIC_LUFS, SPEECH_LUFS
from tests.harness.ports import free_port, media_ports
from tests.harness.product import quick_office
from tests.media.test_encoded_files import write


class Listed(MediaEngine):
    """An engine that notes what it is to prepare."""

    def __init__(self, folder: Path) -> None:
        super().__init__([], encoded=folder)
        self.asked: list[tuple[list[Row], list[str]]] = []
        self.troubles: Mapping[Path, str] = {}

    fails = False

    async def prepare(self, sounds: Sequence[Row], encodings: Sequence[Encoding]) -> Mapping[Path, str]:
        self.asked.append((list(sounds), [encoding.codec for encoding in encodings]))
        if self.fails:
            raise MediaError("no process can be started")
        return self.troubles


def written(path: Path) -> Path:
    """Write a sound that nobody has touched for a minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, seconds=0.1)
    os.utime(path, (time.time() - 60,) * 2)
    return path


@pytest.fixture
def edition(tmp_path: Path) -> Edition:
    text = quick_office(sip_port=free_port(), rtp=media_ports(8), outside_port=free_port())
    text = text.replace("[office]\n", f'[office]\nprompts = "{tmp_path / "own"}"\n', 1)
    text = text.replace("[queue.sales]\n", '[queue.sales]\nmusic = "long"\n', 1)
    text += '[media]\ncodecs = ["PCMA", "G722"]\n'
    (tmp_path / "office.toml").write_text(text)
    for name in ("welcome", "sales/never-named", "ru/welcome", "music/long", "music/never-named"):
        written(tmp_path / "own" / f"{name}.wav")
    return Edition.of(load_config(tmp_path / "office.toml"))


def clips(rows: Sequence[Row]) -> list[Clip]:
    """Return the files among ``rows``."""
    return [item for row in rows for item in row if isinstance(item, Clip)]


def names(row: Row) -> list[str]:
    """Return what is said in ``row``, one after another."""
    return [item.path.stem if isinstance(item, Clip) else type(item).__name__ for item in row]


async def test_own_prompts_and_the_music_that_is_named_are_prepared_in_each_codec(
    tmp_path: Path, edition: Edition
) -> None:
    engine = Listed(tmp_path / "encoded")
    await Preparation(engine, lambda: edition).look()
    [(rows, codecs)] = engine.asked
    assert codecs == ["G722", "PCMA"]
    own = dict.fromkeys(clip for clip in clips(rows) if clip.path.is_relative_to(tmp_path))
    assert [(clip.path.stem, clip.lufs) for clip in own] == [
        ("never-named", SPEECH_LUFS),
        ("welcome", SPEECH_LUFS),
        ("long", MUSIC_LUFS),
    ]
    assert all(clip.is_kept for clip in clips(rows))


async def test_our_prompts_of_the_office_s_language_are_prepared_and_of_another_after_a_reload(
    tmp_path: Path, edition: Edition
) -> None:
    engine, editions = Listed(tmp_path / "encoded"), [edition]
    preparation = Preparation(engine, lambda: editions[-1])
    await preparation.look()
    office = tmp_path / "office.toml"
    office.write_text(office.read_text().replace('language = "en"', 'language = "pl"'))
    editions.append(Edition.of(load_config(office)))
    await preparation.look()
    for language, (rows, _) in zip(("en", "pl"), engine.asked, strict=True):
        folder = Phrasebook.found() / language
        ours = {clip.path for clip in clips(rows) if clip.path.is_relative_to(folder.parent)}
        expected = {path for path in folder.glob("*.wav") if path.stem != "welcome"}  # which the office has
        assert ours == {*expected, folder.parent / "music" / "calm.wav"}
        assert all(clip.lufs is None for clip in clips(rows) if clip.path in ours)


async def test_what_is_always_said_together_is_prepared_together_and_so_is_what_is_in_no_file(
    tmp_path: Path, edition: Edition
) -> None:
    engine = Listed(tmp_path / "encoded")
    await Preparation(engine, lambda: edition).look()
    [(rows, _)] = engine.asked
    assert sorted(names(row) for row in rows if len(row) > 1) == [
        ["Silence", "menu-demo"],
        ["Tone", "Silence"],
        ["call-back-promise", "goodbye"],
        ["form-thanks", "goodbye"],
        ["message-empty", "goodbye"],
        ["message-saved", "goodbye"],
    ]
    assert [names(row) for row in rows if not clips([row])] == [["Tone", "Silence"], ["Tone"], ["Silence"]]


async def test_a_changed_sound_is_prepared_once_it_is_written_and_not_again(
    tmp_path: Path, edition: Edition
) -> None:
    engine = Listed(tmp_path / "encoded")
    preparation = Preparation(engine, lambda: edition)
    await preparation.look()
    await preparation.look()
    assert len(engine.asked) == 1
    music = tmp_path / "own" / "music" / "long.wav"
    music.touch()
    await preparation.look()
    assert music not in [clip.path for clip in clips(engine.asked[-1][0])], "it may still be written"
    os.utime(music, (time.time() - 30,) * 2)
    await preparation.look()
    assert music in [clip.path for clip in clips(engine.asked[-1][0])]
    assert len(engine.asked) == 3


async def test_a_sound_that_cannot_be_played_is_told_once_before_a_caller_hears_silence(
    tmp_path: Path, edition: Edition
) -> None:
    engine = Listed(tmp_path / "encoded")
    engine.troubles = {tmp_path / "own" / "welcome.wav": "there is no sound in it"}
    preparation = Preparation(engine, lambda: edition)
    with capture_logs() as logs:
        await preparation.look()
        await preparation.look()
    [line] = logs
    assert line["event"] == f"{tmp_path}/own/welcome.wav cannot be played: callers hear nothing in its place"
    assert line["why"] == "there is no sound in it"


async def test_where_nothing_can_be_prepared_that_is_told_once_and_callers_are_served_all_the_same(
    tmp_path: Path, edition: Edition
) -> None:
    engine = Listed(tmp_path / "encoded")
    engine.fails = True
    preparation = Preparation(engine, lambda: edition)
    with capture_logs() as logs:
        await preparation.look()
        await preparation.look()
    [line] = logs
    assert line["why"] == "no process can be started"


async def test_what_could_not_be_prepared_is_tried_again_after_a_while_until_it_can(
    tmp_path: Path, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AGAIN_S", 0.0)
    engine = Listed(tmp_path / "encoded")
    preparation = Preparation(engine, lambda: edition)
    for engine.fails in (True, True, False, False):
        await preparation.look()
    assert len(engine.asked) == 3
