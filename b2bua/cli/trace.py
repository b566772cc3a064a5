"""``b2bua calls --show``: one call, in words and with its SIP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.calls import row_of
from b2bua.cli.recordings import plot, tell_recording
from b2bua.config.models import Config
from b2bua.errors import Unavailable
from b2bua.sip.trace import TracedMessage
from b2bua.store.calls import CallStory
from b2bua.store.quality import leg_in_words
from b2bua.store.store import Store
from b2bua.store.story import cost_in_words
from b2bua.trace.ladder import ladder as draw
from b2bua.trace.pcap import pcap
from b2bua.trace.record import find_record, read_record


async def show_call(
    config: Config, call: str, *, ladder: bool, full: bool, capture: Path | None, picture: Path | None = None
) -> None:
    """Print one call, its SIP as a ladder when asked to; write that as a capture, its sound as a picture.

    Raises:
        Unavailable: there is no such call, or no SIP or recording of it.
    """
    data = await asyncio.to_thread(config.office.data.absolute)
    zone = ZoneInfo(config.office.timezone)
    messages: tuple[TracedMessage, ...] = ()
    if ladder or capture is not None:
        record = await asyncio.to_thread(find_record, data, call)
        messages = await asyncio.to_thread(read_record, record)
        call = record.call
    await _tell(data, call, zone, picture, is_traced=bool(messages))
    if ladder:
        _draw(messages, full=full)
    if capture is not None:
        await asyncio.to_thread(capture.write_bytes, pcap(messages))
        typer.echo(f"{len(messages)} SIP messages are in {capture}")


async def _tell(data: Path, call: str, zone: ZoneInfo, picture: Path | None, *, is_traced: bool) -> None:
    """Print what happened in a call, how the sound of each party was, and what is recorded."""
    if not await asyncio.to_thread(data.is_dir):
        raise Unavailable(f"there is no journal in {data}")
    async with await Store.open(data) as store:
        found = await _found(store, call)
        kept = await store.recordings.of_call(found.call.call_id) if found is not None else []
    if found is None and not is_traced:
        raise Unavailable(f"the journal in {data} has no call {call}")
    typer.echo("  ".join((found.call.call_id, *row_of(found, zone))) if found is not None else call)
    for leg in found.legs if found is not None else ():
        typer.echo(f"    {leg_in_words(leg)}")
    for cost in found.costs if found is not None else ():
        typer.echo(f"    {cost_in_words(cost)}")
    for recording in kept:
        await tell_recording(recording)
    if picture is not None:
        whole = call if found is None else found.call.call_id
        await plot(next((each.path for each in kept), None), picture, title=f"call {whole}")


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
