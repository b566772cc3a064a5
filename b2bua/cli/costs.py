"""``b2bua costs``: what the calls to the outside cost, day by day."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import begin_of, journal_folder
from b2bua.config.models import Config
from b2bua.money import money
from b2bua.store.costs import DaySum
from b2bua.store.store import Store
from b2bua.store.story import duration


async def list_costs(config: Config, *, days: int) -> None:
    """Print the sums of the latest days by trunk, the latest last, and what they come to together."""
    folder = await journal_folder(config)
    if folder is None:
        return
    zone = ZoneInfo(config.office.timezone)
    first = begin_of(days, zone)
    async with await Store.open(folder) as store:
        sums = await store.costs.by_day(first, zone)
    if not sums:
        typer.echo(
            f"Nothing was paid since {first.date()}."
            if config.rates
            else "No rates are configured: [rates.x]"
        )
        return
    width = max(len(each.trunk) for each in sums)
    for each in sums:
        typer.echo(f"{each.day}  {each.trunk:{width}}  {_in_words(each)}")
    typer.echo(f"{'together':{12 + width}}  {' and '.join(_totals(sums))}")


def _in_words(each: DaySum) -> str:
    calls = f"{each.calls} call{'' if each.calls == 1 else 's'}"
    return f"{calls}, {duration(each.billed_seconds)}, {money(each.amount, each.currency)}"


def _totals(sums: list[DaySum]) -> list[str]:
    currencies = dict.fromkeys(each.currency for each in sums)
    return [
        money(sum((each.amount for each in sums if each.currency == currency), Decimal(0)), currency)
        for currency in currencies
    ]
