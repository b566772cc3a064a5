"""The heaps that the C library has in a process, from /proc (Linux, glibc)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

SIZE = 64 << 20
"""Of the address space that glibc sets aside for a thread; the heap begins at a multiple of it."""


def thread_heaps(pid: int) -> int:
    """Return how many heaps a process has beside its first one: memory in use, and room to grow behind it."""
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    return sum(_is_heap(one, behind) for one, behind in pairwise(maps))


def _is_heap(one: list[str], behind: list[str]) -> bool:
    (start, middle), (begin, end) = (
        [int(address, 16) for address in mapping[0].split("-")] for mapping in (one, behind)
    )
    is_anonymous = len(one) == len(behind) == 5
    is_spanning = not start % SIZE and middle == begin and end == start + SIZE
    return is_anonymous and is_spanning and one[1][:2] == "rw" and behind[1][:3] == "---"
