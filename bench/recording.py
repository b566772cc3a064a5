"""Messages of many callers, written by the media worker: ``python -m bench.recording [CALLERS...]``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import cpu_seconds
from bench.relay import FAR_PORT, RELAY_PORT, SECONDS, agreement, generate
from bench.table import Row, show
from bench.yardstick import HOST, raise_file_limit
from media.client import MediaEngine
from tests.harness.hearing import Hearing

CALLERS = (50, 100)
SETTLE_S = 0.5
"""By then the files are begun."""


async def measure(callers: int, folder: Path) -> tuple[float, float]:
    """Return CPU-ms per caller and second of a message, and the share of it that is in the files."""
    engine = await MediaEngine.in_worker(address=HOST, ports=(RELAY_PORT, RELAY_PORT + 2 * callers + 1))
    legs = [await engine.open_leg() for _ in range(callers)]
    for index, leg in enumerate(legs):
        leg.connect(agreement(FAR_PORT + 2 * index))
        leg.record(folder / f"{index}.wav")
    pid = engine.pid
    assert pid is not None
    await asyncio.sleep(SETTLE_S)
    used = -cpu_seconds(pid)
    sent = await asyncio.to_thread(generate, callers)
    used += cpu_seconds(pid)
    for leg in legs:
        await leg.close()
    await engine.close()
    seconds = sum(Hearing.of_file(folder / f"{index}.wav").seconds for index in range(callers))
    return used * 1000 / (callers * SECONDS), seconds / (sent / 50)


def rows(callers: Iterable[int] = CALLERS) -> Iterator[Row]:
    """Measure with so many callers at a time."""
    raise_file_limit()
    for number in callers:
        with TemporaryDirectory(prefix="b2bua-bench-") as folder:
            figure, share = asyncio.run(measure(number, Path(folder)))
        remarks = f"{share:.1%} of it is in the files"
        yield Row(f"second of recording, {number} callers", figure, "CPU-ms", remarks=remarks)


if __name__ == "__main__":
    show(rows(map(int, sys.argv[1:])) if sys.argv[1:] else rows())
