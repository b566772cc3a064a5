"""What calls to the outside cost: counted while they last, booked at their ends, held to the daily caps."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from b2bua.errors import WrongState
from b2bua.money import money
from b2bua.routing.numbers import is_emergency
from b2bua.routing.plan import Plan
from b2bua.routing.rates import Budget, Rate, RateTable, WayOut
from b2bua.store.calls import Cost
from b2bua.store.costs import DaySum

log = structlog.get_logger("trunk")

StartMeter = Callable[[], Callable[[], None]]
"""Called at the answer; returns what is called at the end."""


class Ledger(Protocol):
    """Where costs are kept."""

    def book(self, call_id: str, cost: Cost) -> None:
        """Keep the cost of a part of the call."""

    async def by_day(self, since: datetime, zone: tzinfo) -> list[DaySum]:
        """Return the sums of the days from ``since`` on."""


@dataclass(frozen=True, slots=True, eq=False)
class _Talk:
    """A party outside that has answered."""

    call_id: str
    who: str
    number: str
    trunk: str
    currency: str
    rate: Rate
    answered_at: datetime
    began: float
    """As the loop counts."""

    def cost(self, now: float) -> Decimal:
        return self.rate.cost(now - self.began)


class Spending:
    """What is spent today, on every trunk."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        """``clock`` tells wall-clock time."""
        self._ledger = ledger
        self._clock = clock
        self._budget = Budget()
        self._country = ""
        self._zone: tzinfo = UTC
        self._spent: defaultdict[tuple[date, str, str], Decimal] = defaultdict(Decimal)
        self._talks: set[_Talk] = set()

    def adopt(self, plan: Plan) -> None:
        """Count by the prices and caps of ``plan`` from now on; who talks goes on as they began."""
        self._budget, self._country, self._zone = plan.budget, plan.country, ZoneInfo(plan.timezone)

    async def load(self) -> None:
        """Take what was spent today before the office was started."""
        midnight = datetime.combine(self._today(), time.min, tzinfo=self._zone)
        for each in await self._ledger.by_day(midnight, self._zone):
            self._spent[each.day, each.trunk, each.currency] += each.amount

    def obstacle(self, trunk: str, number: str) -> str | None:
        """Return why a call to ``number`` is not to be paid any more today, in words; None: it may be.

        Calls that are free, and those to emergency numbers, always may.
        """
        way = self._budget.way(trunk)
        if way is None or way.rates is None:
            return None
        rate = way.rates.rate_of(number)
        if (rate is not None and rate.is_free) or is_emergency(number, country=self._country):
            return None
        return self._trunk_obstacle(way, way.rates) or self._office_obstacle(way.rates)

    def _trunk_obstacle(self, way: WayOut, rates: RateTable) -> str | None:
        if way.daily_cap is None or self.today(rates.currency, way.trunk) < way.daily_cap:
            return None
        return f"the {money(way.daily_cap, rates.currency)} a day of trunk {way.trunk} are spent"

    def _office_obstacle(self, rates: RateTable) -> str | None:
        cap = self._budget.daily_cap
        if cap is None or self.today(rates.currency) < cap:
            return None
        return f"the {money(cap, rates.currency)} a day of the office are spent"

    def today(self, currency: str, trunk: str | None = None) -> Decimal:
        """Return what today's calls cost so far, those that are up included, on one trunk or on all."""
        today, now = self._today(), asyncio.get_running_loop().time()
        booked = (
            amount
            for (day, name, paid_in), amount in self._spent.items()
            if day == today and paid_in == currency and trunk in (None, name)
        )
        running = (
            talk.cost(now)
            for talk in self._talks
            if talk.currency == currency and trunk in (None, talk.trunk) and self._day(talk) == today
        )
        return sum(booked, Decimal(0)) + sum(running, Decimal(0))

    def meter(self, trunk: str, number: str, *, call_id: str, who: str) -> StartMeter | None:
        """Return what counts a call to ``number``; None: nobody knows what it costs."""
        way = self._budget.way(trunk)
        rates = way.rates if way is not None else None
        rate = rates.rate_of(number) if rates is not None else None
        if rates is None or rate is None:
            return None

        def start() -> Callable[[], None]:
            now = asyncio.get_running_loop().time()
            talk = _Talk(call_id, who, number, trunk, rates.currency, rate, self._clock(), now)
            self._talks.add(talk)
            return lambda: self._over(talk)

        return start

    def _over(self, talk: _Talk) -> None:
        self._talks.discard(talk)
        seconds = asyncio.get_running_loop().time() - talk.began
        amount = talk.rate.cost(seconds)
        self._forget_other_days()
        self._spent[self._day(talk), talk.trunk, talk.currency] += amount
        cost = Cost(
            who=talk.who,
            number=talk.number,
            trunk=talk.trunk,
            answered_at=talk.answered_at,
            seconds=round(seconds, 3),
            billed_seconds=talk.rate.billed_seconds(seconds),
            amount=amount,
            currency=talk.currency,
        )
        try:
            self._ledger.book(talk.call_id, cost)
        except WrongState:
            log.error(
                "the cost of a call that ended long ago is lost", call_id=talk.call_id, cost=str(amount)
            )

    def _forget_other_days(self) -> None:
        today = self._today()
        for key in [key for key in self._spent if key[0] < today]:
            del self._spent[key]

    def _day(self, talk: _Talk) -> date:
        return talk.answered_at.astimezone(self._zone).date()

    def _today(self) -> date:
        return self._clock().astimezone(self._zone).date()
