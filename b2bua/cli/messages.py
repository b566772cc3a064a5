"""``b2bua messages``: what was left in the mailboxes, in plain words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from b2bua.cli.recordings import plot, tell_levels
from b2bua.cli.telling import tell_office
from b2bua.config.models import Config
from b2bua.errors import Unavailable
from b2bua.store.messages import Message
from b2bua.store.store import Store
from b2bua.store.story import duration

HEADINGS = ("id", "when", "mailbox", "from", "length", "state", "recording")


async def list_messages(config: Config, *, box: str, limit: int, with_deleted: bool) -> None:
    """Print the latest messages of one mailbox, or of all; the newest last, where the eye is."""
    store = await _opened(config)
    if store is None:
        return
    async with store:
        found = await store.messages.latest(box=box or None, limit=limit, with_deleted=with_deleted)
    if not found:
        typer.echo("No messages.")
        return
    zone = ZoneInfo(config.office.timezone)
    rows = [row_of(message, zone) for message in found[::-1]]
    console = Console()
    if not console.is_terminal:
        for row in rows:
            typer.echo("  ".join(row))
        return
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading not in ("from", "recording"), overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


async def mark_heard(config: Config, name: str) -> None:
    """Note that somebody listened to the message of that id, or of an id that begins so; the lamp follows.

    Raises:
        Unavailable: there is none, or more than one; it cannot be kept, or the office cannot be told.
    """
    store = await _opened(config)
    if store is None:
        return
    async with store:
        message = await _named(store, name)
        is_kept = await store.messages.hear(message.id, at=datetime.now(UTC))
        [message] = await store.messages.named(message.call_id)
    await tell_office(await asyncio.to_thread(config.office.data.absolute), is_kept=is_kept)
    typer.echo("  ".join(row_of(message, ZoneInfo(config.office.timezone))))


async def show_message(config: Config, name: str, *, picture: Path | None) -> None:
    """Print the message of that id, or of an id that begins so, and how loud it is; write that as a picture.

    Raises:
        Unavailable: there is none, or more than one, or it cannot be read.
    """
    store = await _opened(config)
    if store is None:
        return
    async with store:
        message = await _named(store, name)
    typer.echo("  ".join(row_of(message, ZoneInfo(config.office.timezone))))
    await tell_levels(message.path)
    if picture is not None:
        await plot(message.path, picture, title=f"message of {message.caller}")


async def _named(store: Store, name: str) -> Message:
    found = await store.messages.named(name)
    if len(found) != 1:
        raise Unavailable(f"{'no message has' if not found else 'several messages have'} the id {name}")
    return found[0]


async def _opened(config: Config) -> Store | None:
    folder = await asyncio.to_thread(config.office.data.absolute)
    if not await asyncio.to_thread(folder.is_dir):
        typer.echo(f"No messages yet: there is no journal in {folder}")
        return None
    return await Store.open(folder)


def row_of(message: Message, zone: tzinfo) -> tuple[str, ...]:
    """Return id, when, mailbox, who left it, how long it is, whether it was heard, and its file."""
    caller = " ".join(part for part in (message.caller or "withheld", message.caller_name) if part)
    return (
        message.call_id,
        f"{message.began_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        message.box,
        caller,
        "-" if message.seconds is None else duration(message.seconds),
        _state(message),
        str(message.path),
    )


def _state(message: Message) -> str:
    if message.seconds is None:
        return "being left"
    if message.deleted_at is not None:
        return "deleted"
    if message.is_silent:
        return "silence"
    return "new" if message.heard_at is None else "heard"
