"""Row F13: phones that registered and then died cost the caller no ringing time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.product import HOST, Product
from tests.harness.sipp import Cast
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

NOISE_S = 0.7
"""What a busy machine may add to the limits of the row: two more processes start and answer."""
EXTRA = """
[number."+48221240{dead}"]
scheme = "dead-{dead}"
[[scheme.dead-{dead}.step]]
ring = ["{dead}"]
for = "15s"
[[scheme.dead-{dead}.step]]
ring = ["{alive}"]
for = "15s"
[[scheme.dead-{dead}.step]]
voicemail = "sales"
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An office that rings 101, who dies, then 102, who answers; on another number 103, then 104."""
    extra = EXTRA.format(dead=101, alive=102) + EXTRA.format(dead=103, alive=104)
    with Product.running(tmp_path_factory.mktemp("office"), extra=extra) as product:
        yield product
        product.assert_log_is_clean()


async def _seconds_to_the_next_phone(office: Product, number: str) -> float:
    began = time.monotonic()
    async with carrier_call(office, number):
        return time.monotonic() - began


def _assert_next_phone_was_reached(office: Product, number: str, dead: str) -> None:
    (call,) = office.finished_calls(of=number)
    assert call.outcome == "talked"
    assert call.story.startswith(f"rang {dead}")


async def test_row_f13_phone_whose_process_is_gone_is_skipped_at_once(
    office: Product, tmp_path: Path
) -> None:
    with Cast.around(tmp_path / "sipp", office.port) as cast:
        cast.register("101")  # SIPp ends after that: its port answers with ICMP
        alive = cast.phone("phone-answers-at-once.xml", "102")
        assert await _seconds_to_the_next_phone(office, "+48221240101") < 1.0 + NOISE_S
        alive.wait()
    _assert_next_phone_was_reached(office, "+48221240101", "Anna Nowak")


async def test_row_f13_phone_that_never_answers_is_skipped_in_5_s(office: Product, tmp_path: Path) -> None:
    with (
        Cast.around(tmp_path / "sipp", office.port) as cast,
        socket.socket(type=socket.SOCK_DGRAM) as blackhole,
    ):
        blackhole.bind((HOST, cast.register("103")))
        alive = cast.phone("phone-answers-at-once.xml", "104")
        assert 3.5 < await _seconds_to_the_next_phone(office, "+48221240103") < 5.0 + NOISE_S
        alive.wait()
    _assert_next_phone_was_reached(office, "+48221240103", "Olena Kovalenko")
