"""The demo office does what its table of numbers promises."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.routing.destination import (
    Destination,
    Echo,
    External,
    Menu,
    Mobile,
    Outcome,
    Person,
    Queue,
    Ring,
    Say,
    Voicemail,
)
from b2bua.routing.facts import Facts
from b2bua.routing.plan import DialExtension, Plan
from b2bua.routing.scheme import Position, enter, follow

PATH = Path(__file__).parents[2] / "config" / "demo.toml"
NOW = Facts(datetime(2026, 3, 7, 3, tzinfo=ZoneInfo("Europe/Warsaw")))
ANNA, PIOTR, OLENA, IVAN = (Person(name) for name in ("anna", "piotr", "olena", "ivan"))
SALES = Voicemail("sales")
UNTAKEN = {Menu: Outcome.NO_INPUT, Queue: Outcome.MAX_WAIT, Say: Outcome.DONE, Echo: Outcome.DONE}


@pytest.fixture(scope="module")
def office() -> Config:
    return load_config(PATH)


@pytest.fixture(scope="module")
def plan(office: Config) -> Plan:
    return office.plan()


def untaken(plan: Plan, number: str, **outcomes: Outcome) -> list[Destination]:
    """Return where a call goes that nobody takes; ``Queue=…`` sets how queues end."""
    found: list[Destination] = []
    position: Position | None = enter(plan, number, NOW)
    while position:
        destination = position.destination
        found.append(destination)
        ends = UNTAKEN | {Voicemail: Outcome.MESSAGE} | {Queue: outcomes.get("queue", Outcome.MAX_WAIT)}
        position = follow(plan, position, ends.get(type(destination), Outcome.NO_ANSWER), NOW)
    return found


def test_f5_0001_rings_two_phones_and_a_mobile_for_20_s_each_then_takes_a_message(plan: Plan) -> None:
    assert untaken(plan, "+48221230001") == [Ring((ANNA,)), Ring((PIOTR,)), Ring((Mobile("anna"),)), SALES]
    assert plan.people["anna"].mobile == "+48600100200"


def test_f8_0002_rings_three_together_then_their_mobiles_together(plan: Plan) -> None:
    mobiles = Ring((Mobile("anna"), Mobile("piotr"), Mobile("olena")))
    assert untaken(plan, "+48221230002") == [Ring((ANNA, PIOTR, OLENA)), mobiles, SALES]


@pytest.mark.parametrize("number", ["+48221230003", "+48221230006"])
def test_i1_i8_0003_and_0006_are_the_menu(plan: Plan, number: str) -> None:
    assert untaken(plan, number) == [Menu("main"), Ring((IVAN,)), SALES]
    menu = plan.menus["main"]
    assert menu.options == {"1": Ring((ANNA,)), "2": Queue("sales"), "3": DialExtension(), "0": SALES}
    assert (menu.no_input, menu.invalid, menu.tries) == (Ring((IVAN,)), Ring((IVAN,)), 2)
    assert menu.dials_extensions
    assert sorted(plan.extensions) == ["101", "102", "103", "104"]


def test_q17_0004_rings_the_backup_only_when_all_phones_are_offline(plan: Plan) -> None:
    backup = Ring((External("+48600999888"),), for_seconds=30)
    assert untaken(plan, "+48221230004", queue=Outcome.MAX_WAIT) == [Queue("sales"), SALES]
    assert untaken(plan, "+48221230004", queue=Outcome.OFFLINE) == [Queue("sales"), backup, SALES]


def test_q6_0004_announces_position_and_wait_every_15_s_for_60_s(plan: Plan) -> None:
    queue = plan.queues["sales"]
    assert queue.agents == ("anna", "piotr", "olena")
    assert (queue.strategy, queue.announce_every_s, queue.max_wait_s) == ("roundrobin", 15.0, 60.0)
    assert queue.announces_position
    assert queue.announces_wait


def test_v1_0005_is_voicemail_at_once(plan: Plan) -> None:
    assert untaken(plan, "+48221230005") == [SALES]


def test_0007_says_that_one_is_connected_and_echoes(plan: Plan) -> None:
    assert untaken(plan, "+48221230007") == [Say("connected"), Echo()]


@pytest.mark.parametrize("number", ["+48221239999", "48221239999", "sales", "", "112", "+1"])
def test_f29_every_other_number_rings_104_and_takes_a_message(plan: Plan, number: str) -> None:
    assert untaken(plan, number) == [Ring((IVAN,)), SALES]


def test_the_demo_office_runs_on_this_machine_alone(office: Config) -> None:
    assert (office.sip.host, office.sip.port, office.sip.transports) == ("127.0.0.1", 5060, ("udp", "tcp"))
    assert (office.rtp.addresses, office.rtp.ports) == (("127.0.0.1",), (20000, 29998))
    assert (office.office.country, office.office.timezone, office.office.language) == (
        "PL",
        "Europe/Warsaw",
        "en",
    )
    assert office.office.data == Path("data")
    assert office.smtp is None


def test_phones_and_trunks_of_the_demo_office(office: Config) -> None:
    passwords = {person.extension: person.sip_password for person in office.people.values()}
    assert passwords == {extension: f"demo-{extension}" for extension in ("101", "102", "103", "104")}
    assert [str(network) for network in office.trunks["demo"].accepts_from] == ["127.0.0.0/8"]
    out = office.trunks["demo-out"]
    assert (out.host, out.port, out.transport, out.max_unanswered_s) == ("127.0.0.1", 5090, "udp", 60.0)
    assert (office.office.default_trunk, out.accepts_from) == ("demo-out", ())
