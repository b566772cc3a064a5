"""Sounds that are encoded before anybody calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from media import preparing
from media.client import MediaEngine
from media.commands import Clip
from media.encoded_files import EncodedFiles
from media.encoding import Encoding
from media.errors import MediaError
from media.preparing import prepare
from media.processes import start_module
from tests.media.test_encoded_files import in_disguise, loaded, write

EVERY = tuple(map(Encoding, ("PCMA", "PCMU", "G722", "opus")))


async def test_sounds_are_encoded_once_for_each_codec_before_anybody_hears_them(tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    music = Clip(write(tmp_path / "music.wav"), lufs=-23.0, is_kept=True)
    prompt = Clip(write(tmp_path / "prompt.wav", seconds=0.5), is_kept=True)
    engine = MediaEngine([], encoded=folder)
    assert await engine.prepare([music, prompt, Clip(tmp_path / "message.wav")], EVERY) == {}
    assert len(list(folder.iterdir())) == 2 * len(EVERY), "a message is nobody's to keep"
    sizes = [len(loaded(folder, music, encoding)) for encoding in EVERY]
    assert sizes == [48_000, 48_000, 48_000, 24_000]
    in_disguise(music.path)
    assert [len(loaded(folder, music, encoding)) for encoding in EVERY] == sizes
    assert loaded(folder, music) != loaded(tmp_path / "elsewhere", music), "a caller gets what was prepared"


async def test_what_is_prepared_costs_no_process_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, music = tmp_path / "encoded", Clip(write(tmp_path / "music.wav"), is_kept=True)
    await prepare([(music, EVERY[0])], folder)

    async def start(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("no more processes")

    monkeypatch.setattr(preparing, "start_module", start)
    assert await prepare([(music, EVERY[0])], folder) == {}
    with pytest.raises(MediaError, match="no process can be started"):
        await prepare([(music, EVERY[1])], folder)


async def test_a_file_that_cannot_be_played_is_told_and_the_others_are_prepared(tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    (tmp_path / "text.mp3").write_text("this is\nno sound")
    paths = [tmp_path / "text.mp3", tmp_path / "gone.wav", write(tmp_path / "music.wav")]
    troubles = await prepare(
        [(Clip(path, is_kept=True), each) for path in paths for each in EVERY[:2]], folder
    )
    assert troubles.keys() == set(paths[:2])
    assert "text.mp3: cannot be read as sound" in troubles[paths[0]]
    assert troubles[paths[1]] == "No such file or directory"
    assert len(list(folder.iterdir())) == 2


async def test_a_file_that_breaks_its_decoder_ends_no_call_and_keeps_no_other_from_being_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(_: str, *arguments: str, **pipes: Any) -> asyncio.subprocess.Process:
        return await start_module("tests.media.breaking_preparer", *arguments, **pipes)

    monkeypatch.setattr(preparing, "start_module", start)
    folder = tmp_path / "encoded"
    paths = [write(tmp_path / name) for name in ("first.wav", "evil.wav", "last.wav")]
    troubles = await prepare([(Clip(path, is_kept=True), EVERY[0]) for path in paths], folder)
    assert troubles == {paths[1]: "whatever reads it breaks down"}
    files = EncodedFiles(folder)
    assert [files.has(files.place(Clip(path, is_kept=True), EVERY[0])) for path in paths] == [
        True,
        False,
        True,
    ]


async def test_one_that_takes_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[asyncio.subprocess.Process] = []

    async def start(_: str, *arguments: str, **pipes: Any) -> asyncio.subprocess.Process:
        processes.append(await asyncio.create_subprocess_exec("sleep", "60", **pipes))
        return processes[-1]

    monkeypatch.setattr(preparing, "start_module", start)
    monkeypatch.setattr(preparing, "PATIENCE_S", 0.01)
    music = Clip(write(tmp_path / "music.wav"), is_kept=True)
    assert music.path in await prepare([(music, EVERY[0])], tmp_path / "encoded")
    assert processes[0].returncode is not None, "it is ended"
