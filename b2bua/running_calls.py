"""The tasks of the calls that are up: one each, none unnoticed when it fails, all ended with the office."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine

import structlog

log = structlog.get_logger("office")

HANG_UP_S = 3.0
"""How long calls may take to write their outcome when the program is stopped."""


class RunningCalls:
    """The calls that are up."""

    def __init__(self) -> None:
        self.is_closing = False
        """Whether no more are taken."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._told_to_end: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None], *, call_id: str) -> None:
        """Run a call to its end."""
        task = asyncio.create_task(work, name=f"call {call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call failed", exc_info=error)

    async def end(self, *, but: Collection[asyncio.Task[None]] = ()) -> None:
        """Take no more calls, and let those that are up write their outcome; those of ``but`` go on."""
        self.is_closing = True
        ending = self._told_to_end = self._tasks.difference(but)
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=HANG_UP_S)

    async def let_go_on(self, *, for_s: float, hurry: asyncio.Event) -> None:
        """Wait until those are over that were not told to end, or have come since.

        For so long at most, or until somebody is in a hurry.
        """

        async def over() -> None:
            while going := self._tasks - self._told_to_end:
                await asyncio.wait(going)

        waiting = [asyncio.create_task(over()), asyncio.create_task(hurry.wait())]
        try:
            await asyncio.wait(waiting, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    async def over(self) -> None:
        """Wait until every call that is up now has its outcome in the journal."""
        if self._tasks:
            await asyncio.wait(self._tasks)
