"""Row R1 in real time: whoever talked with the caller rings first, if they can; then the scheme begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.product import Product
from tests.harness.sipp import Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBER = "+48221240502"
STICKY = f"""
[number."{NUMBER}"]
scheme = "anna-first"
sticky = "today"
sticky-for = "3s"
[[scheme.anna-first.step]]
ring = ["101"]
for = "2s"
[[scheme.anna-first.step]]
ring = ["102"]
for = "2s"
[[scheme.anna-first.step]]
voicemail = "sales"
"""
EXACT_S = 0.5
BUSY_MACHINE_S = 0.5


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    def patient(text: str) -> str:
        return text.replace('max-unanswered = "5s"', 'max-unanswered = "60s"')

    with Product.running(tmp_path_factory.mktemp("office"), extra=STICKY, change=patient) as product:
        yield product
        product.assert_log_is_clean()


def test_row_r1_the_second_call_rings_piotr_for_3_s_and_then_anna_the_third_anna_at_once(
    office: Product, tmp_path: Path
) -> None:
    with Cast.around(tmp_path / "first", office.port) as cast:
        answers = cast.phone("phone-answers.xml", "102", "-d", "300")
        cast.trunk("trunk-calls-answered.xml", NUMBER).wait()  # Anna has no phone: it costs no time
        answers.wait()
    with Cast.around(tmp_path / "second", office.port) as cast:
        anna = cast.phone("phone-rings-cancelled.xml", "101")
        piotr = cast.phone("phone-rings-cancelled.xml", "102", calls=2)
        cast.trunk("trunk-leaves-voicemail.xml", NUMBER).wait()
        anna.wait()
        piotr.wait()
    began = piotr.times("INVITE")[0]
    at = [
        piotr.times("CANCEL")[0],
        anna.times("INVITE")[0],
        anna.times("CANCEL")[0],
        piotr.times("INVITE")[1],
    ]
    assert [each - began for each in at] == pytest.approx([3, 3, 5, 5], abs=EXACT_S)
    with Cast.around(tmp_path / "third", office.port) as cast:  # Piotr's phone is there no more
        anna = cast.phone("phone-answers.xml", "101", "-d", "300")
        caller = cast.trunk("trunk-calls-answered.xml", NUMBER)
        for each in (caller, anna):
            each.wait()
    assert anna.times("INVITE")[0] - caller.times("INVITE", kind="sent")[0] < EXACT_S + BUSY_MACHINE_S
    first, second, third = office.finished_calls(of=NUMBER, at_least=3)
    assert "talked with Piotr Zieliński" in first.story
    assert "talked with Anna Nowak" in third.story
    assert "Piotr Zieliński 3 s, no answer; rang Anna Nowak 2 s, no answer" in second.story
