"""``b2bua trunks``: how things stand with the providers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import begin_of
from b2bua.config.models import Config, Trunk
from b2bua.store.crowding import Peak, peaks
from b2bua.store.running import is_running
from b2bua.store.store import Store
from b2bua.store.trunk_states import KeptTrunkState

DAYS = 7
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
    zone = ZoneInfo(config.office.timezone)
    async with await Store.open(folder) as store:
        states = await store.trunk_states.all()
        spans = await store.journal.spans(since=begin_of(DAYS, zone), now=datetime.now(UTC))
    if not await asyncio.to_thread(is_running, folder):
        typer.echo("The office does not run. When it last did:")
    width, most = max(map(len, config.trunks)), peaks(spans)
    for name, trunk in config.trunks.items():
        crowd = _crowd(trunk, most[name], zone) if name in most else ""
        typer.echo(f"{name:{width}}  {_in_words(trunk, states.get(name), zone)}{crowd}")


def _crowd(trunk: Trunk, peak: Peak, zone: tzinfo) -> str:
    """Return how many called at once, beside the channels that the provider sells."""
    callers = "1 caller" if peak.callers == 1 else f"{peak.callers} callers"
    channels = f", of {trunk.channels} channels" if trunk.channels else ""
    return f"; {callers} at once at most in {DAYS} days ({peak.at.astimezone(zone):%Y-%m-%d %H:%M}){channels}"


def _in_words(trunk: Trunk, state: KeptTrunkState | None, zone: tzinfo) -> str:
    if not (trunk.registrar or trunk.qualify_every_s):
        return UNWATCHED
    if state is None:
        return "not tried yet"
    since = f"since {state.since.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    with_whom = f" with {state.server}" if state.state == "registered" else f" ({state.server})"
    why = f": {state.last_error}" if state.last_error else ""
    return f"{state.state}{with_whom} {since}{why}"
