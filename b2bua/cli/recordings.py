"""What the commands tell of sound files: where they are, how long, how loud."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from b2bua.errors import Unavailable, in_words
from b2bua.store.recordings import KeptRecording
from b2bua.store.story import duration
from media.errors import MediaError


async def tell_recording(recording: KeptRecording) -> None:
    """Print the file of a conversation, its length, and how loud both were."""
    if recording.deleted_at is not None:
        typer.echo("    its recording has been deleted, as its time was over")
        return
    length = "being written" if recording.seconds is None else duration(recording.seconds)
    trouble = f", {recording.error}" if recording.error else ""
    typer.echo(f"    recording: {recording.path}, {length}{trouble}")
    await tell_levels(recording.path)


async def tell_levels(path: Path) -> None:
    """Print how loud a sound file is, a line for each channel; why not, of a file that cannot be read."""
    from b2bua.cli.plot import lines
    from media.audiofile import read_channels_of

    try:
        channels, _ = await asyncio.to_thread(read_channels_of, path)
    except (MediaError, OSError) as error:
        typer.echo(f"    {in_words(error)}")
        return
    for line in lines(channels):
        typer.echo(f"    {line}")


async def plot(path: Path | None, picture: Path, *, title: str) -> None:
    """Write a picture of how loud a sound file is, as the suffix says: ``.svg`` or ``.png``.

    Raises:
        Unavailable: there is no such file, or none that can be read, or no such kind of picture.
    """
    from b2bua.cli.plot import write_svg
    from b2bua.cli.png import write_png
    from media.audiofile import read_channels_of

    if path is None:
        raise Unavailable("there is no recording to plot")
    if picture.suffix not in (".svg", ".png"):
        raise Unavailable(f"a picture is an .svg or a .png file, and not {picture.name}")
    try:
        channels, rate = await asyncio.to_thread(read_channels_of, path)
    except (MediaError, OSError) as error:
        raise Unavailable(in_words(error)) from None
    if picture.suffix == ".png":
        await asyncio.to_thread(write_png, picture, channels, rate)
    else:
        await asyncio.to_thread(write_svg, picture, channels, rate, title=title)
    typer.echo(f"The levels are in {picture}")
