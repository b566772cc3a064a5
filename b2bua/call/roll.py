"""The calls that are up, for whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from b2bua.call.call import Call


class Roll:
    """Calls that are in our custody right now, the oldest first."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._tasks: dict[str, asyncio.Task[None] | None] = {}
        self.on_come: Callable[[Call], None] | None = None
        """Told of each call that comes into our custody."""

    @contextmanager
    def holding(self, call: Call) -> Iterator[None]:
        """List ``call`` for as long as the block runs."""
        key = call.identity.call_id
        self._calls[key] = call
        self._tasks[key] = asyncio.current_task()
        if self.on_come is not None:
            self.on_come(call)
        try:
            yield
        finally:
            del self._calls[key], self._tasks[key]

    @property
    def engaged(self) -> frozenset[asyncio.Task[None]]:
        """Return the tasks of the calls in which somebody talks, or leaves a message."""
        found = (self._tasks[key] for key, call in self._calls.items() if call.is_engaged)
        return frozenset(task for task in found if task is not None)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)
