"""Recordings made small: whole, in both channels, readable by nobody else, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.convert import convert
from media.errors import MalformedMedia
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.hearing import Hearing


def recording(
    path: Path, *, rate: int = 8000, format: WavFormat = WavFormat.PCM16, seconds: float = 3.0
) -> Path:
    both = np.column_stack((tone((500.0,), seconds, rate), tone((1500.0,), seconds, rate))).reshape(-1)
    with WavWriter(path, rate, format, channels=2) as writer:
        writer.append(both.astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("rate", [8000, 16_000])
@pytest.mark.parametrize("suffix", [".opus", ".mp3"])
def test_both_channels_are_kept_apart_and_whole(suffix: str, rate: int, tmp_path: Path) -> None:
    source, target = recording(tmp_path / "call.wav", rate=rate), tmp_path / f"call{suffix}"
    convert(source, target)
    sides = Hearing.channels_of(target)
    for side, own, other in zip(sides, (500.0, 1500.0), (1500.0, 500.0), strict=True):
        assert side.seconds == pytest.approx(3.0, abs=0.1)
        assert side.gaps() == side.clipping() == []
        within = side.between(0.2, side.seconds - 0.2)
        assert np.quantile(within.levels(own), 0.03) > -16.0
        assert within.levels(other).max() < -35.0
    assert target.stat().st_mode & 0o777 == source.stat().st_mode & 0o777 == 0o640
    assert target.stat().st_size < source.stat().st_size / 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(("call.wav", target.name))


def test_what_is_no_sound_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"no sound at all")
    with pytest.raises(MalformedMedia, match="cannot be converted"):
        convert(tmp_path / "call.wav", tmp_path / "call.opus")
    assert [path.name for path in tmp_path.iterdir()] == ["call.wav"]


def test_a_folder_that_cannot_be_written_to_is_an_error_and_the_recording_stays(tmp_path: Path) -> None:
    source = recording(tmp_path / "call.wav")
    with pytest.raises((OSError, MalformedMedia)):
        convert(source, tmp_path / "gone" / "call.opus")
    assert source.exists()


def test_a_recording_whose_writer_died_is_converted_as_far_as_it_goes(tmp_path: Path) -> None:
    source = recording(tmp_path / "call.wav")
    with source.open("ab") as file:
        file.write(b"\0" * 4000)  # written, and not yet in the header
    convert(source, tmp_path / "call.opus")
    for side in Hearing.channels_of(tmp_path / "call.opus"):
        assert side.seconds == pytest.approx(3.0, abs=0.2)
