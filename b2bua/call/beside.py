"""Run something beside a block and end it with the block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from b2bua.errors import LegEnded


@asynccontextmanager
async def beside(work: Coroutine[object, object, None], *, name: str) -> AsyncIterator[None]:
    """Run ``work`` (music, announcements) while the block runs; it is cancelled when the block is left.

    A hang-up that ``work`` notices is the block's to handle, which notices it too. Any other error of
    ``work`` is raised where the block ends.
    """
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, LegEnded):
        raise error
