"""``b2bua crm``: which calls the CRM does not have, and why."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.calls import row_of
from b2bua.cli.telling import folder_of, journal_folder, tell_office
from b2bua.config.models import Config
from b2bua.errors import Unavailable
from b2bua.store.crm_records import DueRecord
from b2bua.store.store import Store


async def list_untold(config: Config, *, limit: int) -> None:
    """Print the latest calls that the CRM does not have; the newest last, where the eye is."""
    folder = await journal_folder(config)
    if folder is None:
        return
    zone = ZoneInfo(config.office.timezone)
    async with await Store.open(folder) as store:
        found = await store.crm_records.untold(limit)
        calls = [await store.journal.call(each.call_id) for each in found]
    if not found:
        typer.echo("The CRM has all calls that it is told of.")
    for record, call in list(zip(found, calls, strict=True))[::-1]:
        if call is not None:
            typer.echo("  ".join((*row_of(call, zone)[:4], how_it_stands(record, zone))))
    if any(record.next_try_at is None for record in found):
        typer.echo("What was refused is sent again by: b2bua crm CONFIG --again")


async def tell_again(config: Config) -> None:
    """Have the CRM told at once of all that it does not have.

    Raises:
        Unavailable: it cannot be kept, or the office that runs here cannot be told.
    """
    folder = await folder_of(config)
    if folder is None:
        raise Unavailable(f"no office has ever run on the folder {config.office.data}")
    async with await Store.open(folder) as store:
        count = len(await store.crm_records.untold(limit=10_000))
        is_kept = await store.crm_records.try_again(at=datetime.now(UTC))
    await tell_office(folder, is_kept=is_kept)
    typer.echo(f"{count} call{'' if count == 1 else 's'} to be sent again")


def how_it_stands(record: DueRecord, zone: tzinfo) -> str:
    """Return why the CRM does not have it, and when it is told next."""
    if record.next_try_at is None:
        return f"refused: {record.last_error}"
    if not record.attempts and not record.last_error:
        return "is being sent"
    times = "once" if record.attempts == 1 else f"{record.attempts} times"
    at = f"{record.next_try_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return f"tried {times}, next at {at}: {record.last_error}"
