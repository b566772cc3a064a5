"""``b2bua run``: an office from start to Ctrl-C, with a word on what to dial."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
import typer

from b2bua.cli.addresses import in_words, why_not_here
from b2bua.cli.welcome import welcome
from b2bua.config.models import Config
from b2bua.errors import B2buaError
from b2bua.server import Server
from b2bua.thawing import frozen_values, thaw
from media.errors import MediaError

log = structlog.get_logger("office")

YOUNG_OBJECTS = 5000
"""So many new objects before the collector looks for garbage among them."""
ROUNDS = (100, 1)
"""So many rounds before it looks again at what was in use then, and so many of these before it looks at all.

A call that is over leaves nothing to find, for it held no circles: none of 800 of all kinds did. Each of
these looks takes 0.2 s under load, in which no call goes on. One comes with each 20,000 calls or so.
"""
STDIN = 0


async def run_office(config: Config, *, is_demo: bool) -> None:
    """Run until SIGINT or SIGTERM, and a while longer for talks that are up; a second one ends these at once.

    SIGHUP, or a change of its files, lets it read the configuration again.

    Raises:
        B2buaError: it cannot start; said in one line.
    """
    for address in config.rtp.addresses:
        fault = why_not_here(address)
        if fault is not None:
            why = in_words(fault, setting="[rtp] address")
            raise B2buaError(f"cannot receive sound at {address}: {why}") from fault
    stop, hurry = asyncio.Event(), asyncio.Event()

    def ordered() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for order in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(order, ordered)
    try:
        async with Server.running(config) as server, _following_the_files(server, stop=stop.set):
            with contextlib.suppress(OSError):  # nobody may read it, and there are calls to take
                typer.echo(welcome(config, is_demo=is_demo))
            log.info(
                "ready for calls",
                listening=config.sip.listening,
                over=", ".join(config.sip.transports),
                room=config.rtp.room,
            )
            thaw(frozen_values())
            spare_the_collector()
            await stop.wait()
            log.info("stopping")
            await server.wind_down(hurry)
    except MediaError as error:
        raise B2buaError(f"the media engine does not start: {error}") from error
    except OSError as error:
        why = in_words(error, setting="[sip] listen")
        raise B2buaError(f"cannot listen on {config.sip.listening}: {why}") from error


@asynccontextmanager
async def _following_the_files(server: Server, *, stop: Callable[[], None]) -> AsyncIterator[None]:
    """Let the office follow its configuration for as long as the block runs."""
    has_terminal = os.isatty(STDIN)

    def hung_up() -> None:
        """Read it again; but when the terminal is gone that it was started from, the office is to end."""
        is_gone = has_terminal and not os.isatty(STDIN)
        (stop if is_gone else server.reloader.ask)()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, hung_up)
    server.background.start(server.reloader.run(), name="configuration")
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def spare_the_collector() -> None:
    """Take what stays for ever out of the garbage collector's rounds: modules, configuration, transports.

    Else it walks through some 200,000 objects again and again under load, tens of milliseconds each time, in
    which no call goes on.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # else a quarter of what is frozen must come on top before it looks at all that is new
    gc.set_threshold(YOUNG_OBJECTS, *ROUNDS)
