"""Sounds as they are sent, one by one or in a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from media import codecs, tones
from media.audiofile import LONGEST_S, read_sound
from media.commands import Clip, PlayItem, Silence, Tone
from media.encoding import ONE_TICK_A_BYTE, Encoding
from media.loudness import MOST_GAIN_DB, brought_to, louder

Pcm: TypeAlias = NDArray[np.int16]
Row: TypeAlias = tuple[PlayItem, ...]

ROW_BYTES, ROW_S = 160_000, 10.0
"""What files, and sounds that are in no file, may have to be encoded as one: who hears it first waits."""
HEAD_S = 19.2
"""What is at hand of a long file until the rest is encoded: so many whole packets, however long they are."""
HEAD_GAIN_DB = 6.0
"""By how much it is made louder at most: it may be softer than what follows, all of which takes too long."""
_WITHOUT_MEMORY = frozenset(("PCMA", "PCMU"))
"""Codecs of which sounds follow each other as if they were one, though they are encoded one by one.

Others either have no part of a packet, so that a pause of up to one would be between two sounds; or what
decodes them has learned from the first how loud it is, and begins the second as if that went on.
"""


def encode(item: PlayItem, encoding: Encoding, *, most_s: float = LONGEST_S, begin_s: float = 0.0) -> bytes:
    """Return the payload of ``item`` from ``begin_s`` on, in whole packets where the codec has no others.

    Of a file, the first ``most_s`` seconds at most.

    Raises:
        OSError: the file cannot be read.
        MediaError: it is no sound file we know, or there is no such codec.
    """
    codec = codecs.encoder(encoding)
    pcm = samples(item, codec.sample_rate_hz, most_s=most_s)[round(begin_s * codec.sample_rate_hz) :]
    packet = codec.sample_rate_hz * encoding.ptime_ms // 1000
    whole = len(pcm) // packet * packet
    last = np.concatenate((pcm[whole:], np.zeros((whole - len(pcm)) % packet, np.int16)))
    payload = codec.encode(pcm[:whole]) + codec.encode(last)
    if encoding.codec not in ONE_TICK_A_BYTE:
        return payload
    return payload[: len(pcm) * codec.clock_rate_hz // codec.sample_rate_hz]


def encode_row(pieces: Sequence[Pcm], encoding: Encoding) -> list[bytes]:
    """Return the payloads of ``pieces``, which follow each other.

    Where a codec has but whole packets, one of two pieces belongs to the first.
    """
    codec = codecs.encoder(encoding)
    packet = codec.sample_rate_hz * encoding.ptime_ms // 1000
    ends = list(accumulate(map(len, pieces)))
    payload = codec.encode(np.concatenate((*pieces, np.zeros(-ends[-1] % packet, np.int16))))
    if encoding.codec in ONE_TICK_A_BYTE:
        cuts = [end * codec.clock_rate_hz // codec.sample_rate_hz for end in ends]
    else:
        cuts = [-(-end // packet) * codec.frame_bytes(encoding.ptime_ms) for end in ends]
    return [payload[begin:end] for begin, end in pairwise((0, *cuts))]


def samples(item: PlayItem, rate: int, *, most_s: float = LONGEST_S) -> Pcm:
    """Return ``item`` as samples at ``rate`` Hz; of a file, the first ``most_s`` seconds at most."""
    if isinstance(item, Tone):
        return tones.tone(item.frequencies, item.seconds, rate, item.level_db)
    if isinstance(item, Silence):
        return np.zeros(round(item.seconds * rate), np.int16)
    recorded = read_sound(item.path, rate, most_s=most_s)
    if item.lufs is not None:
        most_gain_db = MOST_GAIN_DB if most_s == LONGEST_S else HEAD_GAIN_DB
        recorded = brought_to(recorded, rate, item.lufs, most_gain_db=most_gain_db)
    return louder(recorded, item.gain_db)


@cache
def silence(encoding: Encoding) -> bytes:
    """Return a packet of silence of a codec whose packets may be cut anywhere."""
    if encoding.codec not in ONE_TICK_A_BYTE:
        return b""
    return codecs.encoder(encoding).silence(encoding.ptime_ms)


def encode_from(clip: Clip, encoding: Encoding, packets: int) -> bytes:
    """Return some seconds of ``clip`` behind so many ``packets``, in whose place is nothing of meaning."""
    begin_s = packets * encoding.ptime_ms / 1000
    before = bytes(packets * codecs.encoder(encoding).frame_bytes(encoding.ptime_ms))
    return before + encode(clip, encoding, most_s=begin_s + HEAD_S, begin_s=begin_s)


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


def _share(item: PlayItem) -> float:
    """Return how much of the longest row ``item`` is."""
    if not isinstance(item, Clip):
        return item.seconds / ROW_S
    try:
        return Path(item.path).stat().st_size / ROW_BYTES
    except OSError:
        return 0.0
