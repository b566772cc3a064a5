"""Tests and benchmarks listen by `hearing.py` alone: no other reads, decodes or measures sound by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = {
    "media.wav": {"read_wav", "read_channels"},
    "media.audiofile": {"read_sound", "read_channels_of"},
    "media.dtmf": {"EventReceiver", "EventReceivers"},
    "media.inband": {"InbandListener", "hear_all"},
    "media.loudness": {"loudness_lufs"},
    "media.ear": {"Ear"},
}
"""What of the product decodes sound or measures it."""
ANY_READER = set().union(*READERS.values())
LIBRARIES = {"av", "wave", "scipy", "soundfile"}
MEASURES = {"fft", "corrcoef", "correlate", "log10", "sqrt", "hypot", "hanning", "hamming", "rfft", "exp"}
"""What levels, spectra and likenesses are reckoned by."""
MAY = {
    "bench/answerers.py": ("log10", "sets how loud a voice is on the line before anybody listens"),
    "tests/cli/test_plot.py": ("av", "looks at a picture"),
    "tests/fuzz/strangers.py": ("EventReceiver", "gives it whatever a stranger may send"),
    "tests/harness/hearing.py": ("av corrcoef exp fft log10", "is the ear"),
    "tests/harness/markers.py": ("av", "tells the ear how long a prompt lasts"),
    "tests/harness/soundfiles.py": ("av", "writes"),
    "tests/harness/test_hearing.py": ("decode read_channels", "compares the ear with the product"),
    "tests/media/test_codecs_g711.py": ("decode log10 sqrt", "proves that it decodes, and how loud"),
    "tests/media/test_codecs_g722.py": ("decode", "proves that it decodes"),
    "tests/media/test_codecs_opus.py": ("av decode", "proves that it decodes, and whether FFmpeg has Opus"),
    "tests/media/test_dtmf_events.py": ("EventReceiver", "proves that it reads events"),
    "tests/media/test_dtmf_inband.py": ("InbandListener decode hear_all", "proves that they hear keys"),
    "tests/media/test_recordings_resumed.py": ("decode", "gives what was decoded to the measuring of levels"),
    "tests/media/test_sound_files.py": ("loudness_lufs read_sound", "proves that they read and measure"),
    "tests/media/test_tape.py": ("decode", "compares the samples of a tape with those of the codec"),
    "tests/media/test_wav_files.py": ("decode read_wav wave", "proves that it reads, as others do"),
}
"""Module: what it uses all the same, and as it does what."""


def listens(module: ast.Module) -> Iterator[str]:
    """Yield by what a module gets at sound."""
    has_codecs = False
    for node in ast.walk(module):
        match node:
            case ast.ImportFrom(module=str(name), names=names):
                named = {alias.name for alias in names}
                yield from READERS.get(name, set()) & named
                yield from LIBRARIES & {name.partition(".")[0]}
                yield from MEASURES & (named if name in ("math", "numpy") else set())
                has_codecs |= name.startswith("media.codecs") or (name == "media" and "codecs" in named)
            case ast.Import(names=names):
                yield from LIBRARIES & {alias.name.partition(".")[0] for alias in names}
            case ast.Attribute(value=ast.Name(id="np" | "numpy" | "math"), attr=name):
                yield from MEASURES & {name}
            case ast.Attribute(attr=name) if name in ANY_READER:
                yield name
            case ast.Call(func=ast.Attribute(attr="decode"), args=[first, *_]) if has_codecs:
                if not isinstance(first, ast.Constant):
                    yield "decode"


def found() -> dict[str, set[str]]:
    """Return what is used by each module that tests consist of."""
    paths = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])
    used = {str(path.relative_to(ROOT)): set(listens(ast.parse(path.read_text()))) for path in paths}
    return {path: names for path, names in used.items() if names}


def test_nobody_listens_by_another_ear_and_no_exception_has_outlived_its_reason() -> None:
    assert found() == {path: set(names.split()) for path, (names, _) in MAY.items()}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from media.wav import WavWriter, read_wav", {"read_wav"}),
        ("from media.dtmf import EventReceiver, encode_digit", {"EventReceiver"}),
        ("from media import audiofile\naudiofile.read_sound(path, 8000)", {"read_sound"}),
        ("import av.error", {"av"}),
        ("from math import log10", {"log10"}),
        ("import numpy as np\nnp.fft.rfft(pcm)", {"fft"}),
        ("from media import codecs\ncodecs.by_name('PCMA').decode(payload)", {"decode"}),
        ("from media import codecs\npayload.decode('utf-8')", set()),
        ("from tests.harness.hearing import Hearing", set()),
    ],
)
def test_another_ear_is_found(source: str, names: set[str]) -> None:
    assert set(listens(ast.parse(source))) == names
