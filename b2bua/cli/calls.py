"""``b2bua calls``: the journal in plain words."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from b2bua.cli.telling import journal_folder
from b2bua.config.models import Config
from b2bua.store.calls import CallStory
from b2bua.store.store import Store
from b2bua.store.story import story


async def list_calls(config: Config, *, limit: int, only_promises: bool, with_ids: bool = False) -> None:
    """Print the latest calls, or the ones that somebody has to return; the newest last, where the eye is."""
    folder = await journal_folder(config)
    if folder is None:
        return
    async with await Store.open(folder) as store:
        stories = await (_owed(store, limit) if only_promises else store.journal.calls(limit=limit))
    if not stories:
        typer.echo("Nobody is owed a call back." if only_promises else "No calls yet.")
        return
    _print(stories[::-1], ZoneInfo(config.office.timezone), with_ids=with_ids)


async def _owed(store: Store, limit: int) -> list[CallStory]:
    """Return the calls out of which a promise came that is still open, newest first."""
    promises = await store.promises.open(limit)
    stories = [await store.journal.call(promise.call_id) for promise in promises[::-1]]
    return [each for each in stories if each is not None]


def _print(stories: list[CallStory], zone: tzinfo, *, with_ids: bool) -> None:
    console = Console()
    rows = [((each.call.call_id,) if with_ids else ()) + row_of(each, zone) for each in stories]
    if console.is_terminal:
        console.print(_table(rows, with_ids=with_ids))
        return
    for row in rows:
        typer.echo("  ".join(row))


def _table(rows: list[tuple[str, ...]], *, with_ids: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (*(("id",) if with_ids else ()), "when", "caller", "dialled", "outcome", "what happened"):
        table.add_column(heading, no_wrap=heading != "what happened")
    for row in rows:
        table.add_row(*row)
    return table


def row_of(call: CallStory, zone: tzinfo) -> tuple[str, ...]:
    """Return when, caller, dialled, outcome and what happened."""
    new = call.call
    caller = " ".join(part for part in (new.caller or "withheld", new.caller_name) if part)
    outcome = call.outcome.value if call.outcome is not None else "in progress"
    dialled = f"{new.dialled} ({new.source})" if new.source else new.dialled
    return f"{new.at.astimezone(zone):%Y-%m-%d %H:%M:%S}", caller, dialled, outcome, story(call)
