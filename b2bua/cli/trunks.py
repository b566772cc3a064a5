"""``b2bua trunks``: how things stand with the providers."""

from __future__ import annotations

import asyncio
from datetime import tzinfo
from zoneinfo import ZoneInfo

import typer

from b2bua.config.models import Config, Trunk
from b2bua.store.running import is_running
from b2bua.store.store import Store
from b2bua.store.trunk_states import KeptTrunkState

UNWATCHED = "not watched: calls are tried when they come; qualify-every would watch it"


async def list_trunks(config: Config) -> None:
    """Print each trunk with its state, since when, and what is wrong; as of its end if no office runs."""
    if not config.trunks:
        typer.echo("No trunk is configured.")
        return
    folder = await asyncio.to_thread(config.office.data.absolute)
    if not await asyncio.to_thread(folder.is_dir):
        typer.echo(f"The office does not run, and has never run with {folder}")
        return
    async with await Store.open(folder) as store:
        states = await store.trunk_states.all()
    if not await asyncio.to_thread(is_running, folder):
        typer.echo("The office does not run. When it last did:")
    width = max(map(len, config.trunks))
    zone = ZoneInfo(config.office.timezone)
    for name, trunk in config.trunks.items():
        typer.echo(f"{name:{width}}  {_in_words(trunk, states.get(name), zone)}")


def _in_words(trunk: Trunk, state: KeptTrunkState | None, zone: tzinfo) -> str:
    if not (trunk.registrar or trunk.qualify_every_s):
        return UNWATCHED
    if state is None:
        return "not tried yet"
    since = f"since {state.since.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    with_whom = f" with {state.server}" if state.state == "registered" else f" ({state.server})"
    why = f": {state.last_error}" if state.last_error else ""
    return f"{state.state}{with_whom} {since}{why}"
