"""Music that is encoded once, and not again after each start."""

from __future__ import annotations

import asyncio
import errno
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from media import aside
from media.audiofile import LONGEST_S
from media.background import Background
from media.client import MediaEngine
from media.commands import Clip, PlayItem
from media.encoded_files import EncodedFiles
from media.encoding import Encoding
from media.payloads import HEAD_GAIN_DB, HEAD_S, samples
from media.player import Player
from media.sounds import EncodeAside, Encoded, SoundLibrary
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.hearing import Hearing
from tests.harness.ports import media_ports
from tests.media.engines import AtOnce
from tests.media.udp_peer import UdpPeer

ALAW = Encoding("PCMA")
SECONDS = 6.0


def write(path: Path, frequency: float = 500.0, seconds: float = SECONDS, *, rate: int = 8000) -> Path:
    """Write a piece of music."""
    writer = WavWriter(path, rate, WavFormat.PCM16)
    writer.append(tone((frequency,), seconds, rate).tobytes())
    writer.close()
    return path


def in_disguise(path: Path, *, seconds: float = SECONDS) -> None:
    """Let ``path`` hold other sound and look as before: only who encodes it anew can tell."""
    was = path.stat()
    write(path, 900.0, seconds)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert path.stat().st_size == was.st_size


def loaded(folder: Path, item: PlayItem, encoding: Encoding = ALAW, *, most_bytes: int = 10**9) -> bytes:
    """Return ``item`` as a program that was just started sends it."""
    sounds: list[Encoded] = []
    files = EncodedFiles(folder, most_bytes=most_bytes)
    SoundLibrary(AtOnce(), files=files).load((item,), encoding, lambda each, _: sounds.append(each))
    return sounds[0].sounds[0]


def test_a_start_takes_from_disk_what_was_encoded_before(tmp_path: Path) -> None:
    music = write(tmp_path / "music.wav")
    clip = Clip(music, lufs=-23.0, is_kept=True)
    first = loaded(tmp_path / "encoded", clip)
    in_disguise(music)
    assert loaded(tmp_path / "encoded", clip) == first
    assert loaded(tmp_path / "encoded", Clip(music, is_kept=True)) != first, (
        "another loudness is another sound"
    )
    assert loaded(tmp_path / "encoded", clip, Encoding("PCMU")) != first


def test_a_file_that_was_changed_is_encoded_anew(tmp_path: Path) -> None:
    music = write(tmp_path / "music.wav")
    clip = Clip(music, is_kept=True)
    first = loaded(tmp_path / "encoded", clip)
    write(music, 900.0, SECONDS + 1)
    second = loaded(tmp_path / "encoded", clip)
    assert len(second) == len(first) + 8000
    music.unlink()
    assert loaded(tmp_path / "encoded", clip) == b"", "what is not there any more is not played"


class Overtaken(EncodedFiles):
    """A folder into which sound comes when its file is another already."""

    def __init__(self, folder: Path, change: Callable[[], object]) -> None:
        super().__init__(folder)
        self._change = change

    def keep(self, *sound: Any) -> None:
        self._change()
        super().keep(*sound)


def test_a_file_that_is_changed_while_it_is_encoded_is_encoded_anew_after_a_start(tmp_path: Path) -> None:
    music, folder = write(tmp_path / "music.wav", seconds=5.5), tmp_path / "encoded"
    clip = Clip(music, is_kept=True)
    library = SoundLibrary(AtOnce(), files=Overtaken(folder, lambda: write(music)))
    lengths: list[int] = []
    library.load((clip,), ALAW, lambda each, _: lengths.append(len(each.sounds[0])))
    assert lengths == [5.5 * 8000]
    assert len(loaded(folder, clip)) == SECONDS * 8000


