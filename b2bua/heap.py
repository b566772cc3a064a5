"""The heap of the C library in an office that runs for months: one for all threads, which stays small."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""As <malloc.h> of glibc numbers them."""
LARGE_BYTES = 128 * 1024
"""So much at once is no part of the heap: it comes from the system, and goes back there."""
MOST_SPARE_BYTES = 1024 * 1024
"""What is free at the end of the heap and more than that goes back, too."""


def share_one_heap() -> bool:
    """Have all threads that start from now on take memory from one heap; return whether that could be set.

    glibc gives each thread one of its own, and what one thread has freed another cannot have. Messages that
    the loop reads and other threads write to disk leave holes in all of them: in 23,000 calls of all kinds
    15 MiB of holes, of which one heap has 4, and ever more with more calls. Only one thread at a time runs
    Python, so that they hardly wait for each other. Nor does what is large and needed for a moment, such as
    the messages of all calls of a second, make the heap larger, as it would: glibc takes for usual what
    happened once. Other C libraries have no such heaps nor settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    wanted = {M_ARENA_MAX: 1, M_MMAP_THRESHOLD: LARGE_BYTES, M_TRIM_THRESHOLD: MOST_SPARE_BYTES}
    return mallopt is not None and all(mallopt(setting, value) for setting, value in wanted.items())
