"""Row F25 in real time: SIPp talks outside for money, until the daily cap sends callers to the voicemail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.harness.product import Product
from tests.harness.sipp import Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBER = "+48221240601"
TALK_S = 4
PRICED = f"""
[number."{NUMBER}"]
scheme = "paid"
[[scheme.paid.step]]
ring = ["+48600999888"]
for = "10s"
[[scheme.paid.step]]
voicemail = "sales"
[rates.list]
currency = "UAH"
prefixes = {{ "+48" = "0.60" }}
"""


def _capped(office: str) -> str:
    return office.replace("[trunk.demo-out]\n", '[trunk.demo-out]\nrates = "list"\ndaily-cap = "0.03"\n')


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product.running(tmp_path_factory.mktemp("office"), extra=PRICED, change=_capped) as product:
        yield product
        product.assert_log_is_clean()


def test_row_f25_a_call_costs_its_seconds_and_the_next_one_gets_the_voicemail(
    office: Product, tmp_path: Path
) -> None:
    with Cast.around(tmp_path / "talk", office.port) as cast:
        mobile = cast.carrier("phone-answers.xml", office.outside_port, "-d", "500")
        caller = cast.trunk("trunk-calls-answered.xml", NUMBER, "-d", str(1000 * TALK_S))
        mobile.wait()
        caller.wait()
    [talk] = office.finished_calls(of=NUMBER)
    assert talk.outcome == "talked"
    cost = re.search(r"cost ([\d.]+) UAH$", talk.story)
    assert cost, talk.story
    [line] = [
        each
        for each in office.command("calls", str(office.config), "--show", "last").splitlines()
        if "UAH" in each and "trunk demo-out" in each
    ]
    billed = re.search(r"(\d+) s by trunk demo-out(?:, counts as (\d+) s)?", line)
    assert billed, line
    seconds = int(billed[2] or billed[1])
    assert abs(seconds - TALK_S) <= 1  # whole seconds, the last one begun
    assert Decimal(cost[1]) == Decimal("0.60") * seconds / 60
    with Cast.around(tmp_path / "message", office.port) as cast:
        cast.trunk("trunk-leaves-voicemail.xml", NUMBER).wait()
    message = office.finished_calls(of=NUMBER, at_least=2)[-1]
    assert message.outcome == "message"
    assert (
        "+48600999888 was not rung: the 0.03 UAH a day of trunk demo-out are spent; left a" in message.story
    )
    assert f"demo-out  1 call, {seconds} s, {cost[1]} UAH" in office.command("costs", str(office.config))
