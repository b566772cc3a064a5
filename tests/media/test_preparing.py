"""Sounds that are encoded before anybody calls."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from media import codecs, preparing
from media.client import MediaEngine
from media.commands import Clip, Row, Silence, Tone
from media.encoded_files import EncodedFiles
from media.encoding import Encoding
from media.errors import MediaError
from media.modules import module_command
from media.orders import PREPARER, Order, write_orders
from media.preparing import prepare
from media.processes import start_module
from media.rows import SILENCE
from media.sounds import Encoded, SoundLibrary
from tests.harness.ports import media_ports
from tests.media.engines import AtOnce
from tests.media.test_encoded_files import in_disguise, loaded, write
from tests.media.udp_peer import UdpPeer

EVERY = tuple(map(Encoding, ("PCMA", "PCMU", "G722", "opus")))
PROMPTS = Path(__file__).parents[2] / "prompts" / "en"
THANKS, GOODBYE = (Clip(PROMPTS / f"{name}.wav", is_kept=True) for name in ("form-thanks", "goodbye"))
LAST_WORDS: Row = (THANKS, GOODBYE)
RINGBACK: Row = (Tone((425.0,), 1.0), Silence(0.5))


async def test_sounds_are_encoded_once_for_each_codec_before_anybody_hears_them(tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    music = Clip(write(tmp_path / "music.wav"), lufs=-23.0, is_kept=True)
    prompt = Clip(write(tmp_path / "prompt.wav", seconds=0.5), is_kept=True)
    engine = MediaEngine([], encoded=folder)
    assert await engine.prepare([(music,), (prompt,), (Clip(tmp_path / "message.wav"),)], EVERY) == {}
    assert len(list(folder.iterdir())) == 2 * len(EVERY), "a message is nobody's to keep"
    sizes = [len(loaded(folder, music, encoding)) for encoding in EVERY]
    assert sizes == [48_000, 48_000, 48_000, 24_000]
    in_disguise(music.path)
    assert [len(loaded(folder, music, encoding)) for encoding in EVERY] == sizes
    assert loaded(folder, music) != loaded(tmp_path / "elsewhere", music), "a caller gets what was prepared"


async def test_a_caller_s_first_sounds_come_from_what_was_prepared_and_nothing_is_encoded_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sounds = tmp_path / "encoded", ((THANKS,), LAST_WORDS, RINGBACK, (SILENCE,))
    assert await prepare(sounds, EVERY, folder) == {}

    def heard(encoding: Encoding) -> list[tuple[Encoded, list[str]]]:
        """Return each sound as a program that was just started sends it."""
        library, found = SoundLibrary(AtOnce(), files=EncodedFiles(folder)), list[tuple[Encoded, list[str]]]()
        for sound in sounds:
            library.load(sound, encoding, lambda *result: found.append(result))
        return found

    made = [heard(encoding) for encoding in EVERY]
    for encode in ("by_name", "encoder"):
        monkeypatch.delattr(codecs, encode)  # whoever encodes anything needs one of them
    assert [heard(encoding) for encoding in EVERY] == made
    assert all(sound for found in made for encoded, troubles in found for sound in encoded.sounds)
    for codec in ("PCMA", "G722"):
        for ptime_ms in (10, 30, 60):
            encoded, troubles = heard(Encoding(codec, ptime_ms, 64_000))[0]
            assert (encoded.frame_bytes, troubles) == (ptime_ms * 8, [])
            assert encoded.sounds == heard(Encoding(codec))[0][0].sounds


def test_prompts_that_were_prepared_are_what_would_have_been_encoded_for_the_caller(tmp_path: Path) -> None:
    def heard(folder: Path, encoding: Encoding) -> list[Encoded]:
        library, found = SoundLibrary(AtOnce(), files=EncodedFiles(folder)), list[Encoded]()
        for sound in ((THANKS,), LAST_WORDS, RINGBACK):
            library.load(sound, encoding, lambda each, _: found.append(each))
        return found

    for encoding in EVERY:
        asyncio.run(prepare([(THANKS,), LAST_WORDS, RINGBACK, (SILENCE,)], [encoding], tmp_path / "encoded"))
        assert heard(tmp_path / "encoded", encoding) == heard(tmp_path / encoding.codec, encoding)


@pytest.mark.parametrize(("codec", "number"), [("G722", 9), ("opus", 111)])
async def test_a_worker_that_plays_what_was_prepared_loads_no_encoder(
    tmp_path: Path, codec: str, number: int
) -> None:
    folder = tmp_path / "encoded"
    await prepare([(SILENCE,), LAST_WORDS], [Encoding(codec)], folder)
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=media_ports(1), encoded=folder)
    try:
        with UdpPeer(codec=codec, number=number) as anna:
            leg = await engine.open_leg()
            leg.connect(anna.agreement())
            leg.play(LAST_WORDS)
            async with asyncio.timeout(10):
                await asyncio.get_running_loop().sock_recv(anna.udp, 2048)
            assert "libavcodec" not in Path(f"/proc/{engine.pid}/maps").read_text()
    finally:
        await engine.close()


async def test_a_prompt_that_is_changed_is_encoded_anew_in_every_row(tmp_path: Path) -> None:
    folder, wideband = tmp_path / "encoded", Encoding("G722")
    row: Row = (Clip(write(tmp_path / "first.wav", seconds=0.5), is_kept=True), THANKS)

    def lengths() -> list[int]:
        files = EncodedFiles(folder)
        return [len(sound) for sound in files.find(files.place(row, wideband), 2) or ()]

    await prepare([row], [wideband], folder)
    assert lengths()[0] == 4000
    write(tmp_path / "first.wav", seconds=0.7)
    assert lengths() == []
    await prepare([row], [wideband], folder)
    assert lengths()[0] == 5600


async def test_what_the_disk_lost_or_changed_is_encoded_anew_at_the_next_start(tmp_path: Path) -> None:
    folder, wideband = tmp_path / "encoded", Encoding("G722")
    files = EncodedFiles(folder)
    file = files.place(LAST_WORDS, wideband)
    await prepare([LAST_WORDS], [wideband], folder)
    whole = file.read_bytes()
    file.write_bytes(b"")  # which a file system leaves of what it had not written when power failed
    await prepare([LAST_WORDS], [wideband], folder)
    assert file.read_bytes() == whole
    file.write_bytes(whole[:-1])
    assert files.find(file, len(LAST_WORDS)) is None, "this caller waits"
    await prepare([LAST_WORDS], [wideband], folder)
    assert file.read_bytes() == whole, "and nobody else"


async def test_what_tells_a_message_is_in_no_row_on_disk(tmp_path: Path) -> None:
    row: Row = (THANKS, Clip(write(tmp_path / "message.wav", seconds=0.5)))
    assert await prepare([row], EVERY[2:], tmp_path / "encoded") == {}
    assert not (tmp_path / "encoded").exists()


@pytest.mark.parametrize("said", [-1, None], ids=["in the middle", "behind it"])
async def test_where_whoever_started_it_is_killed_it_ends_without_a_word(
    tmp_path: Path, said: int | None
) -> None:
    heard_by_nobody, stdout = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *module_command(PREPARER, str(tmp_path / "encoded")), stdin=PIPE, stdout=stdout, stderr=PIPE
    )
    os.close(heard_by_nobody)
    os.close(stdout)
    orders = write_orders([((THANKS,), EVERY[0])] * 5)
    assert await process.communicate(orders[:said]) == (None, b"")
    assert process.returncode == 0


async def test_where_the_disk_takes_nothing_no_sound_is_encoded_in_vain(tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    folder.write_text("no folder")
    process = await start_module(PREPARER, str(folder), stdin=PIPE, stdout=PIPE)
    answers, _ = await process.communicate(write_orders([((THANKS,), each) for each in EVERY]))
    assert answers.decode().splitlines() == ["not kept: File exists"]
    with pytest.raises(MediaError, match="encoded takes nothing: File exists"):
        await prepare([(THANKS,)], EVERY, folder)


async def test_what_is_prepared_costs_no_process_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, music = tmp_path / "encoded", Clip(write(tmp_path / "music.wav"), is_kept=True)
    await prepare([(music,)], EVERY[:1], folder)

    async def start(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("no more processes")

    monkeypatch.setattr(preparing, "start_module", start)
    assert await prepare([(music,)], EVERY[:1], folder) == {}
    with pytest.raises(MediaError, match="no process can be started"):
        await prepare([(music,)], EVERY[:2], folder)


async def test_prompts_do_not_wait_for_the_music_in_another_codec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    music = Clip(write(tmp_path / "music.wav", seconds=11.0), is_kept=True)
    ordered: list[Order] = []

    async def encoded(orders: Sequence[Order], _: Path) -> list[str]:
        ordered.extend(orders)
        return [""] * len(orders)

    monkeypatch.setattr(preparing, "_encoded", encoded)
    await prepare([(THANKS,), (music,), LAST_WORDS], EVERY[1:3], tmp_path / "encoded")
    assert [(len(row), row[0] is music, encoding.codec) for row, encoding in ordered] == [
        (1, False, "PCMU"),
        (1, False, "PCMU"),
        (1, False, "G722"),
        (2, False, "G722"),
        (1, True, "PCMU"),
        (1, True, "G722"),
    ]


async def test_a_file_that_cannot_be_played_is_told_and_the_others_are_prepared(tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    (tmp_path / "text.mp3").write_text("this is\nno sound")
    paths = [tmp_path / "text.mp3", tmp_path / "gone.wav", write(tmp_path / "music.wav")]
    troubles = await prepare([(Clip(path, is_kept=True),) for path in paths], EVERY[:2], folder)
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
    clips = [Clip(path, is_kept=True) for path in paths]
    troubles = await prepare([(clip,) for clip in clips], EVERY[:1], folder)
    assert troubles == {paths[1]: "whatever reads it breaks down"}
    files = EncodedFiles(folder)
    assert [files.has(files.place((clip,), EVERY[0])) for clip in clips] == [True, False, True]


async def test_where_no_process_encodes_anything_no_file_is_blamed_and_soon_no_more_are_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start(module: str, *_: str, **pipes: Any) -> asyncio.subprocess.Process:
        started.append(module)
        return await asyncio.create_subprocess_exec("false", **pipes)

    monkeypatch.setattr(preparing, "start_module", start)
    paths = sorted(PROMPTS.glob("number-*.wav"))
    with pytest.raises(MediaError, match="every process that is to encode them breaks down"):
        await prepare([(Clip(path, is_kept=True),) for path in paths], EVERY, tmp_path / "encoded")
    assert len(started) == 10 < len(paths)


async def test_one_that_takes_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[asyncio.subprocess.Process] = []

    async def start(_: str, *arguments: str, **pipes: Any) -> asyncio.subprocess.Process:
        processes.append(await asyncio.create_subprocess_exec("sleep", "60", **pipes))
        return processes[-1]

    monkeypatch.setattr(preparing, "start_module", start)
    monkeypatch.setattr(preparing, "PATIENCE_S", 0.01)
    music = Clip(write(tmp_path / "music.wav"), is_kept=True)
    assert music.path in await prepare([(music,)], EVERY[:1], tmp_path / "encoded")
    assert processes[0].returncode is not None, "it is ended"
