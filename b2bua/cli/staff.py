"""``b2bua staff``: what each person did on the telephone."""

from __future__ import annotations

import json
from dataclasses import asdict
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import begin_of, journal_folder
from b2bua.config.models import Config
from b2bua.inbound.alerts import office_of
from b2bua.store.staff import Work, staff_report
from b2bua.store.store import Store
from b2bua.store.story import duration

MOST_CALLS = 1_000_000


async def show_staff(config: Config, *, days: int, for_programs: bool) -> None:
    """Print the report of the latest days, in the order of the configuration."""
    folder = await journal_folder(config)
    if folder is None:
        return
    since = begin_of(days, ZoneInfo(config.office.timezone))
    async with await Store.open(folder) as store:
        stories = await store.journal.calls(limit=MOST_CALLS, since=since)
    extensions = {person.extension: key for key, person in config.people.items() if person.extension}
    found = staff_report(stories, office_of(config), extensions=extensions)
    works = {key: found.get(key, Work()) for key in config.people}
    if for_programs:
        told = [{"name": key, "display": config.people[key].title, **asdict(w)} for key, w in works.items()]
        typer.echo(json.dumps({"people": told}, indent=2, ensure_ascii=False))
        return
    width = max((len(config.people[key].title) for key in works), default=0)
    for key, work in works.items():
        typer.echo(f"{config.people[key].title:{width}}  {in_words(work)}")


def in_words(work: Work) -> str:
    """Return what somebody did, in words."""
    parts = [f"took {_calls(work.taken, work.taken_s)}"]
    if work.placed:
        parts.append(f"placed {_calls(work.placed, work.placed_s)}")
    parts.append(f"missed {work.missed}")
    if work.off:
        parts.append(f"phone off for {work.off}")
    return "; ".join(parts)


def _calls(count: int, seconds: float) -> str:
    calls = f"{count} call{'' if count == 1 else 's'}"
    return f"{calls}, {duration(seconds)} in all, {duration(seconds / count)} each" if count else calls
