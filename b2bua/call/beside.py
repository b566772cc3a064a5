"""Run something beside a block and end it with the block; end a block from beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import structlog

from b2bua.errors import LegEnded

log = structlog.get_logger("call")


@asynccontextmanager
async def beside(work: Coroutine[object, object, None], *, name: str) -> AsyncIterator[None]:
    """Run ``work`` (music, announcements) while the block runs; it has ended when the block is left.

    A hang-up that ``work`` notices is the block's to handle, which notices it too. Any other error of
    ``work`` is logged: a prompt that cannot be played is no reason to lose a call.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_error)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def end_now(limit: asyncio.Timeout) -> None:
    """End the block of ``limit``, as if its time were over; nothing is done where that is so already."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


def _tell_error(task: asyncio.Task[None]) -> None:
    if task.cancelled() or (error := task.exception()) is None or isinstance(error, LegEnded):
        return
    log.error("the call goes on without its sound", task=task.get_name(), exc_info=error)
