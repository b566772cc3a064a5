"""From price lists and caps as they are written to a ``Budget``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from b2bua.config import tables
from b2bua.config.origin import Fault
from b2bua.routing.rates import Budget, Rate, RateTable, WayOut

if TYPE_CHECKING:
    from b2bua.config.models import Config


def compile_budget(config: Config) -> Budget:
    """Return how calls go to the outside and what they cost; names that refer to nothing count as none."""
    lists = {name: _rate_table(table) for name, table in config.rates.items()}
    able = [trunk for trunk in config.trunks.values() if trunk.places_calls]
    in_order = sorted(able, key=lambda trunk: trunk.name != config.office.default_trunk)
    ways = tuple(WayOut(trunk.name, lists.get(trunk.rates or ""), trunk.daily_cap) for trunk in in_order)
    currency = next((way.rates.currency for way in ways if way.rates is not None), "")
    return Budget(ways, config.office.daily_cap, currency=currency)


def budget_faults(config: Config, budget: Budget) -> Iterator[Fault]:
    """Yield what is wrong with caps: they need prices, and one currency."""
    for name, trunk in config.trunks.items():
        if trunk.daily_cap is not None and not trunk.rates:
            yield Fault(("trunk", name, "daily-cap"), "needs rates: nobody knows what its calls cost")
    if budget.daily_cap is None:
        return
    path, currencies = ("office", "daily-cap"), sorted({w.rates.currency for w in budget.ways_out if w.rates})
    if not currencies:
        yield Fault(path, "needs a trunk with rates: nobody knows what calls cost")
    elif len(currencies) > 1:
        why = f"the trunks are paid in {' and '.join(currencies)}; give each of them a daily-cap of its own"
        yield Fault(path, why)


def _rate_table(table: tables.Rates) -> RateTable:
    return RateTable(
        table.name, table.currency, {prefix: _rate(rate, table) for prefix, rate in table.prefixes.items()}
    )


def _rate(rate: tables.Rate, table: tables.Rates) -> Rate:
    return Rate(
        minute=rate.minute,
        setup=table.setup if rate.setup is None else rate.setup,
        increment_s=int(rate.increment_s or table.increment_s),
    )
