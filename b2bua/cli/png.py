"""How loud a recording is over its time, as a PNG picture: for mails and chats that show no SVG."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from b2bua.cli.plot import COLOURS, HEIGHT, MARGIN, WIDTH, peaks, times

_GLYPHS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 7, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 1, 1, 1),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
    ":": (0, 2, 0, 2, 0),
}
"""Each a column of rows of three dots."""
_DOT = 3
_FOOT = 50
_GREY, _LIGHT = 153, 221

_Picture = NDArray[np.uint8]


def write_png(path: Path, channels: NDArray[np.int16], rate: int) -> None:
    """Write a picture of the levels, a row for each channel, the caller's above, with the time below.

    Raises:
        OSError: it cannot be written.
    """
    picture = np.full((HEIGHT * channels.shape[1] + _FOOT, WIDTH, 3), 255, np.uint8)
    for x, text in times(len(channels) / rate):
        picture[: -_FOOT + 10, int(x)] = _LIGHT
        _write_text(picture[-_FOOT + 18 :], text, max(0, int(x) - len(text) * 2 * _DOT))
    for index, channel in enumerate(channels.T):
        _draw(picture[HEIGHT * index : HEIGHT * (index + 1)], channel, COLOURS[index])
    path.write_bytes(_encoded(picture))


def _draw(row: _Picture, channel: NDArray[np.int16], colour: str) -> None:
    width = WIDTH - MARGIN - 10
    heights = peaks(channel, width) * HEIGHT * 0.48
    away = np.abs(np.arange(HEIGHT) - HEIGHT / 2)[:, np.newaxis]
    row[HEIGHT // 2, MARGIN : MARGIN + width] = _GREY
    row[:, MARGIN : MARGIN + width][away < heights] = tuple(bytes.fromhex(colour[1:]))


def _write_text(below: _Picture, text: str, left: int) -> None:
    for place, letter in enumerate(text):
        dots = np.array([[bits >> shift & 1 for shift in (2, 1, 0)] for bits in _GLYPHS[letter]])
        big = np.kron(dots, np.ones((_DOT, _DOT), int)).astype(bool)
        x = left + place * 4 * _DOT
        area = below[: big.shape[0], x : x + big.shape[1]]
        area[big[:, : area.shape[1]]] = _GREY


def _encoded(picture: _Picture) -> bytes:
    height, width, _ = picture.shape
    rows = np.concatenate((np.zeros((height, 1), np.uint8), picture.reshape(height, -1)), axis=1)
    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))
