"""Row F25 in real time: SIPp talks outside for money, until the daily cap sends callers to the voicemail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.harness.product import Product, until
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBER, TWICE = "+48221240601", "+48221240602"
TALK_S = 4
BY_THE_MINUTE = ("+48700100201", "+48700100202")
"""Mobiles whose calls cost a whole minute as soon as somebody answers."""
CAP = Decimal("1.22")
"""Two of these leave something of it, and a call of some seconds more does not."""
PRICED = f"""
[number."{NUMBER}"]
scheme = "paid"
[[scheme.paid.step]]
ring = ["+48600999888"]
for = "10s"
[[scheme.paid.step]]
voicemail = "sales"
[number."{TWICE}"]
scheme = "twice"
[[scheme.twice.step]]
ring = ["{BY_THE_MINUTE[0]}", "{BY_THE_MINUTE[1]}"]
for = "10s"
[[scheme.twice.step]]
voicemail = "sales"
[rates.list]
currency = "UAH"
[rates.list.prefixes]
"+48" = "0.60"
"+48700" = {{ minute = "0.60", increment = "60s" }}
"""


def _capped(office: str) -> str:
    return office.replace("[trunk.demo-out]\n", f'[trunk.demo-out]\nrates = "list"\ndaily-cap = "{CAP}"\n')


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product.running(tmp_path_factory.mktemp("office"), extra=PRICED, change=_capped) as product:
        yield product
        product.assert_log_is_clean()


@pytest.fixture(scope="module")
def raced(office: Product, tmp_path_factory: pytest.TempPathFactory) -> Sipp:
    """Two mobiles that answered in the same instant: the first call of the day."""
    with Cast.around(tmp_path_factory.mktemp("race"), office.port) as cast:
        mobiles = cast.carrier("phone-answers-at-once.xml", office.outside_port, "-m", "2")
        cast.trunk("trunk-calls-answered.xml", TWICE).wait()
        mobiles.wait()
    until(lambda: office.outcomes(TWICE) == ["talked"], within=10, what="the call is over")
    return mobiles


def test_row_f25_a_200_that_loses_the_race_is_paid_for(office: Product, raced: Sipp) -> None:
    assert [len(raced.times(f"INVITE sip:{number}")) for number in BY_THE_MINUTE] == [1, 1]
    assert len(raced.times("BYE")) == 2, "one by the caller, one for whom nobody needed any more"
    paid = office.rows("select number, amount from call_costs order by number")
    assert paid == [(number, 600_000) for number in BY_THE_MINUTE], "in millionths"


@pytest.mark.usefixtures("raced")
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
        f"+48600999888 was not rung: the {CAP} UAH a day of trunk demo-out are spent; left a" in message.story
    )
    together = Decimal("1.20") + Decimal(cost[1])
    assert f"demo-out  3 calls, 2 min {seconds} s, {together} UAH" in office.command(
        "costs", str(office.config)
    )
