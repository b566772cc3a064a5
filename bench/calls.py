"""CPU time of the product for whole calls: a trunk caller, a registered phone that answers, hang-up, journal.

``python -m bench.calls [RATE...] [--profile FILE]``
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from bench.office import Office

RATES = (20, 50, 100)
SECONDS = 8
WARM_UP_CALLS = 40


@dataclass(frozen=True, slots=True)
class CallCost:
    """What whole calls at one rate cost."""

    rate: int
    """Calls per second that were placed."""
    cpu_ms: float
    """CPU-ms per call of all processes of the product."""
    core: float
    """Share of one core that they used."""
    failed: int
    """Calls that were not answered and hung up on both legs."""
    answer_ms: float
    """Median from the caller's INVITE to the 200."""
    answer_p99_ms: float
    """The same, 99th percentile."""


def measure(rates: tuple[int, ...] = RATES, *, profile: str | None = None) -> list[CallCost]:
    """Return the cost at each rate, all in one run of the product."""
    under = ("-m", "cProfile", "-o", profile) if profile else ()
    with Office.running(under=under) as office:
        office.register_phones()
        office.calls(WARM_UP_CALLS, rate=20)
        return [measure_rate(office, rate) for rate in rates]


def measure_rate(office: Office, rate: int) -> CallCost:
    """Return what ``SECONDS`` of calls at ``rate`` cost."""
    calls = rate * SECONDS
    used, started = -office.cpu_seconds, -time.monotonic()
    result = office.calls(calls, rate=rate)
    started += time.monotonic()
    time.sleep(max(0.0, 0.5))  # the last outcomes are still being journaled
    used += office.cpu_seconds
    return CallCost(
        rate=rate,
        cpu_ms=used * 1000 / calls,
        core=used / started,
        failed=result["failed"],
        answer_ms=result["median_ms"] or 0.0,
        answer_p99_ms=result["p99_ms"] or 0.0,
    )


def main() -> None:
    """Print a row for each rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rates", nargs="*", type=int, default=RATES)
    parser.add_argument("--profile", metavar="FILE", help="run the product under cProfile")
    arguments = parser.parse_args()
    for cost in measure(tuple(arguments.rates), profile=arguments.profile):
        print(cost, flush=True)


if __name__ == "__main__":
    main()
