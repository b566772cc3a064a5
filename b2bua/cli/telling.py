"""How commands change what an office remembers, and let it know at once when it runs."""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path

import typer

from b2bua.cli.moment import parse_moment
from b2bua.config.models import Config
from b2bua.config.values import parse_duration
from b2bua.errors import Unavailable
from b2bua.store import doorbell
from b2bua.store.running import is_running


async def folder_of(config: Config) -> Path | None:
    """Return where the office keeps its data; None: it has never run."""
    folder = await asyncio.to_thread(config.office.data.absolute)
    return folder if await asyncio.to_thread(folder.is_dir) else None


async def journal_folder(config: Config) -> Path | None:
    """Return where the journal is; None: there is none yet, and that was told."""
    folder = await asyncio.to_thread(config.office.data.absolute)
    if await asyncio.to_thread(folder.is_dir):
        return folder
    typer.echo(f"No calls yet: there is no journal in {folder}")
    return None


def begin_of(days: int, zone: tzinfo) -> datetime:
    """Return when the latest so many days began, today included."""
    first = datetime.now(zone).date() - timedelta(days=days - 1)
    return datetime.combine(first, time.min, tzinfo=zone)


async def tell_office(folder: Path, *, is_kept: bool) -> None:
    """Let the office that runs on ``folder``, if one does, read what was written.

    Raises:
        Unavailable: it was not written, or the office cannot be told.
    """
    if not is_kept:
        raise Unavailable("the disk does not take it now")
    await asyncio.to_thread(_ring, folder)


def _ring(folder: Path) -> None:
    if not is_running(folder):
        return
    try:
        doorbell.ring(folder)
    except OSError as error:
        why = error.strerror or error
        raise Unavailable(f"it is kept, but the office that runs here could not be told: {why}") from error


def later_than(last: datetime | None, now: datetime) -> datetime:
    """Return ``now``, or just after ``last``: the later word counts, also when the clock was put back."""
    return now if last is None or last < now else last + timedelta(microseconds=1)


def end_of(for_: str, until: str, *, now: datetime, zone: tzinfo) -> datetime | None:
    """Return the end that ``--for`` or ``--until`` names; None: none is named.

    Raises:
        BadParameter: it is no moment, or past.
    """
    if for_ and until:
        raise typer.BadParameter("give either --for or --until", param_hint="--for")
    hint = "--for" if for_ else "--until"
    try:
        if for_:
            end = now + timedelta(seconds=parse_duration(for_))
        elif until:
            end = _next(until, now.astimezone(zone))
        else:
            return None
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint=hint) from None
    if end <= now:
        raise typer.BadParameter("that is over already", param_hint=hint)
    return end


def _next(text: str, now: datetime) -> datetime:
    """Return the next moment that is called so: a time of day that is past is one of tomorrow."""
    moment = parse_moment(text, now=now)
    if moment <= now and text.strip()[:1].isdigit() and "-" not in text:
        moment += timedelta(days=1)
    return moment
