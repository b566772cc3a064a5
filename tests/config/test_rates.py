"""Row F25: price lists and caps as they are written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from b2bua.routing.rates import Rate
from tests.config.offices import PEOPLE, Reads, Says

RATES = '[rates.cheap]\ncurrency = "UAH"\nprefixes = { "+380" = "0.60", "+48" = 0.15 }\n'
SCHEME = """
[number."+48221230001"]
scheme = "main"
[[scheme.main.step]]
ring = ["101"]
[[scheme.main.step]]
ring = ["mobile of anna", "+380671234567"]
[[scheme.main.step]]
voicemail = "sales"
"""
TRUNK = PEOPLE.replace('host = "192.0.2.1"', 'host = "192.0.2.1"\nrates = "cheap"')


def test_f25_money_is_read_exactly_whether_text_or_number(read: Reads) -> None:
    text = TRUNK + SCHEME + RATES + '[rates.cheap.prefixes."+1"]\nminute = 1\nsetup = 0.1\nincrement = "1m"\n'
    text = text.replace("prefixes = {", '[rates.cheap.prefixes]\n"+49" = 0.07 #')
    [way] = read(text).plan().budget.ways_out
    assert way.rates is not None
    assert way.rates.rates == {
        "+49": Rate(Decimal("0.07")),
        "+1": Rate(Decimal(1), setup=Decimal("0.1"), increment_s=60),
    }


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ('"+380" = "much"', "'much' is no amount of money, expected for example \"0.60\""),
        ('"+380" = -1', '-1 is no amount of money, expected for example "0.60"'),
        ('"+380" = { setup = 1 }', "is missing: what a minute costs"),
        (
            '"+380 67" = 1',
            "expected the beginning of a number such as \"+380\", or a short number, found '+380 67'",
        ),
    ],
)
def test_f25_what_is_no_price_is_an_error_at_its_key(errors: Says, written: str, error: str) -> None:
    [found] = errors(TRUNK + SCHEME + f'[rates.cheap]\ncurrency = "UAH"\nprefixes = {{ {written} }}\n')
    assert "rates.cheap.prefixes" in found
    assert error in found


def test_f25_caps_need_prices_and_one_currency(errors: Says) -> None:
    capped = PEOPLE.replace("[office]", '[office]\ndaily-cap = "5"') + SCHEME
    assert errors(capped) == ["2 office.daily-cap: needs a trunk with rates: nobody knows what calls cost"]
    [found] = errors(PEOPLE + "daily-cap = 5\n" + SCHEME)
    assert "trunk.out.daily-cap: needs rates" in found
    two = capped.replace('host = "192.0.2.1"', 'host = "192.0.2.1"\nrates = "cheap"') + RATES
    two += '[trunk.other]\nhost = "192.0.2.2"\nrates = "dear"\n'
    two += '[rates.dear]\ncurrency = "EUR"\nprefixes = { "+" = 1 }\n'
    [found] = errors(two)
    assert "the trunks are paid in EUR and UAH" in found
    [found] = errors(TRUNK.replace('"cheap"', '"chaep"') + SCHEME + RATES)
    assert "trunk.out.rates: there is no price list 'chaep'; did you mean 'cheap'?" in found


def test_f25_check_names_lists_without_use_and_numbers_without_price(warnings: Says) -> None:
    without = RATES.replace('"+380" = "0.60", ', "")
    assert [line for line in warnings(TRUNK + SCHEME + without) if "price" in line] == [
        "scheme.main.step.2.ring: price list cheap has no price for +380671234567: its calls are not counted"
    ]
    [found] = [line for line in warnings(PEOPLE + SCHEME + RATES) if "rates" in line]
    assert found == 'rates.cheap: is used by no trunk; add rates = "cheap" to one'


def test_f25_explain_estimates_what_a_scheme_may_cost(read: Reads) -> None:
    noon = Facts(datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("UTC")))
    told = explain(read(TRUNK + SCHEME + RATES).plan(), noon, "+48221230001", "")
    assert [line.strip() for line in told if "UAH" in line] == [
        "the mobile of Anna: 0.15 UAH a minute; a talk of 3 min costs 0.45 UAH",
        "+380671234567: 0.60 UAH a minute; a talk of 3 min costs 1.80 UAH",
    ]
