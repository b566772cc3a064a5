"""The calls that are up, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from b2bua.call.call import Call


class Roll:
    """Calls that are in our custody right now, the oldest first."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self.on_come: Callable[[Call], None] | None = None
        """Told of each call that comes into our custody."""

    @contextmanager
    def holding(self, call: Call) -> Iterator[None]:
        """List ``call`` for as long as the block runs."""
        key = call.identity.call_id
        self._calls[key] = call
        if self.on_come is not None:
            self.on_come(call)
        try:
            yield
        finally:
            del self._calls[key]

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)
