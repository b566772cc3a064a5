"""Sounds as they are sent, one by one or in a row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from media import codecs, tones
from media.audiofile import LONGEST_S, read_sound
from media.commands import Clip, PlayItem, Row, Silence, Tone
from media.encoding import ONE_TICK_A_BYTE, Encoding
from media.loudness import MOST_GAIN_DB, brought_to, louder

Pcm: TypeAlias = NDArray[np.int16]

HEAD_S = 19.2
"""What is at hand of a long file until the rest is encoded: so many whole packets, however long they are."""
HEAD_GAIN_DB = 6.0
"""By how much it is made louder at most: it may be softer than what follows, all of which takes too long."""


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


def encode_whole(row: Row, encoding: Encoding) -> list[bytes]:
    """Return the payloads of each item of ``row``, encoded as one sound.

    Raises:
        OSError: one of the files cannot be read.
        MediaError: one is no sound file we know, or there is no such codec.
    """
    if len(row) == 1:
        return [encode(row[0], encoding)]
    rate = codecs.encoder(encoding).sample_rate_hz
    return encode_row([samples(item, rate) for item in row], encoding)


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
        cuts = [-(-end // packet) * encoding.frame_bytes for end in ends]
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


def encode_from(clip: Clip, encoding: Encoding, packets: int) -> bytes:
    """Return some seconds of ``clip`` behind so many ``packets``, in whose place is nothing of meaning."""
    begin_s = packets * encoding.ptime_ms / 1000
    before = bytes(packets * encoding.frame_bytes)
    return before + encode(clip, encoding, most_s=begin_s + HEAD_S, begin_s=begin_s)
