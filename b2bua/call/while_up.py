"""A block that ends when a party hangs up."""

from __future__ import annotations

import asyncio
from traceback import clear_frames
from types import TracebackType

from b2bua.errors import LegEnded
from b2bua.sip.session import Ending


class WhileUp:
    """``async with`` block that ends with ``LegEnded`` as soon as the far end is gone.

    Works like ``asyncio.timeout``: the waiting task is cancelled and that turned into ``LegEnded`` at the
    border of the block, so that blocks and timeouts nest in any order.
    """

    def __init__(self, ended: asyncio.Future[Ending]) -> None:
        self._ended = ended
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_fired = False
        self._is_left = False

    async def __aenter__(self) -> None:
        if self._ended.done():
            raise LegEnded(self._ended.result().why)
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._ended.add_done_callback(self._fire)

    def _fire(self, _: asyncio.Future[Ending]) -> None:
        if self._is_left:
            return  # the end came in the same instant as what the block waited for
        assert self._task is not None
        self._is_fired = True
        self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._is_left = True
        self._ended.remove_done_callback(self._fire)
        assert self._task is not None
        is_their_end = (
            self._is_fired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError
        )
        self._task = None  # a task that ends by the exception holds this frame
        if is_their_end:
            assert error is not None
            clear_frames(error.__traceback__)  # a task group's holds the error, which holds the frame
            raise LegEnded(self._ended.result().why) from error
