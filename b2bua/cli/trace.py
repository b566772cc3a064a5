"""``b2bua calls --show``: one call, in words and with its SIP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.calls import row_of
from b2bua.config.models import Config
from b2bua.sip.trace import TracedMessage
from b2bua.store.store import Store
from b2bua.trace.ladder import ladder as draw
from b2bua.trace.pcap import pcap
from b2bua.trace.record import find_record, read_record


async def show_call(config: Config, call: str, *, ladder: bool, full: bool, capture: Path | None) -> None:
    """Print one call, its SIP as a ladder when asked to, and write it as a capture file.

    Raises:
        Unavailable: there is no SIP of such a call.
    """
    data = await asyncio.to_thread(config.office.data.absolute)
    path = await asyncio.to_thread(find_record, data, call)
    messages = await asyncio.to_thread(read_record, path)
    await _tell(data, path.stem, ZoneInfo(config.office.timezone))
    if ladder:
        _draw(messages, full=full)
    if capture is not None:
        await asyncio.to_thread(capture.write_bytes, pcap(messages))
        typer.echo(f"{len(messages)} SIP messages are in {capture}")


async def _tell(data: Path, call_id: str, zone: ZoneInfo) -> None:
    async with await Store.open(data) as store:
        found = await store.journal.call(call_id)
    typer.echo("  ".join((call_id, *row_of(found, zone))) if found is not None else call_id)


def _draw(messages: tuple[TracedMessage, ...], *, full: bool) -> None:
    typer.echo()
    for line in draw(messages, is_full=full):
        typer.echo(line)
