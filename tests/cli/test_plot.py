"""How loud a recording is, in the terminal and as a picture."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import numpy as np
from typer.testing import CliRunner

from b2bua.cli.app import app
from b2bua.cli.plot import blocks, lines, peaks, write_svg
from b2bua.cli.png import write_png
from b2bua.store import CallOutcome, NewCall, Store
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.cli.test_commands import NOON, office

RATE = 8000


CALLER, OTHER = (0x1F, 0x6F, 0xB4), (0xB4, 0x54, 0x1F)
"""The colours of the two sides."""


def conversation() -> np.ndarray:
    """Return a caller who speaks in the first half, and somebody who speaks softer in the second."""
    silence = np.zeros(RATE, np.int16)
    left = np.concatenate((tone((500.0,), 1.0, RATE, -3.0), silence))
    right = np.concatenate((silence, tone((500.0,), 1.0, RATE, -30.0)))
    return np.column_stack((left, right))


def test_each_channel_is_a_line_of_blocks_that_are_higher_where_it_is_louder() -> None:
    caller, other = lines(conversation())
    assert caller == "caller |" + "█" * 32 + " " * 32 + "|"
    assert other == " other |" + " " * 32 + "▄" * 32 + "|"


def test_a_recording_shorter_than_its_line_or_of_nothing_has_a_line_too() -> None:
    assert blocks(np.full(3, 32767, np.int16), 6) == "██████"
    assert blocks(np.empty(0, np.int16), 6) == " " * 6
    assert peaks(np.array([-32768], np.int16), 1)[0] == 1.0


def test_the_picture_has_a_row_for_each_channel_with_its_time(tmp_path: Path) -> None:
    write_svg(tmp_path / "levels.svg", conversation(), RATE, title='<"call" & co>')
    root = ET.parse(tmp_path / "levels.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{space}title") == '<"call" & co>'
    texts = [text.text for text in root.iter(f"{space}text")]
    assert texts == ["caller", "other", "0:00", "0:01", "0:02"]
    loud, soft = (
        max(abs(float(point.split(",")[1]) - middle) for point in polygon.get("points", "").split())
        for polygon, middle in zip(root.iter(f"{space}polygon"), (70, 210), strict=True)
    )
    assert loud > 40 > 5 > soft > 1


def test_the_same_picture_is_drawn_as_png(tmp_path: Path) -> None:
    write_png(tmp_path / "levels.png", conversation(), RATE)
    with av.open(str(tmp_path / "levels.png")) as container:
        [frame] = container.decode(video=0)
    picture = frame.to_ndarray(format="rgb24").astype(int)
    blue, brown = (np.abs(picture - np.array(colour)).max(axis=2) == 0 for colour in (CALLER, OTHER))
    in_first_half = np.arange(picture.shape[1]) < 630
    assert blue[:140, ~in_first_half].sum(axis=0).max() <= 1
    assert blue[:140, 100:600].sum(axis=0).min() > 80
    assert 1 < brown[140:280, 700:1150].sum(axis=0).min() < 10
    assert not blue[140:].any()
    assert not brown[:140].any()
    assert (picture[280:] == 153).any()  # the time


async def keep(folder: Path) -> None:
    """Let a call have been recorded."""
    path = folder / "data" / "recordings" / "call.wav"
    path.parent.mkdir(parents=True)
    with WavWriter(path, RATE, WavFormat.PCM16, channels=2) as writer:
        writer.append(conversation().astype("<i2").tobytes())
    async with await Store.open(folder / "data") as store:
        await store.journal.begin(NewCall("ab1", "+48500600700", "", "+48221230001", "demo", NOON))
        row = store.recordings.begin("ab1", path, NOON)
        await store.recordings.finish(row, 2.0, NOON)
        await store.journal.end("ab1", CallOutcome.TALKED, at=NOON)


def test_the_command_names_the_file_shows_its_levels_and_draws_them(tmp_path: Path) -> None:
    config, picture = office(tmp_path), tmp_path / "levels.svg"
    asyncio.run(keep(tmp_path))
    shown = CliRunner().invoke(app, ["calls", config, "--show", "ab", "--plot", str(picture)])
    assert shown.exit_code == 0, shown.output
    _, recording, caller, _, plotted = shown.output.splitlines()
    assert recording == f"    recording: {tmp_path / 'data' / 'recordings' / 'call.wav'}, 2 s"
    assert caller.startswith("    caller |████")
    assert str(picture) in plotted
    assert picture.read_text().startswith("<svg")
    assert "<title>call ab1</title>" in picture.read_text()
    as_png, as_gif = picture.with_suffix(".png"), picture.with_suffix(".gif")
    shown = CliRunner().invoke(app, ["calls", config, "--show", "ab", "--plot", str(as_png)])
    assert (shown.exit_code, as_png.read_bytes()[:4]) == (0, b"\x89PNG"), shown.output
    shown = CliRunner().invoke(app, ["calls", config, "--show", "ab", "--plot", str(as_gif)])
    assert (shown.exit_code, as_gif.exists()) == (1, False)
    assert "an .svg or a .png file" in shown.output
    nowhere = tmp_path / "gone" / "levels.png"
    shown = CliRunner().invoke(app, ["calls", config, "--show", "ab", "--plot", str(nowhere)])
    assert shown.output.endswith(f"b2bua: {nowhere}: No such file or directory\n")


def test_a_call_without_a_recording_cannot_be_drawn(tmp_path: Path) -> None:
    async def call() -> None:
        async with await Store.open(tmp_path / "data") as store:
            await store.journal.begin(NewCall("ab1", "+48500600700", "", "+48221230001", "demo", NOON))

    asyncio.run(call())
    shown = CliRunner().invoke(
        app, ["calls", office(tmp_path), "--show", "ab", "--plot", str(tmp_path / "x")]
    )
    assert (shown.exit_code, "no recording to plot" in shown.output) == (1, True)
    alone = CliRunner().invoke(app, ["calls", office(tmp_path), "--plot", str(tmp_path / "x")])
    assert alone.exit_code == 2
