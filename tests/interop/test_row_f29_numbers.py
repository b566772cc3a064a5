"""Row F29 in real time: SIPp calls each of thirty numbers, and one that nobody listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.product import Product
from tests.harness.sipp import Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBERS = [f"+482212402{index:02d}" for index in range(30)]
UNLISTED = "+48221240230"


def _group(name: str, numbers: list[str], extension: str) -> str:
    listed = ", ".join(f'"{number}"' for number in numbers)
    return f"""
[number-group.{name}]
numbers = [{listed}]
scheme = "{name}"
source = "{name}"
[[scheme.{name}.step]]
ring = ["{extension}"]
for = "2s"
[[scheme.{name}.step]]
voicemail = "sales"
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    extra = _group("north", NUMBERS[:15], "101") + _group("south", NUMBERS[15:], "102")
    with Product.running(tmp_path_factory.mktemp("office"), extra=extra) as product:
        yield product
        product.assert_log_is_clean()


def test_row_f29_r5_each_of_30_numbers_reaches_its_own_and_the_31st_the_default(
    office: Product, tmp_path: Path
) -> None:
    dialled = (*NUMBERS, UNLISTED)
    with Cast.around(tmp_path, office.port) as cast:
        phone = cast.phone("phone-answers.xml", "101", "-d", "10", calls=len(dialled), also=("102", "104"))
        caller = {number: f"+485006007{index:02d}" for index, number in enumerate(dialled)}
        cast.many_callers([(caller[number], number) for number in dialled]).wait()
        phone.wait()
    rung = {
        re.findall(r"^From: .*?(\+\d+)@", invite, re.MULTILINE)[0]: re.findall(r"^INVITE sip:(\d+)@", invite)
        for _, invite in phone.traced("INVITE")
    }
    assert rung == {
        caller[number]: [extension]
        for numbers, extension in ((NUMBERS[:15], "101"), (NUMBERS[15:], "102"), ([UNLISTED], "104"))
        for number in numbers
    }
    calls = office.finished_calls(at_least=len(dialled))
    assert {call.outcome for call in calls} == {"talked"}
    assert sorted(call.dialled for call in calls) == [
        *(f"{number} (north)" for number in NUMBERS[:15]),
        *(f"{number} (south)" for number in NUMBERS[15:]),
        UNLISTED,
    ]
    mails = [path.read_text() for path in (office.folder / "data" / "outbox").glob("*.eml")]
    assert [UNLISTED in mail for mail in mails if "not configured: " in mail] == [True]
