"""A recording that is written bit by bit, and one that a worker began and another one goes on with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from media.codecs import by_name
from media.codecs.g711 import G711, PCMA, PCMU
from media.errors import MalformedMedia
from media.meter import Meter
from media.soundfile import RecordingFile, Spoken
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import silence

LOUD, SOFT = -10.0, -50.0


def packets(name: str, level_db: float, count: int) -> list[Spoken]:
    codec = by_name(name)
    # Of a phone that was silent; ours begins softly by G.722 where it is loud at once.
    codec.encode(silence(0.02, codec.sample_rate_hz))
    encoded = codec.encode(tone((1000.0,), count * 0.02, codec.sample_rate_hz, level_db))
    return [Spoken(start, name, encoded[start : start + 160]) for start in range(0, len(encoded), 160)]


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722"])
def test_v7_what_follows_is_appended_and_its_length_and_loudness_are_those_of_the_whole(
    tmp_path: Path, codec: str
) -> None:
    path = tmp_path / "message.wav"
    RecordingFile(path, codec).append(packets(codec, LOUD, 15))  # and dies: never closed
    rest = RecordingFile(path, codec, max_seconds=1.0, is_resumed=True)
    rest.append(packets(codec, SOFT, 100))
    loudness = rest.close()
    heard = Hearing.of_file(path)
    assert heard.seconds == rest.seconds == pytest.approx(1.3)
    assert heard.between(0.0, 0.24).peak() > 8000
    assert heard.seconds_of(1000.0, above_db=SOFT - 3) > 1.2  # G.722 begins softly
    assert heard.between(0.34).peak() < 500
    assert heard.clipping() == []
    assert loudness.peak_dbfs > -13
    assert not loudness.is_silent


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
def test_what_a_full_disk_does_not_take_is_not_in_the_length_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    def no_space(*_: object) -> int:
        raise OSError(28, "No space left on device")

    file = RecordingFile(tmp_path / "message.wav", codec)
    came = packets(codec, LOUD, 20)
    file.append(came[:10])
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", no_space)
        with pytest.raises(OSError, match="No space left"):
            file.append(came[10:])
    assert file.seconds == pytest.approx(0.2)
    file.close()
    heard = Hearing.of_file(tmp_path / "message.wav")
    assert heard.seconds == pytest.approx(0.2)
    assert heard.seconds_of(1000.0) > 0.17


@pytest.mark.parametrize("law", ["PCMA", "PCMU"])
def test_a_file_is_the_same_however_much_of_it_is_written_at_a_time(tmp_path: Path, law: str) -> None:
    came = [each for number, each in enumerate(packets(law, LOUD, 100)) if number % 17 not in (3, 4)]
    came += [each._replace(tick=each.tick + 20_000) for each in came]  # behind a pause
    at_once, bit_by_bit = (RecordingFile(tmp_path / name, law) for name in ("at once", "bit by bit"))
    at_once.append(came)
    for packet in came:
        bit_by_bit.append([packet])
    assert at_once.close() == bit_by_bit.close()
    assert (tmp_path / "at once").read_bytes() == (tmp_path / "bit by bit").read_bytes()
    assert at_once.seconds == pytest.approx(4.5)


@pytest.mark.parametrize("law", [PCMA(), PCMU()])
def test_encoded_sound_is_as_loud_as_decoded_and_nobody_speaks_in_either_or_both(law: G711) -> None:
    loudness = []
    for level_db in range(-60, 0):
        coded, decoded = Meter(8000), Meter(8000)
        payload = law.encode(tone((1000.0,), 0.2, 8000, level_db))
        coded.measure_coded(payload, law)
        decoded.measure(law.decode(payload))
        assert coded.loudness == decoded.loudness
        loudness.append(coded.loudness)
    assert {each.is_silent for each in loudness} == {True, False}


def test_it_keeps_the_format_of_its_beginning_whatever_codec_follows(tmp_path: Path) -> None:
    path = tmp_path / "message.wav"
    RecordingFile(path, "PCMU").append(packets("PCMU", LOUD, 10))
    rest = RecordingFile(path, "G722", is_resumed=True)
    rest.append(packets("G722", LOUD, 10))
    rest.close()
    heard = Hearing.of_file(path)
    assert (heard.rate, heard.seconds) == (8000, 0.4)
    assert heard.seconds_of(1000.0) > 0.37
    assert heard.clipping() == []


@pytest.mark.parametrize("content", [None, b""])
def test_a_worker_that_died_before_the_first_byte_leaves_a_beginning(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "message.wav"
    if content is not None:
        path.write_bytes(content)
    rest = RecordingFile(path, "PCMA", is_resumed=True)
    rest.append(packets("PCMA", LOUD, 10))
    rest.close()
    heard = Hearing.of_file(path)
    assert heard.seconds == heard.seconds_of(1000.0) == 0.2


def test_a_file_of_somebody_else_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "message.wav"
    with WavWriter(path, 16000, WavFormat.PCM16) as other:
        other.append(bytes(320))
    was = path.read_bytes()
    with pytest.raises(MalformedMedia):
        WavWriter(path, 8000, WavFormat.PCMA, is_resumed=True)
    assert path.read_bytes() == was
