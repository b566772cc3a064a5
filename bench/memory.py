"""Memory of the product: idle, and per call that rings, talks, or has its sound relayed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.calls import WARM_UP_CALLS
from bench.delay import HEADER, End
from bench.office import PEOPLE, Office
from bench.table import Row
from bench.yardstick import raise_file_limit

CALLS = 200
RATE = 50
SETTLE_S = 0.5
BEGUN_S = 5.0
"""Until then there is garbage of the start, which is given back."""
PACKETS = 12
"""That each far end sends: from then on its sound goes the shortest way."""
IN_WORDS = {"ringing": "is ringing", "talking": "is talking", "sounding": "is relayed"}


def rows() -> Iterator[Row]:
    """Measure the growth by ``CALLS`` that stay up, in an office of its own for each phase."""
    raise_file_limit()
    for phase, in_words in IN_WORDS.items():
        with Office.running() as office:
            office.register_phones()
            time.sleep(BEGUN_S)
            idle = office.held_bytes
            office.calls(WARM_UP_CALLS, rate=20)
            before, media_before = office.written_bytes
            result = office.calls(CALLS, rate=RATE, phase=phase)
            if phase == "sounding":
                speak([tuple(end) for end in result["ends"]])
            time.sleep(SETTLE_S)
            after, media = office.written_bytes
            office.end_calls()
        if phase == "ringing":
            yield Row("idle product, all processes", idle / 2**20, "MiB", remarks=f"{PEOPLE} phones")
        of_sound = (media - media_before) / CALLS / 1024
        remarks = f"{CALLS} calls, {result['failed']} failed; {of_sound:.1f} of it for sound"
        yield Row(f"call that {in_words}, two legs", (after - before) / CALLS / 1024, "KiB", remarks=remarks)


def speak(ends: Sequence[End]) -> None:
    """Let all far ends say something, but for those whose port another program has."""
    sockets = []
    for host, port, to in ends:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with suppress(OSError):
            udp.bind((host, port))
        udp.connect((host, to))
        sockets.append(udp)
    for tick in range(PACKETS):
        for udp in sockets:
            udp.send(HEADER.pack(0x80, 8, tick, 160 * tick, 7) + b"\xd5" * 160)
        time.sleep(0.02)
    for udp in sockets:
        udp.close()