def test_what_the_disk_gives_back_otherwise_is_encoded_anew(tmp_path: Path) -> None:
    music, folder = write(tmp_path / "music.wav"), tmp_path / "encoded"
    clip = Clip(music, is_kept=True)
    first = loaded(folder, clip)
    [file] = folder.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        assert loaded(folder, clip) == first
        assert file.read_bytes() == whole


def test_a_disk_that_takes_nothing_costs_no_sound(tmp_path: Path) -> None:
    (tmp_path / "encoded").write_text("no folder")
    music = write(tmp_path / "music.wav")
    assert len(loaded(tmp_path / "encoded", Clip(music, is_kept=True))) == SECONDS * 8000


def test_a_disk_that_can_only_be_read_gives_back_what_is_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    files = EncodedFiles(tmp_path)
    files.write(tmp_path / "sound", [b"sound"])
    for way in ("utime", "unlink", "replace"):
        monkeypatch.setattr(os, way, refuse)
    assert files.has(tmp_path / "sound")
    assert files.find(tmp_path / "sound") == [b"sound"]


@pytest.mark.parametrize(
    ("disk_mb", "free_mb", "left_mb"), [(900, 63, 64), (900, 65, 0), (40, 11, 0), (40, 9, 10)]
)
def test_the_last_room_of_a_disk_is_left_to_messages_and_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk_mb: int, free_mb: int, left_mb: int
) -> None:
    disk = SimpleNamespace(f_frsize=1 << 20, f_blocks=disk_mb, f_bavail=free_mb)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    files = EncodedFiles(tmp_path / "encoded")
    if left_mb:
        with pytest.raises(OSError, match=f"less than {left_mb} MB are left"):
            files.write(files.folder / "sound", [b"sound"])
    else:
        files.write(files.folder / "sound", [b"sound"])
    assert files.has(files.folder / "sound") is not bool(left_mb)


def test_messages_leave_nothing_on_disk(tmp_path: Path) -> None:
    assert loaded(tmp_path / "encoded", Clip(write(tmp_path / "message.wav")))
    assert not (tmp_path / "encoded").exists()


