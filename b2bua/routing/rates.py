"""What calls to the outside cost: exact decimals, by the longest prefix of the number. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from b2bua.money import money

SECONDS_A_MINUTE = 60
MILLIONTH = Decimal("0.000001")
"""Amounts are exact to it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a talk costs."""

    minute: Decimal
    """For each minute."""
    setup: Decimal = Decimal(0)
    """For each call that is answered."""
    increment_s: int = 1
    """A talk is counted in full ones of these; one that was begun counts whole."""

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever paid."""
        return not self.minute and not self.setup

    def billed_seconds(self, seconds: float) -> int:
        """Return how many seconds of an answered call are paid for."""
        begun = math.ceil(round(seconds, 3) / self.increment_s)
        return max(1, begun) * self.increment_s

    def cost(self, seconds: float) -> Decimal:
        """Return what an answered call of so many seconds costs."""
        talk = self.minute * self.billed_seconds(seconds) / SECONDS_A_MINUTE
        return (self.setup + talk).quantize(MILLIONTH)


@dataclass(frozen=True, slots=True)
class RateTable:
    """The price list of a provider."""

    name: str
    """Key of the table."""
    currency: str
    """ISO 4217 code."""
    rates: Mapping[str, Rate]
    """By prefix of E.164, e.g. ``+380``; ``+`` is whatever has no longer one."""

    def rate_of(self, number: str) -> Rate | None:
        """Return what calls to a normalised number cost, by its longest prefix; None: the list has none."""
        for length in range(len(number), 0, -1):
            if rate := self.rates.get(number[:length]):
                return rate
        return None

    def in_words(self, rate: Rate) -> str:
        """Return ``0.60 UAH a minute, 0.10 UAH a call, counted by 60 s``."""
        parts = [f"{money(rate.minute, self.currency)} a minute"]
        if rate.setup:
            parts.append(f"{money(rate.setup, self.currency)} a call")
        if rate.increment_s != 1:
            parts.append(f"counted by {rate.increment_s} s")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class WayOut:
    """A trunk that places calls, and what they cost."""

    trunk: str
    """Name of the trunk."""
    rates: RateTable | None = None
    """None: nobody counts."""
    daily_cap: Decimal | None = None
    """From which on a day's calls by it that cost something are left out; None: no limit."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How calls go to the outside, and what may be spent on them."""

    ways_out: tuple[WayOut, ...] = ()
    """The trunks that place calls, in the order in which they are tried."""
    daily_cap: Decimal | None = None
    """Of all trunks together; None: no limit."""
    currency: str = field(default="", kw_only=True)
    """Of that limit."""

    @property
    def counts(self) -> bool:
        """Whether anything costs anything."""
        return any(way.rates for way in self.ways_out)

    def way(self, trunk: str) -> WayOut | None:
        """Return how the trunk of that name is paid, None for one that places no calls."""
        return next((way for way in self.ways_out if way.trunk == trunk), None)
