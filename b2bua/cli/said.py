"""What ``b2bua explain`` reckons with beside the configuration: what people said and decided."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from b2bua.cli.ask import asker
from b2bua.cli.check import prompt_seconds
from b2bua.cli.telling import folder_of
from b2bua.config.models import Config
from b2bua.people.decisions import override_of
from b2bua.people.diary import status_at
from b2bua.people.presence import from_row
from b2bua.people.status import Status
from b2bua.routing.calendar import Calendar
from b2bua.routing.facts import Absence, Facts
from b2bua.routing.numbers import normalise
from b2bua.routing.override import Override
from b2bua.routing.told import Assumed
from b2bua.store.store import Store


async def with_what_was_said(config: Config, facts: Facts) -> Facts:
    """Return ``facts`` with who takes no calls, and what was decided, as far as the office's data knows."""
    folder = await folder_of(config)
    if folder is None:
        return facts
    async with await Store.open(folder) as store:
        rows, decided = await store.statuses.all(), await store.overrides.last()
    said = {row.person: from_row(row) for row in rows}
    diaries = await asyncio.to_thread(diaries_of, config, facts.at)
    people = {name: status_at(said.get(name), diaries.get(name), facts.at) for name in config.people}
    override = _local(override_of(decided), config) if decided is not None else None
    return replace(facts, absences=_absences(people, config), override=override)


async def suppose(
    config: Config, *, dialled: str, caller: str, at: datetime, keys: Sequence[str], asks: bool
) -> Assumed:
    """Return what the world outside does, to a caller who presses these keys; ``asks``: servers are asked."""
    return Assumed(
        ask=asker(config, dialled=dialled, caller=caller) if asks else None,
        party=await who_talked_with(config, caller, at) if caller else None,
        seconds_of=prompt_seconds(config),
        keys=deque(keys),
    )


async def who_talked_with(config: Config, caller: str, at: datetime) -> str:
    """Return who of ours talked with that number on that day, as the journal names them; empty: nobody."""
    folder = await folder_of(config)
    if folder is None:
        return ""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    async with await Store.open(folder) as store:
        return await store.journal.talked_with(normalise(caller, country=config.office.country), midnight)


def diaries_of(config: Config, at: datetime) -> dict[str, Calendar]:
    """Return the calendars of people around a moment, as the office has read them; reads files."""
    if not any(person.calendar for person in config.people.values()):
        return {}
    from b2bua.cli.calendars import kept_calendars

    known = kept_calendars(config, at).calendars
    return {
        name: known[person.calendar] for name, person in config.people.items() if person.calendar in known
    }


def _absences(people: dict[str, Status], config: Config) -> dict[str, Absence]:
    zone, now = ZoneInfo(config.office.timezone), datetime.now(UTC)
    return {
        person: Absence(status.in_words(zone, now), status.until)
        for person, status in people.items()
        if not status.is_available
    }


def _local(override: Override, config: Config) -> Override:
    """Return it with its end at the clock of the office."""
    if override.until is None:
        return override
    return replace(override, until=override.until.astimezone(ZoneInfo(config.office.timezone)))
