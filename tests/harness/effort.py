"""What something costs, not timed by the clock: the same on each machine, whatever else runs on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
TURNS = 100
"""Of the loop, in which what is ready to go on can end."""


def calls_of(action: Callable[[], object]) -> int:
    """Return how many functions ``action`` calls in this thread, those in C counted with those in Python."""
    count = 0

    def note(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


async def sooner_than(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns, which ends before another timer of so many ``seconds``.

    A busy machine holds up both.

    Raises:
        AssertionError: it goes on for longer.
    """

    async def wait() -> None:
        await asyncio.sleep(seconds)
        for _ in range(TURNS):
            await asyncio.sleep(0)

    working, timer = asyncio.create_task(work), asyncio.create_task(wait())
    try:
        done, _ = await asyncio.wait((working, timer), return_when=asyncio.FIRST_COMPLETED)
        assert working in done, f"it takes longer than {seconds} s"
        return await working
    finally:
        for task in (working, timer):
            task.cancel()
        await asyncio.wait((working, timer))
