"""Serves the interface within the office's own loop; signals stay with the office."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config as UvicornConfig

from b2bua.api.patience import PatientProtocol
from b2bua.config.tables import Api
from b2bua.errors import B2buaError

log = structlog.get_logger("office")

MOST_CONNECTIONS = 100
KEEP_ALIVE_S = 15
"""A connection on which nothing is asked is closed after so long."""
LARGEST_HEAD = 16 * 1024
"""Bytes of a request line and headers."""
FINISH_S = 1
"""So long answers that are under way may take when the office stops."""
STOP_S = 3.0
TICK_S = 1.0
"""The Date of answers is that old at most; uvicorn's own loop wakes ten times as often."""


class _Embedded(uvicorn.Server):
    """A server that leaves SIGINT and SIGTERM to the program it is part of, and sleeps when nobody asks."""

    def __init__(self, config: UvicornConfig) -> None:
        super().__init__(config)
        self._is_over = asyncio.Event()

    def end(self) -> None:
        """Take no more requests, and finish those that are under way."""
        self.should_exit = True
        self._is_over.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            try:
                async with asyncio.timeout(TICK_S):
                    await self._is_over.wait()
            except TimeoutError:
                continue

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


@asynccontextmanager
async def serving(app: ASGIApp, api: Api, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
    """Serve ``app`` for as long as the block runs, as HTTPS where there is ``tls``.

    Raises:
        B2buaError: the address is taken or not ours.
    """
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = _Embedded(await asyncio.to_thread(_config, app, tls))
    listening = _bind(api)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="api")
    task.add_done_callback(_ended)
    try:
        log.info("the API listens", at=api.listen, tls=tls is not None)
        yield
    finally:
        server.end()
        task.remove_done_callback(_ended)
        await asyncio.wait((task,), timeout=STOP_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        listening.close()


def _ended(task: asyncio.Task[None]) -> None:
    """Say that nobody serves the interface any more; calls go on."""
    error = None if task.cancelled() else task.exception()
    log.error("the API has failed: a restart brings it back", exc_info=error)


def _config(app: ASGIApp, tls: ssl.SSLContext | None) -> UvicornConfig:
    config = UvicornConfig(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_S,
        h11_max_incomplete_event_size=LARGEST_HEAD,
    )
    config.load()
    config.ssl = tls
    return config


def _bind(api: Api) -> socket.socket:
    host, port = api.address
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()  # who comes before the server is up waits
    except OSError as error:
        listening.close()
        why = error.strerror or error
        raise B2buaError(f"the API cannot listen on {api.listen}: {why}; see listen of [api]") from error
    listening.setblocking(False)
    return listening
