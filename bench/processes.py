"""CPU time and memory of processes, from /proc (Linux)."""

from __future__ import annotations

import os
import time
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that all threads of a process have used; to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)


def tree(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found.extend(map(int, children.read_text().split()))
    return found


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all that descend from it."""
    return sum(map(cpu_seconds, tree(pid)))


def rss_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def tree_rss_bytes(pid: int) -> int:
    """Return the resident memory of a process and of all that descend from it."""
    return sum(map(rss_bytes, tree(pid)))
