"""What calls to the outside cost, one row for each party that was called there and answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.store import statements
from b2bua.store.calls import Cost
from b2bua.store.journal import Journal
from b2bua.store.keys import Keys
from b2bua.store.statements import Change
from b2bua.store.tables import call_costs
from b2bua.store.writer import Writer


@dataclass(frozen=True, slots=True)
class DaySum:
    """What the calls of one day by one trunk cost together."""

    day: date
    """In the zone that was asked for; calls count for the day on which they were answered."""
    trunk: str
    """Name of the trunk."""
    currency: str
    """ISO 4217 code."""
    calls: int
    """How many were answered."""
    billed_seconds: int
    """How long, as it is paid for."""
    amount: Decimal
    """Sum of what each of them cost, exactly."""


class Costs:
    """The costs of all calls."""

    def __init__(self, writer: Writer, engine: AsyncEngine, *, journal: Journal, keys: Keys) -> None:
        self._writer = writer
        self._engine = engine
        self._journal = journal
        self._keys = keys

    def book(self, call_id: str, cost: Cost) -> None:
        """Keep what a part of the call cost, which is over; it is on disk a fraction of a second later.

        Raises:
            WrongState: the call was never begun, or has long ended.
        """
        row = {"id": self._keys.next(), "call": self._journal.known(call_id).key, **asdict(cost)}
        self._writer.put([Change(statements.CHARGE_LEG, row)])

    async def by_day(self, since: datetime, zone: tzinfo) -> list[DaySum]:
        """Return the sums of the days in ``zone`` from ``since`` on, the first day first."""
        query = select(
            call_costs.c.answered_at,
            call_costs.c.trunk,
            call_costs.c.currency,
            call_costs.c.billed_seconds,
            call_costs.c.amount,
        ).where(call_costs.c.answered_at >= since)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        groups: defaultdict[tuple[date, str, str], list[tuple[int, Decimal]]] = defaultdict(list)
        for row in rows:
            key = row.answered_at.astimezone(zone).date(), row.trunk, row.currency
            groups[key].append((row.billed_seconds, row.amount))
        return [_sum(*key, groups[key]) for key in sorted(groups)]


def _sum(day: date, trunk: str, currency: str, parts: Iterable[tuple[int, Decimal]]) -> DaySum:
    seconds, amounts = zip(*parts, strict=True)
    return DaySum(day, trunk, currency, len(amounts), sum(seconds), sum(amounts, Decimal(0)))
