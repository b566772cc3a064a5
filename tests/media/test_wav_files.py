"""WAV files: any prompt that is worth having is read; a recording can be played at any instant."""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs.g711 import PCMA, PCMU
from media.errors import MalformedMedia
from media.wav import WavFormat, WavWriter, read_wav
from tests.harness.hearing import Hearing

SPEECH = np.rint(9000 * np.sin(np.arange(8000) * 0.3)).astype(np.int16)
ENCODED = {
    WavFormat.PCM16: SPEECH.astype("<i2").tobytes(),
    WavFormat.PCMA: PCMA().encode(SPEECH),
    WavFormat.PCMU: PCMU().encode(SPEECH),
}
HEARD = {
    WavFormat.PCM16: SPEECH,
    WavFormat.PCMA: PCMA().decode(ENCODED[WavFormat.PCMA]),
    WavFormat.PCMU: PCMU().decode(ENCODED[WavFormat.PCMU]),
}


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WAV file of ``chunks``, padded as RIFF wants it."""
    body = b"".join(name + struct.pack("<I", len(c)) + c + b"\0" * (len(c) % 2) for name, c in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def described(tag: int, channels: int, bits: int, rate: int = 8000, more: bytes = b"") -> tuple[bytes, bytes]:
    frame = channels * bits // 8
    return b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + more


def read(tmp_path: Path, content: bytes) -> tuple[list[int], int]:
    path = tmp_path / "prompt.wav"
    path.write_bytes(content)
    pcm, rate = read_wav(path)
    assert pcm.dtype == np.int16
    return pcm.tolist(), rate


@pytest.mark.parametrize("format", WavFormat)
def test_what_is_written_is_read(tmp_path: Path, format: WavFormat) -> None:
    with WavWriter(tmp_path / "message.wav", 8000, format) as writer:
        for start in range(0, 8000, 160):
            width = len(ENCODED[format]) // 8000
            writer.append(ENCODED[format][start * width : (start + 160) * width])
        assert writer.seconds == 1.0
    pcm, rate = read_wav(tmp_path / "message.wav")
    assert rate == 8000
    assert np.array_equal(pcm, HEARD[format])


def test_the_standard_library_reads_our_16_bit_files(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "message.wav", 16_000, "PCM16") as writer:
        writer.append(ENCODED[WavFormat.PCM16])
    with wave.open(str(tmp_path / "message.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.readframes(9000) == ENCODED[WavFormat.PCM16]


def test_ffmpeg_reads_our_a_law_files(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "message.wav", 8000) as writer:
        writer.append(ENCODED[WavFormat.PCMA])
    assert np.array_equal(Hearing.of_file(tmp_path / "message.wav").pcm, HEARD[WavFormat.PCMA])


@pytest.mark.parametrize("format", WavFormat)
def test_after_every_append_the_file_on_disk_is_whole_without_being_closed(
    tmp_path: Path, format: WavFormat
) -> None:
    path = tmp_path / "message.wav"
    writer = WavWriter(path, 8000, format)
    width = len(ENCODED[format]) // 8000
    assert len(read_wav(path)[0]) == 0
    for count in range(1, 6):
        writer.append(ENCODED[format][: 160 * width])
        content = path.read_bytes()
        assert int.from_bytes(content[4:8], "little") == len(content) - 8
        assert len(read_wav(path)[0]) == 160 * count
    writer.close()


def test_a_crash_between_samples_and_sizes_leaves_what_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "message.wav"
    with WavWriter(path, 8000) as writer:
        writer.append(ENCODED[WavFormat.PCMA][:800])
    with path.open("ab") as torn:
        torn.write(b"\x55" * 100)
    assert np.array_equal(read_wav(path)[0], HEARD[WavFormat.PCMA][:800])


def test_a_full_disk_is_an_error_and_leaves_a_playable_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "message.wav"
    writer = WavWriter(path, 8000)
    writer.append(ENCODED[WavFormat.PCMA][:800])
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", no_space)
        with pytest.raises(OSError, match="No space left"):
            writer.append(ENCODED[WavFormat.PCMA][:800])
    writer.close()
    assert len(read_wav(path)[0]) == 800


def test_a_disk_that_is_full_from_the_start_keeps_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "message.wav"
    monkeypatch.setattr(os, "pwrite", no_space)
    with pytest.raises(OSError, match="No space left"):
        WavWriter(path, 8000)
    assert path.resolve() not in [link.resolve() for link in Path("/proc/self/fd").iterdir()]


def test_nothing_is_appended_to_a_closed_file_nor_to_whatever_has_its_descriptor_now(tmp_path: Path) -> None:
    first = WavWriter(tmp_path / "first.wav", 8000)
    first.close()
    with WavWriter(tmp_path / "second.wav", 8000), pytest.raises(OSError, match="Bad file descriptor"):
        first.append(b"\xd5" * 160)
    assert len(read_wav(tmp_path / "second.wav")[0]) == 0


def no_space(file: int, content: bytes, offset: int) -> int:
    raise OSError(28, "No space left on device")


def test_a_write_taken_in_pieces_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, offset: whole(file, content[:7], offset))
    with WavWriter(tmp_path / "message.wav", 8000) as writer:
        writer.append(ENCODED[WavFormat.PCMA])
    assert np.array_equal(read_wav(tmp_path / "message.wav")[0], HEARD[WavFormat.PCMA])


def test_closing_twice_does_no_harm_and_odd_data_is_padded(tmp_path: Path) -> None:
    path = tmp_path / "message.wav"
    writer = WavWriter(path, 8000)
    writer.append(b"\xd5" * 161)
    writer.close()
    writer.close()
    content = path.read_bytes()
    assert len(content) % 2 == 0
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert len(read_wav(path)[0]) == 161


def test_a_recording_is_not_for_everybody_to_read(tmp_path: Path) -> None:
    WavWriter(tmp_path / "message.wav", 8000).close()
    assert (tmp_path / "message.wav").stat().st_mode & 0o007 == 0


def test_stereo_is_mixed_down(tmp_path: Path) -> None:
    frames = struct.pack("<6h", 100, 300, -32_768, -32_768, 32_767, 32_767)
    assert read(tmp_path, riff(described(1, 2, 16, 44_100), (b"data", frames))) == (
        [200, -32_768, 32_767],
        44_100,
    )


def test_other_chunks_are_passed_over_and_odd_ones_are_padded(tmp_path: Path) -> None:
    content = riff(
        (b"LIST", b"odd"),
        described(1, 1, 16),
        (b"fact", b"\0\0\0\0"),
        (b"data", b"\1\0\2\0"),
        (b"id3 ", b"x"),
    )
    assert read(tmp_path, content) == ([1, 2], 8000)


def test_an_extensible_format_is_told_by_its_sub_format(tmp_path: Path) -> None:
    more = (
        struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    )
    assert read(tmp_path, riff(described(0xFFFE, 1, 16, more=more), (b"data", b"\5\0")))[0] == [5]


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 1_000_000])
def test_a_file_whose_writer_died_is_read_as_far_as_it_goes(tmp_path: Path, size: int) -> None:
    content = riff(described(1, 1, 16), (b"data", b""))[:-4] + struct.pack("<I", size) + b"\1\0\2\0\3"
    assert read(tmp_path, content)[0] == [1, 2]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a WAV file"),
        (b"ID3\4 this is an MP3", "not a WAV file"),
        (riff((b"data", b"\0\0")), "no format"),
        (riff((b"fmt ", b"\1\0\1\0"), (b"data", b"\0\0")), "no format"),
        (riff(described(1, 1, 24), (b"data", b"\0\0\0")), "24 bits"),
        (riff(described(85, 1, 0), (b"data", b"")), "encoding 85"),
        (riff(described(1, 0, 16), (b"data", b"")), "0 channels"),
    ],
)
def test_what_cannot_be_read_says_why_and_which_file(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(MalformedMedia, match=rf"prompt\.wav: .*{why}"):
        read(tmp_path, content)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_content_raises_anything_but_malformed_media(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, keep: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    for content in (tail, riff(described(1, 2, 16), (b"data", b"\0\0\0\0"))[:keep] + tail):
        path.write_bytes(content)
        try:
            read_wav(path)
        except MalformedMedia:
            continue
