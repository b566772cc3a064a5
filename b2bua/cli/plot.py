"""How loud a recording is over its time: as a line of blocks for the terminal, as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

BLOCKS = " ▁▂▃▄▅▆▇█"
QUIETEST_DBFS = -54.0
"""Shown as nothing."""
COLUMNS = 64
SIDES = ("caller", "other")
WIDTH, HEIGHT, MARGIN = 1200, 140, 70
COLOURS = ("#1f6fb4", "#b4541f")


def peaks(channel: NDArray[np.int16], columns: int) -> NDArray[np.float64]:
    """Return the peak of each of ``columns`` equal stretches of a channel, as a share of full scale."""
    if not len(channel):
        return np.zeros(columns)
    levels = np.abs(channel.astype(np.int32))
    starts = np.arange(columns) * len(channel) // columns
    return np.asarray(np.maximum.reduceat(levels, starts) / 32768, np.float64)


def blocks(channel: NDArray[np.int16], columns: int = COLUMNS) -> str:
    """Return one character for each of ``columns`` stretches, the higher the louder (in decibels)."""
    dbfs = 20 * np.log10(np.maximum(peaks(channel, columns), 1e-6))
    steps = np.clip(np.ceil((dbfs - QUIETEST_DBFS) / -QUIETEST_DBFS * (len(BLOCKS) - 1)), 0, len(BLOCKS) - 1)
    return "".join(BLOCKS[int(step)] for step in steps)


def sides_of(channels: NDArray[np.int16]) -> Sequence[str]:
    """Return what the channels are called."""
    return SIDES if channels.shape[1] == len(SIDES) else ("caller",)


def lines(channels: NDArray[np.int16]) -> list[str]:
    """Return a line for each channel: whose it is and how loud it is."""
    return [f"{side:>6} |{blocks(each)}|" for side, each in zip(sides_of(channels), channels.T, strict=True)]


def write_svg(path: Path, channels: NDArray[np.int16], rate: int, *, title: str) -> None:
    """Write a picture of the levels, a row for each channel, with the time below.

    Raises:
        OSError: it cannot be written.
    """
    rows = [
        _row(side, channel, index)
        for index, (side, channel) in enumerate(zip(sides_of(channels), channels.T, strict=True))
    ]
    height = HEIGHT * channels.shape[1] + 50
    marks = _marks(len(channels) / rate, height)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">'
    path.write_text("\n".join((head, f"<title>{escape(title)}</title>", *rows, *marks, "</svg>\n")))


def _row(side: str, channel: NDArray[np.int16], index: int) -> str:
    width = WIDTH - MARGIN - 10
    middle = HEIGHT * index + HEIGHT / 2
    heights = peaks(channel, width) * HEIGHT * 0.48
    above = [f"{MARGIN + x},{middle - height:.1f}" for x, height in enumerate(heights)]
    below = [f"{MARGIN + x},{middle + height:.1f}" for x, height in enumerate(heights)]
    return (
        f'<text x="4" y="{middle + 5:.0f}" font-size="15">{side}</text>'
        f'<path d="M{MARGIN} {middle}h{width}" stroke="#999"/>'
        f'<polygon points="{" ".join((*above, *reversed(below)))}" fill="{COLOURS[index]}"/>'
    )


def times(seconds: float) -> Iterator[tuple[float, str]]:
    """Yield the times that stand below the rows, ten at most: how far from the left each is, and its text."""
    step = next((each for each in (1, 5, 10, 30, 60, 300, 600, 1800) if seconds / each <= 10), 3600)
    width = WIDTH - MARGIN - 10
    for at in range(0, int(seconds) + 1, step):
        yield MARGIN + width * at / max(seconds, 1e-3), f"{at // 60}:{at % 60:02d}"


def _marks(seconds: float, height: int) -> list[str]:
    marks = []
    for x, text in times(seconds):
        marks.append(f'<path d="M{x:.1f} 0V{height - 40}" stroke="#ccc" stroke-dasharray="2 4"/>')
        marks.append(f'<text x="{x:.1f}" y="{height - 20}" font-size="13" text-anchor="middle">{text}</text>')
    return marks
