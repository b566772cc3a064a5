"""SIPp plays phones that pick up, take over and transfer calls, by UDP and by TCP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.product import Product, until
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

CALLS, PICKS_UP, BY_CODE = "calls", "picks-up-replaces", "picks-up-by-code"
TRANSFERS, CALLS_AND_TRANSFERS = "transfers-blind", "calls-and-transfers-blind"
IS_TRANSFERRED_TO = "is-transferred-to"
MOVERS = (CALLS, PICKS_UP, BY_CODE, TRANSFERS, CALLS_AND_TRANSFERS, IS_TRANSFERRED_TO)
"""Files of ``sipp-scenarios/`` without ``phone-`` and ``.xml``."""
BY_UDP_AND_TCP = pytest.mark.parametrize("over", ["u1", "t1"], ids=["udp", "tcp"])


def _without_trunk(office: str) -> str:
    """Return an office for which nobody here is a trunk: by TCP, phones call from any port."""
    return office.replace('accepts-from = ["127.0.0.0/8"]', 'accepts-from = ["192.0.2.1"]')


OFFICE = {"change": _without_trunk}


@pytest.fixture
def cast(office: Product, tmp_path: Path) -> Iterator[Cast]:
    """The phones of one test."""
    with Cast.around(tmp_path, office.port) as cast:
        yield cast


def story(office: Product, dialled: str) -> str:
    """Return the journal's words on the latest call to an extension; it was a talk."""
    call = office.finished_calls(of=dialled)[-1]
    assert call.outcome == "talked"
    return call.story


def is_rung(phone: Sipp) -> None:
    """Return once a phone has been called."""
    until(lambda: phone.received("INVITE "), within=10, what="the phone rings")


@BY_UDP_AND_TCP
def test_rfc3891_3_a_phone_picks_up_what_rings_at_another(office: Product, cast: Cast, over: str) -> None:
    rings = cast.phone("phone-hears-it-was-answered-elsewhere.xml", "101", over=over)
    caller = cast.calling_phone(f"phone-{CALLS}.xml", "104", "101", over=over)
    is_rung(rings)
    until(lambda: rings.dialog, within=5, what="the phone has said that it rings")
    picks_up = cast.calling_phone(
        f"phone-{PICKS_UP}.xml", "102", "101", "-key", "replaces", rings.dialog, over=over
    )
    for one in (picks_up, rings, caller):
        one.wait()
    assert "Piotr Zieliński picked up what rang for Anna Nowak" in story(office, "101")


@BY_UDP_AND_TCP
def test_rfc3891_3_a_phone_takes_over_the_talk_of_another(office: Product, cast: Cast, over: str) -> None:
    talks = cast.phone("phone-answers.xml", "101", "-d", "200", over=over)
    caller = cast.calling_phone(f"phone-{CALLS}.xml", "104", "101", over=over)
    until(lambda: talks.received("ACK "), within=10, what="the phone talks")
    takes_over = cast.calling_phone(
        f"phone-{PICKS_UP}.xml", "102", "101", "-key", "replaces", talks.dialog, over=over
    )
    for one in (takes_over, talks, caller):
        one.wait()
    told = story(office, "101")
    assert "talked with Anna Nowak" in told
    assert "talked with Piotr Zieliński" in told


@BY_UDP_AND_TCP
def test_rfc5359_2_16_a_phone_picks_up_by_code(office: Product, cast: Cast, over: str) -> None:
    rings = cast.phone("phone-hears-it-was-answered-elsewhere.xml", "101", over=over)
    caller = cast.calling_phone(f"phone-{CALLS}.xml", "104", "101", over=over)
    is_rung(rings)
    picks_up = cast.calling_phone(f"phone-{BY_CODE}.xml", "103", "101", over=over)
    for one in (picks_up, rings, caller):
        one.wait()
    assert "Olena Kovalenko picked up what rang for Anna Nowak" in story(office, "101")


@BY_UDP_AND_TCP
def test_rfc5589_6_a_phone_transfers_its_caller(office: Product, cast: Cast, over: str) -> None:
    next_one = cast.phone(f"phone-{IS_TRANSFERRED_TO}.xml", "102", "-d", "300", over=over)
    transfers = cast.phone(
        f"phone-{TRANSFERS}.xml",
        "101",
        "-d",
        "300",
        "-key",
        "next",
        "102",
        "-key",
        "extension",
        "101",
        over=over,
    )
    caller = cast.calling_phone(f"phone-{CALLS}.xml", "104", "101", over=over)
    for one in (transfers, next_one, caller):
        one.wait()
    assert "talked with Piotr Zieliński" in story(office, "101")


@BY_UDP_AND_TCP
def test_rfc5589_6_a_phone_transfers_whom_it_called(office: Product, cast: Cast, over: str) -> None:
    next_one = cast.phone(f"phone-{IS_TRANSFERRED_TO}.xml", "102", "-d", "300", over=over)
    called = cast.phone("phone-answers.xml", "103", "-d", "300", over=over)
    transfers = cast.calling_phone(
        f"phone-{CALLS_AND_TRANSFERS}.xml", "104", "103", "-key", "next", "102", over=over
    )
    for one in (transfers, next_one, called):
        one.wait()
    told = story(office, "103")
    assert "talked with Olena Kovalenko" in told
    assert "talked with Piotr Zieliński" in told
