"""CPU time of the product for whole calls: a trunk caller, a phone that answers, hang-up, journal."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.messages import cpu_per_message, relay_checked
from bench.office import Office
from bench.table import Row

RATES = (20, 50, 100)
SECONDS = 8
WARM_UP_CALLS = 40
LAST_WRITES_S = 0.5
"""The last outcomes are written to the journal that long after the last BYE, at most."""


def rows() -> Iterator[Row]:
    """Measure at each rate, all in one run of the product; one checked INVITE is the yardstick."""
    one_message_ms = 1000 * cpu_per_message(relay_checked)
    with Office.running() as office:
        office.register_phones()
        office.calls(WARM_UP_CALLS, rate=20)
        for rate in RATES:
            yield measure(office, rate, one_message_ms)


def measure(office: Office, rate: int, one_message_ms: float) -> Row:
    """Return what ``SECONDS`` of calls at ``rate`` per second cost, all processes of the product together."""
    calls = rate * SECONDS
    used, started = -office.cpu_seconds, time.monotonic()
    result = office.calls(calls, rate=rate)
    elapsed = time.monotonic() - started
    time.sleep(LAST_WRITES_S)
    used += office.cpu_seconds
    remarks = (
        f"{result['failed']} failed, {used / elapsed:.0%} of a core, "
        f"answer after {result['median_ms']:.0f} ms, p99 {result['p99_ms']:.0f} ms"
    )
    return Row(
        f"whole call, two legs, {rate} calls/s", used * 1000 / calls, "CPU-ms", one_message_ms, remarks
    )
