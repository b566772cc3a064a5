"""``b2bua calls --show``: one call, in words and with its SIP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.calls import row_of
from b2bua.config.models import Config
from b2bua.errors import Unavailable
from b2bua.sip.trace import TracedMessage
from b2bua.store.calls import CallStory
from b2bua.store.quality import leg_in_words
from b2bua.store.store import Store
from b2bua.trace.ladder import ladder as draw
from b2bua.trace.pcap import pcap
from b2bua.trace.record import find_record, read_record


async def show_call(config: Config, call: str, *, ladder: bool, full: bool, capture: Path | None) -> None:
    """Print one call, its SIP as a ladder when asked to, and write it as a capture file.

    Raises:
        Unavailable: there is no such call, or no SIP of it.
    """
    data = await asyncio.to_thread(config.office.data.absolute)
    zone = ZoneInfo(config.office.timezone)
    if not ladder and capture is None:
        await _tell(data, call, zone)
        return
    path = await asyncio.to_thread(find_record, data, call)
    messages = await asyncio.to_thread(read_record, path)
    await _tell(data, path.stem, zone, is_required=False)
    if ladder:
        _draw(messages, full=full)
    if capture is not None:
        await asyncio.to_thread(capture.write_bytes, pcap(messages))
        typer.echo(f"{len(messages)} SIP messages are in {capture}")


async def _tell(data: Path, call: str, zone: ZoneInfo, *, is_required: bool = True) -> None:
    """Print what happened in a call, and how the sound of each party was."""
    if not await asyncio.to_thread(data.is_dir):
        raise Unavailable(f"there is no journal in {data}")
    async with await Store.open(data) as store:
        found = await _found(store, call)
    if found is None:
        if is_required:
            raise Unavailable(f"the journal in {data} has no call {call}")
        typer.echo(call)
        return
    typer.echo("  ".join((found.call.call_id, *row_of(found, zone))))
    for leg in found.legs:
        typer.echo(f"    {leg_in_words(leg)}")


async def _found(store: Store, call: str) -> CallStory | None:
    """Return the call whose id begins with ``call``; ``last``: the latest one.

    Raises:
        Unavailable: there is more than one.
    """
    if call == "last":
        latest = await store.journal.calls(limit=1)
        ids = [each.call.call_id for each in latest]
    else:
        ids = await store.journal.named(call)
    if len(ids) > 1:
        raise Unavailable(f"more than one call begins with {call}")
    return await store.journal.call(ids[0]) if ids else None


def _draw(messages: tuple[TracedMessage, ...], *, full: bool) -> None:
    typer.echo()
    for line in draw(messages, is_full=full):
        typer.echo(line)
