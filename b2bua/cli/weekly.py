"""``b2bua weekly``: how the last seven days went, as the mail of ``[weekly-report]`` tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import journal_folder
from b2bua.config.models import Config
from b2bua.inbound.weekly import look_back
from b2bua.notify.mail import Readers
from b2bua.notify.weekly import weekly_lines
from b2bua.store.store import Store


async def show_weekly(config: Config) -> None:
    """Print it, in the language of the office."""
    folder = await journal_folder(config)
    if folder is None:
        return
    names = {key: person.title for key, person in config.people.items()}
    readers = Readers((), config.office.language, ZoneInfo(config.office.timezone))
    async with await Store.open(folder) as store:
        found = await look_back(config, store, datetime.now(UTC))
    for line in weekly_lines(found, readers, names=names):
        typer.echo(line)
