"""``b2bua run``: an office from start to Ctrl-C, with a word on what to dial."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket

import structlog
import typer

from b2bua.cli.welcome import welcome
from b2bua.config.models import Config
from b2bua.errors import B2buaError
from b2bua.server import Server
from media.errors import MediaError

log = structlog.get_logger("office")


async def run_office(config: Config, *, is_demo: bool) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        B2buaError: it cannot start; said in one line.
    """
    _try_sound_address(config.rtp.address)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for order in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(order, stop.set)
    try:
        async with Server.running(config):
            typer.echo(welcome(config, is_demo=is_demo))
            log.info("ready for calls", listening=config.sip.listening, over=", ".join(config.sip.transports))
            await stop.wait()
            log.info("stopping")
    except MediaError as error:
        raise B2buaError(f"the media engine does not start: {error}") from error
    except OSError as error:
        why = _in_words(error, setting="[sip] listen")
        raise B2buaError(f"cannot listen on {config.sip.listening}: {why}") from error


def _try_sound_address(address: str) -> None:
    """Find out now whether sound can be received there, not in the first call.

    Raises:
        B2buaError: it cannot.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        why = _in_words(error, setting="[rtp] address")
        raise B2buaError(f"cannot receive sound at {address}: {why}") from error


def _in_words(error: OSError, *, setting: str) -> str:
    """Return why an address cannot be used, and what to do about it."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"another program listens there (another b2bua? a softphone?); stop it or change {setting}"
        case errno.EADDRNOTAVAIL:
            return f"this machine has no such address; change {setting} (`ip addr` lists its addresses)"
        case errno.EACCES:
            return f"ports below 1024 are for root only; change {setting}"
    return error.strerror or str(error)
