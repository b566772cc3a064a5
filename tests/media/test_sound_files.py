"""Sound files as people have them: any kind, any rate, any loudness (row Q10)."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media import audiofile
from media.audiofile import read_sound
from media.client import Clip
from media.errors import MalformedMedia
from media.levels import MUSIC_LUFS, SPEECH_LUFS
from media.loudness import QUIETEST_LUFS, brought_to, louder, loudness_lufs
from media.memory import MemoryRtpNetwork
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.clock import run_virtually
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import write_sound
from tests.media.engines import engine_on
from tests.media.peer import Peer

PROMPTS = Path(__file__).parents[2] / "prompts"
KINDS = [
    ("prompt.mp3", "libmp3lame", 44_100, "stereo"),
    ("prompt.mp3", "libmp3lame", 22_050, "mono"),
    ("prompt.flac", "flac", 44_100, "stereo"),
    ("prompt.flac", "flac", 96_000, "mono"),
    ("prompt.ogg", "libopus", 48_000, "stereo"),
    ("prompt.opus", "libopus", 48_000, "mono"),
    ("prompt.wav", "pcm_s16le", 44_100, "stereo"),
    ("prompt.wav", "pcm_s16le", 11_025, "mono"),
    ("prompt.wav", "pcm_s24le", 48_000, "stereo"),
    ("prompt.wav", "pcm_f32le", 32_000, "mono"),
    ("prompt.wav", "adpcm_ima_wav", 8000, "mono"),
    ("prompt.wav", "pcm_alaw", 8000, "mono"),
]


def sine(seconds: float, rate: int, level_db: float = -13.0, frequency: float = 1000.0) -> NDArray[np.int16]:
    return tone((frequency,), seconds, rate, level_db)


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize(("name", "codec", "own_rate", "layout"), KINDS)
def test_every_kind_of_file_is_read_as_long_as_it_is_at_the_rate_of_every_codec(
    name: str, codec: str, own_rate: int, layout: str, rate: int, tmp_path: Path
) -> None:
    path = write_sound(tmp_path / name, sine(2.0, own_rate), own_rate, codec, layout=layout)
    heard = Hearing(read_sound(path, rate), rate)
    assert heard.seconds == pytest.approx(2.0, abs=0.06)  # MP3 has a frame of silence before and behind
    assert np.abs(heard.between(0.2, 1.7).levels(1000.0) + 13.0).max() < 1.0
    assert heard.gaps() == heard.clipping() == []


def test_the_two_channels_of_a_stereo_file_are_both_heard(tmp_path: Path) -> None:
    left, right = sine(1.0, 8000, frequency=600.0), sine(1.0, 8000, frequency=1500.0)
    with WavWriter(tmp_path / "both.wav", 8000, WavFormat.PCM16) as wav:
        wav.append(np.column_stack((left, right)).astype("<i2").tobytes())
    content = bytearray((tmp_path / "both.wav").read_bytes())
    content[22] = 2  # channels
    (tmp_path / "both.wav").write_bytes(content)
    heard = Hearing(read_sound(tmp_path / "both.wav", 8000), 8000)
    assert heard.between(0.2, 0.8).levels(600.0, 1500.0).min() > -20.0


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"RIFF\0\0\0\0WAVE", b"\xff\xfb" * 50, b"OggS" + bytes(100)]
)
@pytest.mark.parametrize("name", ["broken.mp3", "broken.wav", "broken.ogg"])
def test_a_broken_file_is_refused_by_its_name(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MalformedMedia, match=name):
        read_sound(path, 8000)


def test_what_is_no_sound_or_too_long_is_refused_and_what_is_missing_is_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        read_sound(tmp_path / "none.mp3", 8000)
    for name, codec, rate in (("long.flac", "flac", 44_100), ("long.wav", "pcm_s16le", 8000)):
        path = write_sound(tmp_path / name, sine(2.0, rate), rate, codec)
        monkeypatch.setattr(audiofile, "LONGEST_S", 1.5)
        with pytest.raises(MalformedMedia, match=rf"{name}: longer"):
            read_sound(path, 8000)
        monkeypatch.undo()


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "cut.mp3", sine(4.0, 44_100), 44_100, "libmp3lame")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    heard = Hearing(read_sound(path, 8000), 8000)
    assert 1.5 < heard.seconds_of(1000.0) <= heard.seconds < 2.5


@pytest.mark.parametrize("where", [0.5, 1.0])
def test_of_an_mp3_that_has_something_else_inside_or_behind_only_that_is_not_heard(
    where: float, tmp_path: Path
) -> None:
    path = write_sound(tmp_path / "hole.mp3", sine(4.0, 44_100), 44_100, "libmp3lame")
    content = path.read_bytes()
    at = int(len(content) * where)
    path.write_bytes(content[:at] + np.random.default_rng(5).bytes(3000) + content[at:])
    heard = Hearing(read_sound(path, 8000), 8000)
    assert 3.8 < heard.seconds < 4.3
    assert np.median(heard.levels(1000.0)) == pytest.approx(-13.0, abs=1.0)


def test_a_flac_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "cut.flac", sine(4.0, 44_100), 44_100, "flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    heard = Hearing(read_sound(path, 8000), 8000)
    assert 1.0 < heard.seconds_of(1000.0) <= heard.seconds < 3.0


@pytest.mark.parametrize(("dbfs", "lufs"), [(0.0, -3.0), (-20.0, -23.0), (-40.0, -43.0)])
@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_bs1770_a_sine_of_997_hz_measures_3_lu_below_its_peak(dbfs: float, lufs: float, rate: int) -> None:
    at = np.arange(3 * rate) / rate
    pcm = (np.sin(2 * np.pi * 997 * at) * 32_767 * 10 ** (dbfs / 20)).astype(np.int16)
    assert loudness_lufs(pcm, rate) == pytest.approx(lufs, abs=0.15)


def test_bs1770_pauses_and_what_is_10_lu_softer_do_not_count() -> None:
    loud, soft = sine(5.0, 48_000, -20.0, 997.0), sine(5.0, 48_000, -50.0, 997.0)
    alone = loudness_lufs(loud, 48_000)
    assert loudness_lufs(np.concatenate((loud, np.zeros(480_000, np.int16))), 48_000) == pytest.approx(
        alone, abs=0.2
    )
    assert loudness_lufs(np.concatenate((loud, soft)), 48_000) == pytest.approx(alone, abs=0.2)
    assert loudness_lufs(np.zeros(48_000, np.int16), 48_000) == QUIETEST_LUFS
    assert loudness_lufs(np.empty(0, np.int16), 8000) == QUIETEST_LUFS


def test_our_own_prompts_and_music_have_the_loudness_that_others_are_brought_to() -> None:
    for language in ("en", "pl", "ru", "uk"):
        greeting = Hearing.of_file(PROMPTS / language / "voicemail-greeting-working.wav")
        assert loudness_lufs(greeting.pcm, greeting.rate) == pytest.approx(SPEECH_LUFS, abs=1.5)
    music = Hearing.of_file(PROMPTS / "music" / "calm.wav")
    assert loudness_lufs(music.pcm, music.rate) == pytest.approx(MUSIC_LUFS, abs=1.0)


@pytest.mark.parametrize("level_db", [-36.0, -20.0, -1.0])
def test_soft_and_loud_files_come_to_the_same_loudness(level_db: float) -> None:
    pcm = brought_to(sine(2.0, 16_000, level_db), 16_000, SPEECH_LUFS)
    assert loudness_lufs(pcm, 16_000) == pytest.approx(SPEECH_LUFS, abs=0.1)


def test_peaks_are_not_cut_noise_is_not_blown_up_and_silence_stays() -> None:
    clicks = np.zeros(32_000, np.int16)
    clicks[::4000] = 16_000
    loud = Hearing(brought_to(clicks, 16_000, SPEECH_LUFS), 16_000)
    assert loud.peak() <= 32_768 * 10 ** (-1 / 20) + 1
    assert loud.clipping() == []
    noise = np.random.default_rng(1).normal(0, 5, 32_000).astype(np.int16)
    assert (
        Hearing(brought_to(noise, 16_000, SPEECH_LUFS), 16_000).peak() <= 10.1 * Hearing(noise, 16_000).peak()
    )
    assert Hearing(brought_to(np.zeros(100, np.int16), 8000, SPEECH_LUFS), 8000).peak() == 0


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722", "opus"])
def test_row_q10_an_mp3_in_stereo_at_44_khz_is_heard_at_the_usual_loudness_in_every_codec(
    codec: str, tmp_path: Path
) -> None:
    path = write_sound(tmp_path / "ad.mp3", sine(3.0, 44_100, -35.0), 44_100, "libmp3lame", layout="stereo")

    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec=codec)
        engine = await engine_on(network)
        leg = await engine.open_leg()
        leg.connect(anna.agreement())
        assert await leg.play([Clip(path, lufs=SPEECH_LUFS)]).finished()
        await asyncio.sleep(0.01)
        await engine.close()
        heard = anna.hearing()
        assert heard.seconds == pytest.approx(3.0, abs=0.08)
        # of a tone at 1 kHz loudness in LUFS is level in dBFS less 3
        assert np.abs(heard.between(0.2, 2.8).levels(1000.0) - (SPEECH_LUFS + 3.0)).max() < 1.5
        assert anna.hearing(is_timed=True).gaps() == heard.clipping() == []

    run_virtually(story())


def test_long_music_takes_little_more_memory_than_it_holds() -> None:
    music = tone((440.0,), 30.0, 48_000)
    tracemalloc.start()
    try:
        louder(brought_to(music, 48_000, -27.0), -1.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * music.nbytes
