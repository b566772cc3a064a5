"""Row F29 in real time: SIPp calls the first and the last of thirty numbers, and one that nobody listed."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("number", "extension", "name", "source"),
    [
        (NUMBERS[0], "101", "Anna Nowak", " (north)"),
        (NUMBERS[29], "102", "Piotr Zieliński", " (south)"),
        (UNLISTED, "104", "Ivan Petrov", ""),
    ],
)
def test_row_f29_r5_each_number_reaches_its_own_and_the_31st_the_default(
    office: Product, tmp_path: Path, number: str, extension: str, name: str, source: str
) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        phone = cast.phone("phone-answers.xml", extension, "-d", "300")
        cast.trunk("trunk-calls-answered.xml", number).wait()
        phone.wait()
    [call] = office.finished_calls(of=f"{number}{source}")
    assert call.story.startswith(f"talked with {name}")
    assert ("not configured" in office.log) == (number == UNLISTED)
    mails = [path.read_text() for path in (office.folder / "data" / "outbox").glob("*.eml")]
    assert len([mail for mail in mails if f"not configured: {UNLISTED}" in mail]) == (number == UNLISTED)
