"""What the office stands on: sockets, processes, clocks. Tests put others in their place."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2bua.config.models import Config
from b2bua.sip.transport.hop import Transport
from b2bua.store.running import is_running
from b2bua.store.store import Store
from media.client import MediaEngine
from media.errors import MediaError

if TYPE_CHECKING:
    import httpx

ENCODED = "encoded"
"""Folder, in that of the office's data, of its prompts and music as they are sent."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a test or a benchmark may put in place of sockets, processes and clocks."""

    transports: Sequence[Transport] = ()
    """SIP transports to use; none: the configured sockets are bound."""
    start_engine: Callable[[], Awaitable[MediaEngine]] | None = None
    """Starts a media engine; None: a worker process."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """Wall-clock time, UTC."""
    http: Callable[[], httpx.AsyncBaseTransport] | None = None
    """Makes what stands in for the network of requests over HTTP; None: the network."""
    randomness: random.Random | None = None
    """Where jitter and branches come from; None: unpredictable."""

    def starter(self, config: Config) -> Callable[[], Awaitable[MediaEngine]]:
        """Return what starts a media engine for the office."""
        return self.start_engine or (
            lambda: MediaEngine.in_worker(
                address=config.rtp.addresses,
                ports=config.rtp.ports,
                workers=config.media.workers,
                encoded=config.office.data.absolute() / ENCODED,
            )
        )

    async def open(self, config: Config) -> tuple[Store, MediaEngine]:
        """Open the journal while the media engine starts in its own process; both or none.

        Raises:
            UnusableDatabaseError: the journal cannot be opened.
            MediaError: the media engine does not start.
        """
        starting = asyncio.ensure_future(self.starter(config)())
        try:
            is_running_there = await asyncio.to_thread(is_running, config.office.data)
            store = await Store.open(config.office.data, begins_anew=not is_running_there)
        except BaseException:
            with contextlib.suppress(MediaError):
                await (await starting).close()
            raise
        try:
            return store, await starting
        except BaseException:
            await store.close()
            raise
