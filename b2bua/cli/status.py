"""``b2bua status``: who takes calls, and the word of somebody who from now on does or does not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.moment import parse_moment
from b2bua.config.models import Config, Person
from b2bua.config.similar import did_you_mean
from b2bua.config.values import parse_duration
from b2bua.errors import Unavailable
from b2bua.people.presence import UNSAID, from_row, to_row
from b2bua.people.status import LONGEST_REASON, Availability, Source, Status
from b2bua.store import doorbell
from b2bua.store.running import is_running
from b2bua.store.store import Store


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed."""

    person: str
    """Key or extension."""
    state: str
    """What they shall be."""
    for_: str
    """How long; may be empty."""
    until: str
    """Until when; may be empty."""
    reason: str
    """Why; may be empty."""

    def status(self, zone: tzinfo) -> Status:
        """Return what it says.

        Raises:
            BadParameter: it says nothing that can be.
        """
        if self.state not in tuple(Availability):
            known = [state.value for state in Availability]
            why = f"{self.state!r} is no status{did_you_mean(self.state, known)}"
            raise typer.BadParameter(why, param_hint="STATUS")
        if self.for_ and self.until:
            raise typer.BadParameter("give either --for or --until", param_hint="--for")
        reason = " ".join(self.reason.split())
        if len(reason) > LONGEST_REASON:
            raise typer.BadParameter(f"has more than {LONGEST_REASON} letters", param_hint="--reason")
        now = datetime.now(UTC)
        return Status(Availability(self.state), now, self._end(now, zone), reason, Source.COMMAND)

    def _end(self, now: datetime, zone: tzinfo) -> datetime | None:
        hint = "--for" if self.for_ else "--until"
        try:
            if self.for_:
                end = now + timedelta(seconds=parse_duration(self.for_))
            elif self.until:
                end = _next(self.until, now.astimezone(zone))
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


async def say(config: Config, wish: Wish) -> None:
    """Let somebody be so from now on; an office that runs knows it at once.

    Raises:
        Unavailable: it cannot be kept, or the office that runs here cannot be told.
        BadParameter: nobody is called so, or nobody can be so.
    """
    person = _person(config, wish.person)
    zone = ZoneInfo(config.office.timezone)
    status = wish.status(zone)
    folder = await _folder(config)
    if folder is None:
        raise Unavailable(f"no office has ever run on the folder {config.office.data}")
    async with await Store.open(folder) as store:
        if not await store.statuses.keep([to_row(person.name, status)]):
            raise Unavailable("the disk does not take it now")
    await asyncio.to_thread(_tell_office, folder)
    typer.echo(f"{person.title} is {status.in_words(zone, status.since)}")


def _tell_office(folder: Path) -> None:
    if not is_running(folder):
        return
    try:
        doorbell.ring(folder)
    except OSError as error:
        why = error.strerror or error
        raise Unavailable(f"it is kept, but the office that runs here could not be told: {why}") from error


async def list_people(config: Config, who: str) -> None:
    """Print everybody, or one person: key, extension, name, whether a phone is online, and their status."""
    people = [_person(config, who)] if who else list(config.people.values())
    now = datetime.now(UTC)
    said, online = await _known(config, now)
    zone = ZoneInfo(config.office.timezone)
    rows = []
    for person in people:
        status = said.get(person.name, UNSAID)
        shown = status if status.holds(now) else UNSAID
        phone = "online" if person.name in online else "offline" if person.sip_password else "no phone"
        rows.append((person.name, person.extension or "-", person.title, phone, shown.in_words(zone, now)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    for *cells, words in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        typer.echo("  ".join([*padded, words]))


async def _known(config: Config, now: datetime) -> tuple[dict[str, Status], set[str]]:
    """Return what people said, and who has a phone online."""
    folder = await _folder(config)
    if folder is None:
        return {}, set()
    async with await Store.open(folder) as store:
        rows, bindings = await store.statuses.all(), await store.bindings.live(now)
    runs = await asyncio.to_thread(is_running, folder)
    return {row.person: from_row(row) for row in rows}, {one.person for one in bindings} if runs else set()


async def _folder(config: Config) -> Path | None:
    """Return where the office keeps its data; None: it has never run."""
    folder = await asyncio.to_thread(config.office.data.absolute)
    return folder if await asyncio.to_thread(folder.is_dir) else None


def _person(config: Config, who: str) -> Person:
    for person in config.people.values():
        if who in (person.name, person.extension):
            return person
    raise typer.BadParameter(f"nobody is called {who}{did_you_mean(who, config.people)}", param_hint="PERSON")
