"""The memory of a long run in large pages: the processor finds what is strewn over it with fewer look-ups.

A call touches nearly all of the program once, in small objects all over the heap; in pages of 4 kB their
addresses alone are more than the processor's cache of addresses holds (``man 2 madvise``, MADV_COLLAPSE).
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

MADV_COLLAPSE = 25
"""<linux/mman.h>, since Linux 6.1; older kernels refuse it."""
PAGE_BYTES = 2 << 20
SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
"""Says another size where pages are larger to begin with (16 kB on a Raspberry Pi 5): a waste there."""
AREAS = Path("/proc/self/maps")
HEAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *(?:\[heap\])?")


def use_large_pages() -> None:
    """Put what the program has in memory into large pages; nothing happens where the system has none."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if int(SIZE.read_text()) == PAGE_BYTES:
            madvise = ctypes.CDLL(None).madvise
            madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            for start in _places(AREAS.read_text()):
                madvise(start, PAGE_BYTES, MADV_COLLAPSE)  # refused where nothing is: no harm


def _places(areas: str) -> Iterator[int]:
    """Yield the address of each large page that lies wholly within the heap."""
    for line in areas.splitlines():
        found = HEAP.fullmatch(line)
        if found is not None:
            first = -(-int(found[1], 16) // PAGE_BYTES) * PAGE_BYTES
            yield from range(first, int(found[2], 16) - PAGE_BYTES + 1, PAGE_BYTES)
