"""CPU time per packet of the media worker playing one prompt to many, and of the same in C beside it.

``python -m bench.playback [LISTENERS...]``
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from bench.processes import cpu_seconds
from bench.relay import agreement
from bench.yardstick import compiled, open_far_ends
from media.client import MediaEngine, Tone

LISTENERS = (100, 500)
SECONDS = 3
OWN_PORT, FAR_PORT = 26000, 28100


async def measure_worker(listeners: int) -> tuple[float, float]:
    """Return CPU-µs per packet and the share of one core that the worker used."""
    ports = (OWN_PORT, OWN_PORT + 2 * listeners + 200)
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=ports)
    legs = [await engine.open_leg() for _ in range(listeners)]
    for index, leg in enumerate(legs):
        leg.connect(agreement(FAR_PORT + 2 * index))
        leg.play([Tone((1000.0,), 1.0)], loop=True)
    pid = engine.pid
    assert pid is not None
    await asyncio.sleep(0.3)
    used, started = -cpu_seconds(pid), -asyncio.get_running_loop().time()
    await asyncio.sleep(SECONDS)
    used += cpu_seconds(pid)
    elapsed = started + asyncio.get_running_loop().time()
    await engine.close()
    return used * 1e6 / (elapsed * 50 * listeners), used / elapsed


def measure_c(program: Path, listeners: int) -> float:
    """Return CPU-µs per packet in C."""
    command = [str(program), str(listeners), str(FAR_PORT), str(SECONDS)]
    used = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return used / (SECONDS * 50 * listeners)


def main() -> None:
    """Print a row for each number of listeners."""
    program = compiled("c_playback")
    print("listeners  worker µs/packet   core  C µs/packet  ratio")
    for listeners in map(int, sys.argv[1:] or LISTENERS):
        far_ends = open_far_ends(listeners, FAR_PORT)
        worker, share = asyncio.run(measure_worker(listeners))
        row = f"{listeners:>9} {worker:>17.2f} {share:>6.1%}"
        if program is not None:
            plain = measure_c(program, listeners)
            row += f" {plain:>12.2f} {worker / plain:>6.2f}"
        print(row, flush=True)
        for udp in far_ends:
            udp.close()


if __name__ == "__main__":
    main()
