"""Row F25: what a call costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from b2bua.money import money
from b2bua.routing.rates import Rate, RateTable

CHEAP, CITY, ABROAD = Rate(Decimal("0.60")), Rate(Decimal("0.30")), Rate(Decimal("9.00"))
UAH = RateTable("provider", "UAH", {"+": ABROAD, "+380": CHEAP, "+38044": CITY, "112": Rate(Decimal(0))})


@pytest.mark.parametrize(
    ("number", "rate"),
    [("+380671234567", CHEAP), ("+380442345678", CITY), ("+48600100200", ABROAD), ("101", None)],
)
def test_f25_the_longest_prefix_is_the_price(number: str, rate: Rate | None) -> None:
    assert UAH.rate_of(number) is rate


@pytest.mark.parametrize(
    ("seconds", "cost"),
    [(60, "0.60"), (600, "6.00"), (61, "0.61"), (1, "0.01"), (0.2, "0.01"), (3600, "36.00"), (7, "0.07")],
)
def test_f25_a_call_costs_its_minutes_times_the_rate_exactly(seconds: float, cost: str) -> None:
    assert CHEAP.cost(seconds) == Decimal(cost)


@pytest.mark.parametrize(
    ("increment_s", "seconds", "billed", "cost"),
    [(60, 61, 120, "1.30"), (60, 60, 60, "0.70"), (6, 61, 66, "0.76"), (60, 60.0004, 60, "0.70")],
)
def test_f25_a_begun_increment_is_paid_whole_and_the_call_besides(
    increment_s: int, seconds: float, billed: int, cost: str
) -> None:
    rate = Rate(Decimal("0.60"), setup=Decimal("0.10"), increment_s=increment_s)
    assert rate.billed_seconds(seconds) == billed
    assert rate.cost(seconds) == Decimal(cost)


def test_f25_a_third_of_a_cent_is_kept_to_the_millionth() -> None:
    assert Rate(Decimal("0.02")).cost(1) == Decimal("0.000333")


def test_money_has_two_decimals_or_as_many_as_it_needs() -> None:
    assert [money(Decimal(each), "UAH") for each in ("0.6", "7", "0.000333", "100")] == [
        *("0.60 UAH", "7.00 UAH", "0.000333 UAH", "100.00 UAH")
    ]


def test_a_price_is_told_with_what_belongs_to_it() -> None:
    rate = Rate(Decimal("0.6"), setup=Decimal("0.1"), increment_s=60)
    assert UAH.in_words(rate) == "0.60 UAH a minute, 0.10 UAH a call, counted by 60 s"
