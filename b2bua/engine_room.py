"""The media engine that is up, and a new one when it died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from b2bua.background import Background
from media.client import MediaEngine
from media.errors import EngineGone, MediaError

log = structlog.get_logger("office")

RETRY_S = 1.0
PATIENCE_S = 4.0
"""How long a caller who comes while the engine restarts is kept waiting; a start takes half a second."""


class EngineRoom:
    """Keeps one media engine running."""

    def __init__(
        self, engine: MediaEngine, start: Callable[[], Awaitable[MediaEngine]], background: Background
    ) -> None:
        self._start = start
        self._background = background
        self._is_up = asyncio.Event()
        self._take(engine)

    def _take(self, engine: MediaEngine) -> None:
        self.engine = engine
        engine.on_engine_lost = self._lost
        self._is_up.set()

    async def ready(self) -> MediaEngine:
        """Return the engine that is up, waiting for it at most ``PATIENCE_S``.

        Raises:
            EngineGone: none came up in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._is_up.wait()
        except TimeoutError:
            raise EngineGone("the media engine is down") from None
        return self.engine

    def _lost(self, why: str) -> None:
        """Start a new engine; the calls that were up have ended as promises."""
        log.error("the media engine died; starting a new one", why=why)
        self._is_up.clear()
        self._background.start(self._restart(), name="media engine")

    async def _restart(self) -> None:
        while True:
            try:
                self._take(await self._start())
            except MediaError as error:
                log.error("the media engine does not start; trying again", why=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            log.info("the media engine is back")
            return

    async def close(self) -> None:
        """End the engine for good."""
        self.engine.on_engine_lost = None
        await self.engine.close()
