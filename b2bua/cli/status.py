"""``b2bua status``: who takes calls, and the word of somebody who from now on does or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.said import diaries_of
from b2bua.cli.telling import end_of, folder_of, later_than, tell_office
from b2bua.config.models import Config, Person
from b2bua.config.similar import did_you_mean
from b2bua.errors import Unavailable
from b2bua.people.decisions import NORMAL, in_words, override_of
from b2bua.people.diary import status_at
from b2bua.people.presence import from_row, to_row
from b2bua.people.status import LONGEST_REASON, Availability, Source, Status
from b2bua.routing.calendar import Calendar
from b2bua.routing.override import Override
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
        reason = " ".join(self.reason.split())
        if len(reason) > LONGEST_REASON:
            raise typer.BadParameter(f"has more than {LONGEST_REASON} letters", param_hint="--reason")
        now = datetime.now(UTC)
        until = end_of(self.for_, self.until, now=now, zone=zone)
        return Status(Availability(self.state), now, until, reason, Source.COMMAND)


async def say(config: Config, wish: Wish) -> None:
    """Let somebody be so from now on; an office that runs knows it at once.

    Raises:
        Unavailable: it cannot be kept, or the office that runs here cannot be told.
        BadParameter: nobody is called so, or nobody can be so.
    """
    person = _person(config, wish.person)
    zone = ZoneInfo(config.office.timezone)
    status = wish.status(zone)
    folder = await folder_of(config)
    if folder is None:
        raise Unavailable(f"no office has ever run on the folder {config.office.data}")
    async with await Store.open(folder) as store:
        last = {row.person: row.since for row in await store.statuses.all()}.get(person.name)
        row = to_row(person.name, replace(status, since=later_than(last, status.since)))
        is_kept = await store.statuses.keep([row])
    await tell_office(folder, is_kept=is_kept)
    typer.echo(f"{person.title} is {status.in_words(zone, status.since)}")


async def list_people(config: Config, who: str) -> None:
    """Print everybody, or one person: key, extension, name, whether a phone is online, and their status."""
    people = [_person(config, who)] if who else list(config.people.values())
    now, zone = datetime.now(UTC), ZoneInfo(config.office.timezone)
    known = await _known(config, now)
    if known.override.holds(now):
        typer.echo(in_words(known.override, zone, now))
    rows = [_row(person, known, now, zone) for person in people]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    for *cells, words in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        typer.echo("  ".join([*padded, words]))


def _row(person: Person, known: _Known, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    shown = status_at(known.said.get(person.name), known.diaries.get(person.name), now)
    phone = (
        "online"
        if person.name in known.online
        else "offline"
        if person.sip_password or person.devices
        else "no phone"
    )
    return person.name, person.extension or "-", person.title, phone, shown.in_words(zone, now)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the office's data says."""

    said: Mapping[str, Status] = field(default_factory=dict)
    diaries: Mapping[str, Calendar] = field(default_factory=dict)
    online: frozenset[str] = frozenset()
    override: Override = NORMAL


async def _known(config: Config, now: datetime) -> _Known:
    folder = await folder_of(config)
    if folder is None:
        return _Known()
    async with await Store.open(folder) as store:
        rows, bindings = await store.statuses.all(), await store.bindings.live(now)
        decided = await store.overrides.last()
    runs = await asyncio.to_thread(is_running, folder)
    return _Known(
        {row.person: from_row(row) for row in rows},
        await asyncio.to_thread(diaries_of, config, now),
        frozenset(one.person for one in bindings) if runs else frozenset(),
        override_of(decided) if decided is not None else NORMAL,
    )


def _person(config: Config, who: str) -> Person:
    for person in config.people.values():
        if who in (person.name, person.extension):
            return person
    raise typer.BadParameter(f"nobody is called {who}{did_you_mean(who, config.people)}", param_hint="PERSON")
