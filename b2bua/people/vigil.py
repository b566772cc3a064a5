"""Waits for what people said: for its end, and for what other programs wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from b2bua.store.faults import in_words

log = structlog.get_logger("office")

LONGEST_SLEEP_S = 60.0
"""The wall clock may be set meanwhile: it is looked at it again after so long at the latest."""


class Vigil:
    """Looks, and tells, when there is a reason to. ``run`` it in a task."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        load: Callable[[], Awaitable[None]],
        tell: Callable[[], None],
        ends: Callable[[], Iterable[datetime | None]],
    ) -> None:
        """``load`` reads what is on disk, ``tell`` tells of what is new, ``ends`` are when something is."""
        self._clock = clock
        self._load = load
        self._tell = tell
        self._ends = ends
        self._has_news = asyncio.Event()
        self._must_look = False

    def news(self) -> None:
        """Wait anew: something ends at another time than before."""
        self._has_news.set()

    def look(self) -> None:
        """Read soon what another program wrote."""
        self._must_look = True
        self._has_news.set()

    async def run(self) -> None:
        """Tell for ever of what others wrote and of what has ended."""
        while True:
            self._has_news.clear()
            if self._must_look:
                self._must_look = False
                await self._look()
            self._tell()
            try:
                async with asyncio.timeout(self._sleep_s()):
                    await self._has_news.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            await self._load()
        except SQLAlchemyError as error:
            log.error("what was said elsewhere cannot be read now", why=in_words(error))

    def _sleep_s(self) -> float | None:
        """Return for how long nothing ends; None: nothing has an end, whatever the clock is set to."""
        now = self._clock()
        left_s = [(end - now).total_seconds() for end in self._ends() if end is not None]
        return min((LONGEST_SLEEP_S, *(each for each in left_s if each > 0))) if left_s else None
