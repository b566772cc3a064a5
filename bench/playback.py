"""One prompt played to many by the media worker: ``python -m bench.playback [LISTENERS...]``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.processes import cpu_seconds
from bench.relay import agreement
from bench.spacing import p99_ms, stamp
from bench.table import Row, show
from bench.yardstick import HOST, compiled, open_far_ends
from media.client import MediaEngine, Tone

LISTENERS = (100, 500)
SECONDS = 3
OWN_PORT, FAR_PORT = 26000, 28100
WARM_UP_PACKETS = 15
STAMPED = 25
"""Listeners whose packets are stamped on arrival."""
PACKETS_TO_MS = 50 / 1000
"""From µs per packet to ms per second of sound."""


async def measure_worker(listeners: int) -> float:
    """Return CPU-µs per packet."""
    ports = (OWN_PORT, OWN_PORT + 2 * listeners + 200)
    engine = await MediaEngine.in_worker(address=HOST, ports=ports)
    legs = [await engine.open_leg() for _ in range(listeners)]
    for index, leg in enumerate(legs):
        leg.connect(agreement(FAR_PORT + 2 * index))
        leg.play([Tone((1000.0,), 1.0)], loop=True)
    pid = engine.pid
    assert pid is not None
    await asyncio.sleep(WARM_UP_PACKETS * 0.02)
    used, started = -cpu_seconds(pid), -asyncio.get_running_loop().time()
    await asyncio.sleep(SECONDS)
    used += cpu_seconds(pid)
    elapsed = started + asyncio.get_running_loop().time()
    await engine.close()
    return used * 1e6 / (elapsed * 50 * listeners)


def measure_c(program: Path, listeners: int) -> float:
    """Return CPU-µs per packet in C."""
    command = [str(program), str(listeners), str(FAR_PORT), str(SECONDS)]
    used = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return used / (SECONDS * 50 * listeners)


def rows(listeners: Iterable[int] = LISTENERS) -> Iterator[Row]:
    """Measure with so many listeners at a time; the same in C is the yardstick."""
    program = compiled("c_playback")
    for number in listeners:
        far_ends = open_far_ends(number, FAR_PORT)
        heard = far_ends[:: number // STAMPED]
        stamp(heard)
        packet = asyncio.run(measure_worker(number))
        remarks = f"{packet:.1f} µs/packet, p99 spacing {p99_ms(heard, skip=WARM_UP_PACKETS):.2f} ms"
        yardstick = None
        if program is not None:
            yardstick = measure_c(program, number) * PACKETS_TO_MS
            remarks += f", in C {p99_ms(heard, skip=WARM_UP_PACKETS):.2f} ms"
        for udp in far_ends:
            udp.close()
        unit = "CPU-ms"
        yield Row(f"second of playback, {number} listeners", packet * PACKETS_TO_MS, unit, yardstick, remarks)


if __name__ == "__main__":
    show(rows(map(int, sys.argv[1:])) if sys.argv[1:] else rows())
