"""CPU time per packet that the media worker relays: ``python -m bench.relay [CALLS...]``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.processes import cpu_seconds
from bench.table import Row, show
from bench.yardstick import HERE, HOST, compiled, raise_file_limit
from media.client import MediaEngine
from media.sdp.agreement import StreamAgreement

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
        remote=(HOST, port),
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
    engine = await MediaEngine.in_worker(address=HOST, ports=(RELAY_PORT, RELAY_PORT + 4 * calls))
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


def rows(calls: Iterable[int] = CALLS) -> Iterator[Row]:
    """Measure with so many calls at a time; the relay in C is the yardstick."""
    raise_file_limit()
    program = compiled("c_relay")
    for number in calls:
        figure, share = asyncio.run(measure_worker(number))
        yardstick, remarks = None, f"{share:.1%} relayed"
        if program is not None:
            yardstick, c_share = measure_c(program, number)
            remarks += f", in C {c_share:.1%}"
        yield Row(f"relayed packet, {number} calls", figure, "CPU-µs", yardstick, remarks)


if __name__ == "__main__":
    show(rows(map(int, sys.argv[1:])) if sys.argv[1:] else rows())
