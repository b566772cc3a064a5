"""Plays schedules by the million on all cores: ``make soak-schedules``, and ``--help`` of this module.

Seeds are played in order, so that a run that was stopped goes on from the seed it names. A seed that fails is
printed with its reason and can be played again alone: ``… --first SEED --calls 1 --offices 0 --schemes 0``.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.simulator import office_days, scheme_calls, sip_calls

EVERY_S = 10.0
"""How often progress is told."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of schedule."""

    name: str
    """What is counted."""
    play: Callable[[int], None]
    """Plays one seed; raises when an invariant does not hold."""
    per_seed: int
    """How many of them a seed plays."""
    chunk: int
    """Seeds that a process plays in one go: about a second."""


@dataclass(slots=True)
class Report:
    """What came of a run."""

    played: int = 0
    """Seeds, from the first one on without a gap."""
    failures: dict[int, str] = field(default_factory=dict)
    """Why, by seed."""


CALLS = Kind("calls", sip_calls.play, sip_calls.CALLS, chunk=200)
OFFICES = Kind("offices", office_days.play, 1, chunk=5)
SCHEMES = Kind("schemes", scheme_calls.play, 1, chunk=5)


def soak(
    kind: Kind,
    *,
    first: int,
    seeds: int,
    seconds: float | None = None,
    jobs: int | None = None,
    tell: Callable[[str], None] = print,
) -> Report:
    """Play ``seeds`` seeds from ``first`` on, or as many as fit into ``seconds``, and tell how it goes."""
    report, started = Report(), time.monotonic()
    told = started
    with (
        contextlib.suppress(KeyboardInterrupt),
        multiprocessing.get_context("spawn").Pool(jobs or os.cpu_count(), _be_quiet) as pool,
    ):
        for chunk, failures in pool.imap(partial(_play_chunk, kind.play), _chunks(first, seeds, kind.chunk)):
            report.played += len(chunk)
            report.failures |= failures
            for seed, why in failures.items():
                tell(f"{kind.name}: seed {seed} failed: {why}")
            now = time.monotonic()
            is_over = seconds is not None and now - started >= seconds
            if is_over:
                break
            if now - told >= EVERY_S:
                told = now
                tell(_progress(kind, report, first=first, seconds=now - started))
    tell(_progress(kind, report, first=first, seconds=time.monotonic() - started))
    return report


def _chunks(first: int, seeds: int, size: int) -> Iterator[range]:
    for begin in range(first, first + seeds, size):
        yield range(begin, min(begin + size, first + seeds))


def _play_chunk(play: Callable[[int], None], seeds: range) -> tuple[range, dict[int, str]]:
    failures = {}
    for seed in seeds:
        try:
            play(seed)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            failures[seed] = f"{type(error).__name__}: {error}"[:500]
    return seeds, failures


def _be_quiet() -> None:
    """Keep the log of simulated offices to itself, and leave Ctrl-C to who tells how far it went."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _progress(kind: Kind, report: Report, *, first: int, seconds: float) -> str:
    done = report.played * kind.per_seed
    return (
        f"{kind.name}: {done:,} in {seconds:.0f} s, {done / max(seconds, 1e-3):.0f}/s, "
        f"{len(report.failures)} failed; go on with FIRST={first + report.played}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return 1 when a seed failed."""
    parser = argparse.ArgumentParser(description="play seeded schedules of calls on all cores")
    parser.add_argument("--first", type=int, default=0, help="the seed to begin with")
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls between endpoints")
    parser.add_argument("--offices", type=int, default=20_000, help="days of whole offices")
    parser.add_argument("--schemes", type=int, default=10_000, help="patient callers in any valid office")
    parser.add_argument("--for", dest="seconds", type=float, help="stop after so many seconds, shared by all")
    parser.add_argument("--jobs", type=int, help="processes; as many as there are cores by default")
    options = parser.parse_args(arguments)
    failures = 0
    counts = ((CALLS, options.calls), (OFFICES, options.offices), (SCHEMES, options.schemes))
    kinds = [(kind, count) for kind, count in counts if count]
    seconds = options.seconds and options.seconds / max(1, len(kinds))
    for kind, count in kinds:
        seeds = -(-count // kind.per_seed)
        report = soak(kind, first=options.first, seeds=seeds, seconds=seconds, jobs=options.jobs)
        failures += len(report.failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
