"""Something that happens once, and that hardly anybody waits for."""

from __future__ import annotations

import asyncio


class Once:
    """An ``asyncio.Event`` that is made when somebody waits: each takes 1 kB, and calls have several."""

    __slots__ = ("_event", "_has_happened")

    def __init__(self) -> None:
        self._has_happened = False
        self._event: asyncio.Event | None = None

    def is_set(self) -> bool:
        """Return whether it has happened."""
        return self._has_happened

    def set(self) -> None:
        """Let it happen."""
        self._has_happened = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Wait until it has happened."""
        if not self._has_happened:
            self._event = self._event or asyncio.Event()
            await self._event.wait()
