"""Resident memory of the product: idle, and per call that rings or talks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.calls import WARM_UP_CALLS
from bench.office import PEOPLE, Office
from bench.table import Row

CALLS = 200
RATE = 50
SETTLE_S = 0.5
BEGUN_S = 5.0
"""Until then there is garbage of the start, which is given back."""


def rows() -> Iterator[Row]:
    """Measure the growth by ``CALLS`` that stay up, in an office of its own for each phase."""
    for phase in ("ringing", "talking"):
        with Office.running() as office:
            office.register_phones()
            time.sleep(BEGUN_S)
            idle = office.held_bytes
            office.calls(WARM_UP_CALLS, rate=20)
            before, media = office.held_bytes, office.media_held_bytes
            result = office.calls(CALLS, rate=RATE, phase=phase)
            time.sleep(SETTLE_S)
            growth, media = office.held_bytes - before, office.media_held_bytes - media
            office.end_calls()
        if phase == "ringing":
            yield Row("idle product, all processes", idle / 2**20, "MiB", remarks=f"{PEOPLE} phones")
        remarks = f"{CALLS} calls, {result['failed']} failed; {media / CALLS / 1024:.1f} of it for sound"
        yield Row(f"call that is {phase}, two legs", growth / CALLS / 1024, "KiB", remarks=remarks)
