"""CPU time and memory of processes, from /proc (Linux)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that all threads of a process have used; to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)


def tree(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):  # it has just ended
                found.extend(map(int, children.read_text().split()))
    return found


def commands(pids: Iterable[int]) -> str:
    """Return the command lines of these processes; of those that have ended, nothing."""
    lines = []
    for pid in pids:
        with suppress(OSError):
            lines.append(Path(f"/proc/{pid}/cmdline").read_text())
    return "\n".join(lines)


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all that descend from it."""
    return sum(map(cpu_seconds, tree(pid)))


def held_bytes(pid: int) -> int:
    """Return the resident memory of one process, its part of what it shares with others (PSS)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[1]) * 1024  # type: ignore[index]


def written_bytes(pid: int) -> int:
    """Return what one process has in memory of its own, its part of what it shares of that (PSS).

    Files are left out, those of programs above all: what of them counts as one's part changes by the minute,
    with how many other programs of this machine have opened them.
    """
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"^Pss_(?:Anon|Shmem): +(\d+) kB", rollup, re.MULTILINE)) * 1024


def tree_held_bytes(pid: int) -> int:
    """Return the memory that a process and all that descend from it take: what they share counts once."""
    return sum(map(held_bytes, tree(pid)))
