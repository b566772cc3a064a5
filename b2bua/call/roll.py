"""The calls that are up, for whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from b2bua.call.call import Call


class Holding:
    """``with`` block during which a call is listed."""

    __slots__ = ("_call", "_key", "_roll")

    def __init__(self, roll: Roll, call: Call) -> None:
        self._roll = roll
        self._call = call
        self._key = call.identity.call_id

    def __enter__(self) -> None:
        self._roll.add(self._call)

    def __exit__(self, *_: object) -> None:
        self._roll.remove(self._key)


class Roll:
    """Calls that are in our custody right now, the oldest first."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._tasks: dict[str, asyncio.Task[None] | None] = {}
        self.on_come: Callable[[Call], None] | None = None
        """Told of each call that comes into our custody."""

    def holding(self, call: Call) -> Holding:
        """Return a block during which ``call`` is listed."""
        return Holding(self, call)

    def add(self, call: Call) -> None:
        """List ``call``, which the running task serves."""
        key = call.identity.call_id
        self._calls[key] = call
        self._tasks[key] = asyncio.current_task()
        if self.on_come is not None:
            self.on_come(call)

    def remove(self, key: str) -> None:
        """List the call of that id no more."""
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