def test_the_longest_unused_goes_when_there_is_no_room(tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    clips = [Clip(write(tmp_path / f"{number}.wav"), is_kept=True) for number in range(3)]
    files: list[Path] = []
    for age, clip in zip((50, 40), clips, strict=False):
        loaded(folder, clip)
        [new] = set(folder.iterdir()) - set(files)
        os.utime(new, (1e9 - age, 1e9 - age))
        files.append(new)
    loaded(folder, clips[0])  # is used now
    loaded(folder, clips[2], most_bytes=2 * 48_100)
    assert files[0].exists()
    assert not files[1].exists()
    assert len(list(folder.iterdir())) == 2


def test_the_folder_is_not_looked_through_again_for_each_of_many_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []
    every = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        looks.append(folder)
        return every(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    folder = tmp_path / "encoded"
    files = EncodedFiles(folder, most_bytes=10_000)
    for number in range(50):
        files.write(folder / str(number), [bytes(100)])
    assert len(looks) == 1
    for number in range(50, 100):
        files.write(folder / str(number), [bytes(100)])
    assert sum(file.stat().st_size for file in every(folder)) <= 10_000, "nor is more kept than may be"


async def test_a_worker_keeps_music_for_the_next_one(tmp_path: Path) -> None:
    music, folder = write(tmp_path / "music.wav"), tmp_path / "encoded"
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=media_ports(1), encoded=folder)
    try:
        with UdpPeer() as anna:
            leg = await engine.open_leg()
            leg.connect(anna.agreement())
            leg.play([Clip(music, is_kept=True)])
            async with asyncio.timeout(10):
                await asyncio.get_running_loop().sock_recv(anna.udp, 2048)
    finally:
        await engine.close()
    [file] = folder.iterdir()
    assert file.stat().st_size > SECONDS * 8000
    assert folder.stat().st_mode & 0o077 == 0, "an office's data are nobody else's"


class Later(Background):
    """Background work that is done when told."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.jobs.append((job, done))

    def work(self) -> None:
        """Do the oldest job."""
        job, done = self.jobs.pop(0)
        try:
            result = job()
        except Exception as error:  # noqa: BLE001 - as a thread hands it on
            result = error
        done(result)


def test_nobodys_prompt_waits_for_anothers_music(tmp_path: Path) -> None:
    music, prompt = write(tmp_path / "music.wav", seconds=30.0), write(tmp_path / "prompt.wav", seconds=1.0)
    quick, long = Later(), Later()
    library = SoundLibrary(quick, long=long)
    lengths: list[int] = []

    def load(path: Path, place: tuple[int, int] | None = (0, 0)) -> None:
        library.load((Clip(path),), ALAW, lambda each, _: lengths.append(len(each.sounds[0])), place=place)

    load(music)
    load(prompt)
    load(music)
    load(music, place=None)
    while quick.jobs:
        quick.work()
    head = round(HEAD_S * 8000)
    assert lengths == [head, 8000, head], "of long music the beginning is there at once"
    long.work()
    load(music)
    quick.work()
    assert lengths == [head, 8000, head, 240_000, 240_000], "what is encoded is at hand"
    long.work()
    long.work()
    assert lengths[5:] == [240_000] * 2
    assert not long.jobs


def test_long_music_is_encoded_by_another_process_if_one_can_be_had(tmp_path: Path) -> None:
    clip = Clip(write(tmp_path / "music.wav", seconds=30.0), is_kept=True)
    folder, sounds, asked = tmp_path / "encoded", list[bytes](), list[Encoding]()

    def load(encode: EncodeAside) -> None:
        files = EncodedFiles(folder)
        library = SoundLibrary(AtOnce(), long=AtOnce(), files=files, aside=encode)
        library.load((clip,), ALAW, lambda each, _: sounds.append(each.sounds[0]), place=None)

    def broken(_folder: Path, _clip: Clip, encoding: Encoding) -> None:
        asked.append(encoding)

    load(broken)
    assert asked == [ALAW]
    for kept in folder.iterdir():
        kept.unlink()
    load(aside.encode_aside)
    assert [file.stat().st_size for file in folder.iterdir()] == [240_004]
    in_disguise(clip.path, seconds=30.0)
    load(broken)
    assert sounds[1] == sounds[0] == sounds[2]


@pytest.mark.parametrize("codec", ["PCMA", "G722", "opus"])
def test_long_music_goes_on_at_once_in_another_codec(tmp_path: Path, codec: str) -> None:
    files = [write(tmp_path / f"{hz}.wav", hz, 30.0, rate=48_000) for hz in (500.0, 900.0)]
    quick, long = Later(), Later()
    library, encoding = SoundLibrary(quick, long=long), Encoding(codec, 20)
    player = Player(1, tuple(map(Clip, files)), is_looped=True)
    library.load(player.items, Encoding("PCMU", 60), lambda encoded, _: player.load(encoded))
    quick.work()
    long.work()
    before = 30 + 12.0
    for _ in range(round(before / 0.06)):
        player.next_frame()
    player.unload()
    quick, long = library._background, library._long = Later(), Later()
    library.load(player.items, encoding, lambda encoded, _: player.load(encoded), place=player.place)
    quick.work()
    first = [player.next_frame() or b"" for _ in range(100)]
    long.work()
    then = [player.next_frame() or b"" for _ in range(round((30 - 12 - 2.0) * 50) + 100)]
    heard = Hearing.of_payloads(codec, first + then)
    assert heard.seconds == pytest.approx(18 + 2, abs=0.025)
    (pitch, seconds), (looped, more) = heard.melody(900.0, 500.0)
    assert (pitch, looped) == (900.0, 500.0)
    assert (seconds, more) == pytest.approx((18.0, 2.0), abs=0.1)
    assert heard.gaps() == heard.clipping() == []


def all_frames(player: Player) -> list[bytes]:
    """Return what the player sends until there is nothing more to send."""
    frames = []
    while player.is_loaded and (frame := player.next_frame()) is not None:
        frames.append(frame)
    return frames


@pytest.mark.parametrize("seconds", [30.0, 9.99], ids=["longer than its beginning", "shorter"])
@pytest.mark.parametrize("is_looped", [False, True])
@pytest.mark.parametrize("codec", ["PCMA", "G722", "opus"])
def test_long_music_begins_at_once_and_goes_on_without_a_seam(
    tmp_path: Path, codec: str, is_looped: bool, seconds: float
) -> None:
    files = [write(tmp_path / f"{hz}.wav", hz, seconds, rate=48_000) for hz in (500.0, 900.0)]
    items = (Clip(files[0]), Clip(files[1]))
    quick, long = Later(), Later()
    library, encoding = SoundLibrary(quick, long=long), Encoding(codec)
    player, waits = (Player(1, items, is_looped=looped) for looped in (is_looped, False))

    def loaded(encoded: Encoded, _: list[str]) -> None:
        player.load(encoded)

    library.load(items, encoding, loaded)
    quick.work()
    frames = all_frames(player)
    assert not player.has_ended
    assert len(frames) in (int(min(HEAD_S, seconds) * 50), math.ceil(min(HEAD_S, seconds) * 50))
    long.work()
    library.load(items, encoding, lambda encoded, _: waits.load(encoded))
    quick.work()
    whole = all_frames(waits)
    frames += [player.next_frame() or b"" for _ in range(len(whole) - len(frames))]
    if codec == "PCMA":
        assert frames[: len(whole) - 1] == whole[:-1]  # what is looped goes on in the last one
    assert len({*map(len, frames)}) == 1
    if not is_looped:
        assert player.next_frame() is None
        assert player.has_ended
        assert waits.has_ended


def test_what_can_be_heard_only_later_keeps_its_trouble_until_then(tmp_path: Path) -> None:
    music, library_loads = write(tmp_path / "music.wav", seconds=30.0), (Later(), Later())
    library = SoundLibrary(library_loads[0], long=library_loads[1])
    told: list[list[str]] = []
    items = (Clip(tmp_path / "gone.wav"), Clip(music))
    library.load(items, ALAW, lambda _, troubles: told.append(troubles))
    library_loads[0].work()
    assert told == [[]]
    library_loads[1].work()
    assert "gone.wav" in told[1][0]


def test_music_that_breaks_whatever_reads_it_is_not_read_where_calls_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "PREPARER", "tests.media.breaking_preparer")
    clip = Clip(write(tmp_path / "evil.wav", seconds=30.0), is_kept=True)
    told: list[tuple[Encoded, list[str]]] = []
    files = EncodedFiles(tmp_path / "encoded")
    library = SoundLibrary(AtOnce(), long=AtOnce(), files=files, aside=aside.encode_aside)
    library.load((clip,), ALAW, lambda *result: told.append(result))
    encoded, [trouble] = max(told, key=lambda each: each[0].is_whole)
    assert encoded.sounds == [b""]
    assert trouble.endswith("evil.wav: whatever reads it breaks down")


def test_the_soft_beginning_of_long_music_is_not_made_as_loud_as_the_whole(tmp_path: Path) -> None:
    soft, loud = tone((500.0,), HEAD_S, 8000, -40.0), tone((500.0,), 40.0, 8000, -20.0)
    with WavWriter(tmp_path / "music.wav", 8000, WavFormat.PCM16) as writer:
        writer.append(np.concatenate((soft, loud)).tobytes())
    clip = Clip(tmp_path / "music.wav", lufs=-20.0)
    begins, goes_on = (
        Hearing(samples(clip, 8000, most_s=most_s)[:8000], 8000) for most_s in (HEAD_S, LONGEST_S)
    )
    assert begins.loudness() - goes_on.loudness() < HEAD_GAIN_DB + 1.0
