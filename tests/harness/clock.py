"""Virtual time: an asyncio loop that jumps to its next timer instead of waiting for it.

A story of 24 hours runs in milliseconds and always in the same order. Work that runs outside the loop
(executor jobs, aiosqlite statements) takes no virtual time: the clock stands still until it is done.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from queue import SimpleQueue
from typing import Any, TypeVar, overload

import aiosqlite.core

PATIENCE_S = 15.0
"""Real seconds that outside work may take before a test is told that it hangs."""

AsyncTest = TypeVar("AsyncTest", bound=Callable[..., Coroutine[Any, Any, None]])


class DeadlockError(AssertionError):
    """Nothing is ready, no timer is set, no outside work is under way: what is awaited can never come."""


class OutOfTimeError(AssertionError):
    """The test ran past its limit of virtual time."""


class JumpingSelector(selectors.BaseSelector):
    """Reports real file events; where a selector would wait for a timer it moves the clock to it."""

    def __init__(self, limit_s: float) -> None:
        self._real = selectors.DefaultSelector()
        self._limit_s = limit_s
        self.now = 0.0
        self.outstanding = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return ready files; else wait for outside work; else jump over ``timeout`` seconds.

        Raises:
            DeadlockError: there is nothing to wait for.
            OutOfTimeError: the clock would pass the limit.
        """
        # The loop's own pipe only wakes it, which is awake: what a thread calls is in its list already.
        has_files = len(self._real.get_map()) > 1
        events = self._real.select(0) if has_files or self.outstanding or timeout is None else []
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.outstanding:
            return self._wait_for_outside_work()
        if timeout is None:
            raise DeadlockError(
                f"nothing will ever happen after {self.now:.3f} s; waiting: {_waiting_tasks()}"
            )
        self.now += timeout
        if self.now > self._limit_s:
            raise OutOfTimeError(f"still running after {self._limit_s:.0f} s; waiting: {_waiting_tasks()}")
        return []

    def _wait_for_outside_work(self) -> list[tuple[selectors.SelectorKey, int]]:
        started = time.monotonic()
        events = self._real.select(PATIENCE_S)
        if not events and time.monotonic() - started >= PATIENCE_S:
            raise DeadlockError(
                f"{self.outstanding} executor jobs or statements hang; waiting: {_waiting_tasks()}"
            )
        return events

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Any:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time, which starts at 0.0 s."""

    def __init__(self, *, limit_s: float = 7 * 86400.0, in_order: bool = False) -> None:
        """With ``in_order`` outside work is waited for where it is begun, so that runs never differ."""
        self.in_order = in_order
        self._called_by_thread = threading.Event()
        self._jumping = JumpingSelector(limit_s)
        super().__init__(self._jumping)
        # A jump of `when - now` seconds may end a rounding error short of `when`.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jumping.now

    def count_outside(self, future: asyncio.Future[Any]) -> None:
        """Hold the clock until ``future``, which a thread will complete, is done."""
        self._jumping.outstanding += 1
        future.add_done_callback(self._outside_done)

    def _outside_done(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.outstanding -= 1

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        if self.in_order:
            return self._run_here(func, *args)
        future = super().run_in_executor(executor, func, *args)
        self.count_outside(future)
        return future

    def _run_here(self, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor hands it on
            future.set_exception(error)
        return future

    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> asyncio.Handle:
        handle = super().call_soon_threadsafe(*args, **kwargs)
        self._called_by_thread.set()
        return handle

    def wait_for_thread(self, begin: Callable[[], None]) -> None:
        """Let a thread work by ``begin`` and stand still until it has called back."""
        self._called_by_thread.clear()
        begin()
        if not self._called_by_thread.wait(PATIENCE_S):
            raise DeadlockError("a thread does not answer")

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As asyncio's, with the clock held: a thread of its own joins the workers."""
        self._jumping.outstanding += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumping.outstanding -= 1


class CountingQueue(SimpleQueue[Any]):
    """The statements on their way to an aiosqlite thread, each holding the virtual clock."""

    def put_nowait(self, item: Any) -> None:
        future = item[0]
        loop = future.get_loop() if future is not None else None
        if isinstance(loop, VirtualTimeLoop):
            loop.count_outside(future)
            if loop.in_order:
                loop.wait_for_thread(lambda: super(CountingQueue, self).put_nowait(item))
                return
        super().put_nowait(item)


aiosqlite.core.SimpleQueue = CountingQueue  # type: ignore[misc, assignment, attr-defined, unused-ignore]


@overload
def virtual_time(test: AsyncTest) -> Callable[..., None]: ...
@overload
def virtual_time(*, limit_s: float) -> Callable[[AsyncTest], Callable[..., None]]: ...
def virtual_time(test: Any = None, *, limit_s: float = 7 * 86400.0) -> Any:
    """Turn ``async def test_x(fixtures)`` into a plain test that runs on a :class:`VirtualTimeLoop`.

    Fixtures must be synchronous. ``limit_s`` is the virtual time after which the test fails.
    """
    if test is None:
        return functools.partial(virtual_time, limit_s=limit_s)

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtually(test(*args, **kwargs), limit_s=limit_s)

    return run


def run_virtually(
    story: Coroutine[Any, Any, None], *, limit_s: float = 7 * 86400.0, in_order: bool = False
) -> None:
    """Run ``story`` to its end on a virtual clock; tasks it leaves behind are cancelled.

    ``in_order``: two runs of it are the same to the last packet, whatever threads and database take.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(limit_s=limit_s, in_order=in_order)) as runner:
        runner.run(story)


def _waiting_tasks() -> str:
    try:
        tasks = asyncio.all_tasks(asyncio.get_running_loop())
    except RuntimeError:
        return "no task"
    return "; ".join(_where(task) for task in tasks) or "no task"


def _where(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    place = f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else "not started"
    return f"{task.get_name()} at {place}"


__all__ = ["DeadlockError", "OutOfTimeError", "VirtualTimeLoop", "run_virtually", "virtual_time"]
