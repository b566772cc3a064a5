"""``b2bua run``: an office from start to Ctrl-C, with a word on what to dial."""

from __future__ import annotations

import asyncio
import signal

import structlog
import typer

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
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for order in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(order, stop.set)
    try:
        async with Server.running(config):
            typer.echo(welcome(config, is_demo=is_demo))
            log.info("ready for calls", listening=config.sip.listen, over=", ".join(config.sip.transports))
            await stop.wait()
            log.info("stopping")
    except MediaError as error:
        raise B2buaError(f"the media engine does not start: {error}") from error
    except OSError as error:
        raise B2buaError(f"cannot listen on {config.sip.listen}: {error.strerror or error}") from error


def welcome(config: Config, *, is_demo: bool) -> str:
    """Return what to dial from where."""
    lines = ["", f"b2bua is up on {config.sip.listen} ({' and '.join(config.sip.transports)}).", ""]
    phones = [person for person in config.people.values() if person.sip_password is not None]
    if phones:
        lines.append("Register a phone with this address as its server:")
        for person in phones:
            password = f"  password demo-{person.extension}" if is_demo else ""
            lines.append(f"  user {person.extension:<6}{password}   ({person.title})")
        lines.append("")
    if config.numbers:
        lines.append("Dial from such a phone, or call in through the trunk:")
        lines += [f"  {number:<16} {_what(config, number)}" for number in config.numbers]
        lines.append("")
    if is_demo:
        lines += [
            "First test: dial +48221230007 and hear yourself.",
            f"Recordings, mail and journal are under {config.office.data}/; `b2bua calls` lists the calls.",
            "",
        ]
    return "\n".join(lines)


def _what(config: Config, number: str) -> str:
    spec = config.numbers[number]
    scheme = spec.scheme or f"{spec.in_hours} / {spec.off_hours}"
    return f"scheme {scheme}" + (f" ({spec.source})" if spec.source else "")
