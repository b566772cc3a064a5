"""CPU time per relayed packet of the media worker, and of a plain relay in C beside it.

``python -m bench.relay [CALLS...]``
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from bench.processes import cpu_seconds
from bench.yardstick import HERE, compiled, raise_file_limit
from media.client import MediaEngine
from media.sdp.negotiate import StreamAgreement

CALLS = (50, 200, 500)
SECONDS = 3
RELAY_PORT, FAR_PORT = 26000, 28100
"""Below the ports that the system gives to others."""


def generate(legs: int) -> int:
    """Let another process say ``SECONDS`` of audio on all legs; return how many packets it sent."""
    command = [sys.executable, "-m", "bench.load", *map(str, (legs, FAR_PORT, RELAY_PORT, SECONDS))]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parent).stdout)


def agreement(port: int) -> StreamAgreement:
    """Return what a far end at ``port`` settles with a leg."""
    return StreamAgreement(
        remote=("127.0.0.1", port),
        codec="PCMA",
        payload_type=8,
        accepts=((8, "PCMA"),),
        telephone_event=101,
        receives_event=101,
        ptime_ms=20,
        sends=True,
        receives=True,
    )


async def measure_worker(calls: int) -> tuple[float, float]:
    """Return CPU-µs per relayed packet and the share of packets relayed."""
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=(RELAY_PORT, RELAY_PORT + 4 * calls))
    legs = [await engine.open_leg() for _ in range(2 * calls)]
    for index, leg in enumerate(legs):
        leg.connect(agreement(FAR_PORT + 2 * index))
    for one, other in zip(legs[::2], legs[1::2], strict=True):
        one.bridge(other)
    pid = engine.pid
    assert pid is not None
    await asyncio.sleep(0.2)
    used = -cpu_seconds(pid)
    sent = await asyncio.to_thread(generate, 2 * calls)
    used += cpu_seconds(pid)
    for leg in legs:
        await leg.close()
    relayed = sum(leg.statistics["sent"] for leg in legs)
    await engine.close()
    return used * 1e6 / relayed, relayed / sent


def measure_c(program: Path, calls: int) -> tuple[float, float]:
    """Return the same of the relay in C."""
    command = [str(program), str(calls), str(RELAY_PORT), str(FAR_PORT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdin is not None
        assert relay.stdout is not None
        relay.stdout.readline()
        used = -cpu_seconds(relay.pid)
        sent = generate(2 * calls)
        used += cpu_seconds(relay.pid)
        relay.stdin.close()
        relayed = int(relay.stdout.readline())
    return used * 1e6 / relayed, relayed / sent


def main() -> None:
    """Print a row for each number of calls."""
    raise_file_limit()
    program = compiled("c_relay")
    print(" calls  worker µs/packet  relayed  C µs/packet  relayed  ratio")
    for calls in map(int, sys.argv[1:] or CALLS):
        worker, share = asyncio.run(measure_worker(calls))
        row = f"{calls:>6} {worker:>17.2f} {share:>8.2%}"
        if program is not None:
            plain, plain_share = measure_c(program, calls)
            row += f" {plain:>12.2f} {plain_share:>8.2%} {worker / plain:>6.2f}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
