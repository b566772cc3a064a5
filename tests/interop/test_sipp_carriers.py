"""SIPp plays the carrier that the office registers with and sends its calls to, one call after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.product import HOST, Product, free_port, until
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

FIRST_PAUSE_S = 5.0
NOT_REGISTERED, IS_REGISTERED = "trunk demo is not registered", "trunk demo is registered"
REGISTERS = "registers-401"
CARRIERS = ("challenges-407-stale", "redirects-302", "sees-no-number", "takes-info-digits", REGISTERS)
"""Files of ``sipp-scenarios/`` without ``carrier-`` and ``.xml``."""
NUMBER = "+48221240500"
FORWARDED = f"""
[number."{NUMBER}"]
scheme = "forwarded"
[[scheme.forwarded.step]]
ring = ["+48600999888"]
for = "10s"
[[scheme.forwarded.step]]
voicemail = "sales"
"""
ACCOUNT = """[trunk.demo-out]
username = "office"
password = "secret"
"""


def _with_account(office: str) -> str:
    more = 'caller-id = "caller"\nfollow-redirects = true\n'
    return office.replace("[trunk.demo-out]\n", ACCOUNT + more)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An office with an account at the carrier, which lets it show the caller's number."""
    folder = tmp_path_factory.mktemp("office")
    with Product.running(folder, extra=FORWARDED, change=_with_account) as product:
        yield product
        product.assert_log_is_clean()


@pytest.fixture(scope="module", autouse=True)
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, Cast, Sipp]]:
    """An office that began without its registrar, which comes up while the other tests are played."""
    folder, registrar = tmp_path_factory.mktemp("late"), free_port()
    account = f'registrar = "{HOST}:{registrar}"\nusername = "office"\npassword = "secret"'
    by_account = ('accepts-from = ["127.0.0.0/8"]', account)
    with (
        Product.running(folder / "office", change=lambda text: text.replace(*by_account)) as office,
        Cast.around(folder / "sipp", office.port) as cast,
    ):
        until(lambda: NOT_REGISTERED in office.log, within=5, what="the office tells that nobody is there")
        yield office, cast, cast.carrier(f"carrier-{REGISTERS}.xml", registrar)
        office.assert_log_is_clean()


@pytest.mark.parametrize(
    ("carrier", "trunk"),
    [
        pytest.param(
            "challenges-407-stale", "calls-answered", id="rfc3261_22_3_rfc7616_3_3_challenged_thrice"
        ),
        pytest.param("redirects-302", "calls-answered", id="rfc3261_8_1_3_4_redirected"),
        pytest.param("sees-no-number", "withholds-number", id="rfc3323_4_withheld_caller_is_forwarded"),
    ],
)
def test_row_f9_a_number_outside_is_rung_through_a_carrier_that_is(
    office: Product, tmp_path: Path, carrier: str, trunk: str
) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        behind = cast.carrier(f"carrier-{carrier}.xml", office.outside_port, "-d", "300")
        cast.trunk(f"trunk-{trunk}.xml", NUMBER).wait()
        behind.wait()
    call = office.finished_calls(of=NUMBER)[-1]
    assert (call.outcome, call.story.partition(" for ")[0]) == ("talked", "talked with +48600999888")


def test_row_d11_o8_a_carrier_that_comes_up_after_the_office_is_registered_with_and_its_calls_are_taken(
    late: tuple[Product, Cast, Sipp],
) -> None:
    office, cast, carrier = late
    carrier.wait(within=FIRST_PAUSE_S + 2)
    until(lambda: IS_REGISTERED in office.log, within=2, what="the office tells that it is registered")
    cast.trunk("trunk-calls-answered.xml", "+48221230005").wait()
    (call,) = office.finished_calls(of="+48221230005")
    assert call.outcome == "promise"
