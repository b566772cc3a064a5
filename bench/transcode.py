"""CPU time of a packet that is decoded and encoded anew: ``python -m bench.transcode``."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from bench.table import Row, show
from media import codecs
from media.encoding import Encoding, clock_rate_hz
from media.outgoing import HEADER, VERSION_2, OutgoingStream
from media.tones import tone
from media.transcode import Transcoder

PAIRS = (("PCMA", "opus"), ("opus", "PCMA"), ("G722", "PCMA"), ("PCMA", "G722"))
SECONDS = 4
ROUNDS = 5
SPEECH_HZ = (300.0, 700.0, 1900.0)


def measure(spoken: str, heard: str) -> float:
    """Return CPU-µs from one packet of ``spoken`` to the next of ``heard``, the best of some rounds."""
    encoding = Encoding(heard)
    out = OutgoingStream(random.Random(1))
    transcoder = Transcoder(out, encoding, accepts={96: spoken}, events={}, event_type=None)
    codec = codecs.encoder(Encoding(spoken))
    pcm = tone(SPEECH_HZ, SECONDS, codec.sample_rate_hz, -20.0)
    step, ticks = codec.sample_rate_hz // 50, clock_rate_hz(spoken) // 50
    payloads = [codec.encode(pcm[start : start + step]) for start in range(0, len(pcm), step)]
    best = float("inf")
    for turn in range(ROUNDS):
        used = -time.thread_time()
        for index, payload in enumerate(payloads, turn * len(payloads)):
            header = (VERSION_2, 96, index & 0xFFFF, index * ticks, 1)
            packet = bytearray(HEADER.pack(*header) + payload)
            transcoder.take(header, packet, len(packet), index * 0.02)
            transcoder.next_frame(index * 0.02 + 0.005)
        best = min(best, used + time.thread_time())
    return best * 1e6 / len(payloads)


def rows() -> Iterator[Row]:
    """Measure the pairs that offices meet."""
    for spoken, heard in PAIRS:
        figure = measure(spoken, heard)
        yield Row(
            f"packet transcoded, {spoken} to {heard}",
            figure,
            "CPU-µs",
            remarks=f"{figure / 200:.2f} % of a core",
        )


if __name__ == "__main__":
    show(rows())
