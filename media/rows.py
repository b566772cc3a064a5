"""Which sounds that follow each other are encoded as one, and which of them may stay on disk."""

from __future__ import annotations

from pathlib import Path

from media.commands import Clip, PlayItem, Row, Silence
from media.encoding import Encoding

SILENCE = Silence(1.0)
"""For who waits, and for the end of a packet that a sound does not fill: ready for all together."""
ROW_BYTES, ROW_S = 160_000, 10.0
"""What files, and sounds that are in no file, may have to be encoded as one: who hears it first waits."""
_WITHOUT_MEMORY = frozenset(("PCMA", "PCMU"))
"""Codecs of which sounds follow each other as if they were one, though they are encoded one by one.

Others either have no part of a packet, so that a pause of up to one would be between two sounds; or what
decodes them has learned from the first how loud it is, and begins the second as if that went on.
"""


def may_be_kept(row: Row) -> bool:
    """Return whether it may stay on disk: nothing in it is anybody's message."""
    return all(item.is_kept for item in row if isinstance(item, Clip))


def rows_of(items: Row, encoding: Encoding) -> list[Row]:
    """Return ``items`` in the rows that are encoded as one: of up to some 10 s, where that is heard."""
    if encoding.codec in _WITHOUT_MEMORY:
        return [(item,) for item in items]
    rows: list[Row] = []
    room = 0.0
    for item in items:
        share = _share(item)
        if rows and share <= room:
            rows[-1] += (item,)
            room -= share
        else:
            rows.append((item,))
            room = 1.0 - share
    return rows


def is_long(row: Row) -> bool:
    """Return whether it is longer than what is encoded as one with others."""
    return sum(map(_share, row)) > 1.0


def _share(item: PlayItem) -> float:
    """Return how much of the longest row ``item`` is."""
    if not isinstance(item, Clip):
        return item.seconds / ROW_S
    try:
        return Path(item.path).stat().st_size / ROW_BYTES
    except OSError:
        return 0.0
