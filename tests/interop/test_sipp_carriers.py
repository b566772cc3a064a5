"""SIPp plays the carrier that the office registers with and sends its calls to, by UDP and by TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.harness.ports import HOST, free_port
from tests.harness.product import Product, until
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

FIRST_PAUSE_S = 5.0
NOT_REGISTERED, IS_REGISTERED = "trunk demo is not registered", "trunk demo is registered"
REGISTERS = "registers-401"
CARRIERS = (
    *("challenges-407-stale", "redirects-302", "sees-no-number", "takes-info-digits", REGISTERS),
    *("mailbox-greets", "presses-a-key", "challenges-401", "refuses-488", "refuses-the-number-403"),
)
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
ACCOUNT = 'username = "office"\npassword = "secret"\n'
SIPP_WAY = {"udp": "u1", "tcp": "t1"}
Late = tuple[Product, Cast, Sipp]
"""An office, and its registrar that has come up after it."""


def _with_account(office: str, *, transport: str) -> str:
    account = ACCOUNT + 'caller-id = "caller"\nfollow-redirects = true\n'
    head, trunk, rest = office.partition("[trunk.demo-out]\n")
    return head + trunk + account + rest.replace('transport = "udp"', f'transport = "{transport}"', 1)


@pytest.fixture(scope="module", params=SIPP_WAY)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def office(transport: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An office with an account at the carrier, which lets it show the caller's number."""
    change = partial(_with_account, transport=transport)
    with Product.running(tmp_path_factory.mktemp("office"), extra=FORWARDED, change=change) as product:
        yield product
        product.assert_log_is_clean()


@pytest.fixture(scope="module", autouse=True)
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Late]]:
    """Offices, by transport, that began without their registrars, which come up while the rest is played."""
    with ExitStack() as stack:
        offices = {way: _before_its_registrar(stack, tmp_path_factory.mktemp(way), way) for way in SIPP_WAY}
        yield {way: _with_its_registrar(stack, *waiting) for way, waiting in offices.items()}
        for office, *_ in offices.values():
            office.assert_log_is_clean()


def _before_its_registrar(stack: ExitStack, folder: Path, way: str) -> tuple[Product, Path, int, str]:
    registrar = free_port()
    account = f'registrar = "{HOST}:{registrar}"\ntransport = "{way}"\n{ACCOUNT}'
    by_account = ('accepts-from = ["127.0.0.0/8"]\n', account)
    running = Product.running(folder / "office", change=lambda text: text.replace(*by_account))
    return stack.enter_context(running), folder, registrar, SIPP_WAY[way]


def _with_its_registrar(stack: ExitStack, office: Product, folder: Path, registrar: int, over: str) -> Late:
    until(lambda: NOT_REGISTERED in office.log, within=5, what="the office tells that nobody is there")
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port))
    return office, cast, cast.carrier(f"carrier-{REGISTERS}.xml", registrar, over=over)


@pytest.mark.parametrize(
    ("carrier", "trunk"),
    [
        pytest.param(
            "challenges-407-stale", "calls-answered", id="rfc3261_22_3_rfc7616_3_3_challenged_thrice"
        ),
        pytest.param("refuses-the-number-403", "calls-answered", id="row_d4_the_number_is_refused"),
        pytest.param("redirects-302", "calls-answered", id="rfc3261_8_1_3_4_redirected"),
        pytest.param("sees-no-number", "withholds-number", id="rfc3323_4_withheld_caller_is_forwarded"),
    ],
)
def test_row_f9_a_number_outside_is_rung_through_a_carrier_that_is(
    office: Product, transport: str, tmp_path: Path, carrier: str, trunk: str
) -> None:
    way = SIPP_WAY[transport]
    with Cast.around(tmp_path, office.port) as cast:
        calls = "2" if carrier == "refuses-the-number-403" else "1"
        arguments = ("-d", "300", "-m", calls)
        behind = cast.carrier(f"carrier-{carrier}.xml", office.outside_port, *arguments, over=way)
        cast.trunk(f"trunk-{trunk}.xml", NUMBER, over=way).wait()
        behind.wait()
    call = office.finished_calls(of=NUMBER)[-1]
    assert (call.outcome, call.story.partition(" for ")[0]) == ("talked", "talked with +48600999888")


@pytest.mark.parametrize("way", SIPP_WAY)
def test_row_d11_o8_a_carrier_that_comes_up_after_the_office_is_registered_with_and_its_calls_are_taken(
    late: dict[str, Late], way: str
) -> None:
    office, cast, carrier = late[way]
    carrier.wait(within=FIRST_PAUSE_S + 2)
    until(lambda: IS_REGISTERED in office.log, within=2, what="the office tells that it is registered")
    cast.trunk("trunk-calls-answered.xml", "+48221230005", over=SIPP_WAY[way]).wait()
    (call,) = office.finished_calls(of="+48221230005")
    assert call.outcome == "promise"
