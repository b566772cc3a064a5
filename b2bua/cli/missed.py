"""``b2bua missed``: how many calls reached a backup, and who did not take theirs."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import begin_of, journal_folder
from b2bua.config.models import Config
from b2bua.inbound.alerts import office_of
from b2bua.store.missed import MissedReport, report
from b2bua.store.store import Store

MOST_CALLS = 1_000_000


async def list_missed(config: Config, *, days: int) -> None:
    """Print the report of the latest days, whoever missed most first."""
    folder = await journal_folder(config)
    if folder is None:
        return
    since = begin_of(days, ZoneInfo(config.office.timezone))
    async with await Store.open(folder) as store:
        stories = await store.journal.calls(limit=MOST_CALLS, since=since)
    names = {name: person.title for name, person in config.people.items()}
    for line in lines(report(stories, office_of(config)), names=names):
        typer.echo(line)


def lines(found: MissedReport, *, names: dict[str, str]) -> list[str]:
    """Return the report in words; ``names`` are those of the people, by key."""
    told = [
        f"{_calls(found.calls)} from outside; {found.reached_backup} reached a backup, "
        f"which took {found.taken_by_backup} of them"
    ]
    width = max((len(names.get(key, key)) for key in (*found.missed, *found.off)), default=0)
    for key in sorted({*found.missed, *found.off}, key=lambda key: (-found.missed[key], key)):
        off = f", phone off for {_calls(found.off[key])}" if found.off[key] else ""
        told.append(f"{names.get(key, key):{width}}  missed {_calls(found.missed[key])}{off}")
    return told


def _calls(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"
