"""``b2bua calls``: the journal in plain words."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from b2bua.config.models import Config
from b2bua.store.calls import CallOutcome, CallStory
from b2bua.store.store import Store
from b2bua.store.story import story


async def list_calls(config: Config, *, limit: int, only_promises: bool) -> None:
    """Print the latest calls, the newest last, so that it stands where the eye is."""
    async with await Store.open(config.office.data) as store:
        stories = await store.journal.calls(limit=limit)
    if only_promises:
        stories = [each for each in stories if each.outcome is CallOutcome.PROMISE]
    console = Console()
    if not stories:
        console.print("No calls yet.")
        return
    zone = ZoneInfo(config.office.timezone)
    if console.is_terminal:
        console.print(_table(stories, zone))
        return
    for each in reversed(stories):
        typer.echo("  ".join(_row(each, zone)))


def _table(stories: list[CallStory], zone: tzinfo) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("when", "caller", "dialled", "outcome", "what happened"):
        table.add_column(heading, no_wrap=heading != "what happened")
    for each in reversed(stories):
        table.add_row(*_row(each, zone))
    return table


def _row(call: CallStory, zone: tzinfo) -> tuple[str, ...]:
    new = call.call
    caller = " ".join(part for part in (new.caller or "withheld", new.caller_name) if part)
    outcome = call.outcome.value if call.outcome is not None else "in progress"
    return f"{new.at.astimezone(zone):%Y-%m-%d %H:%M:%S}", caller, new.dialled, outcome, story(call)
