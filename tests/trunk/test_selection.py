"""Outbound calls: which trunk, which addresses, and what to do when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Response
from b2bua.trunk.callerid import Caller, CallerIdPolicy
from b2bua.trunk.channels import Channels
from b2bua.trunk.selection import TrunkSelection, address_uri
from b2bua.trunk.service_route import service_route

CALLER = Caller(number="+48600100200", dialled="+48221230001")


def trunk(name: str = "provider", **keys: Any) -> Trunk:
    return Trunk(name=name, **{"host": "sip.provider.example", **keys})


def test_the_call_goes_to_the_host_and_the_port_stays_open_for_srv_records() -> None:
    route = TrunkSelection([trunk()]).route("+48600999888", CALLER)
    assert route.uri == "sip:+48600999888@sip.provider.example"
    assert [str(uri) for uri in route.next_hops] == ["sip:sip.provider.example"]
    assert route.credentials is None


def test_the_demo_trunk_is_reached_at_its_port() -> None:
    route = TrunkSelection([trunk(host="127.0.0.1", port=5090)]).route("+48600100200", CALLER)
    assert route.uri == "sip:+48600100200@127.0.0.1:5090"
    assert [(uri.host, uri.port) for uri in route.next_hops] == [("127.0.0.1", 5090)]


def test_an_outbound_proxy_takes_the_invite_while_the_request_uri_names_the_provider() -> None:
    route = TrunkSelection([trunk(outbound_proxy="edge.example:5080", transport="tcp")]).route("112", CALLER)
    assert route.uri == "sip:112@sip.provider.example;transport=tcp"
    assert [str(uri) for uri in route.next_hops] == ["sip:edge.example:5080;transport=tcp"]


@pytest.mark.parametrize(
    ("keys", "hops"),
    [
        ({}, "sip:orig@scscf.example:5070;lr sip:sip.provider.example"),
        (
            {"transport": "tcp"},
            "sip:orig@scscf.example:5070;lr;transport=tcp sip:sip.provider.example;transport=tcp",
        ),
        ({"outbound_proxy": "edge.example"}, "sip:edge.example"),
    ],
    ids=["by UDP", "by TCP", "by our proxy"],
)
def test_rfc3608_6_1_a_registered_trunk_is_called_by_the_proxies_that_its_registrar_named(
    keys: dict[str, str], hops: str
) -> None:
    account = {"registrar": "sip.provider.example", "username": "u", "password": "p"}
    registered = trunk(host=None, **account, **keys)
    proxies = ("<sip:orig@scscf.example:5070;lr>", '"b" <sip:b.example;lr;x=1>')
    route = TrunkSelection([registered], service_route={"provider": proxies}.__getitem__).route("112", CALLER)
    assert route.uri.startswith("sip:112@sip.provider.example")
    assert [str(uri) for uri in route.next_hops] == hops.split()
    assert route.headers[:2] == (("Route", proxies[0]), ("Route", proxies[1]))


def test_rfc3608_a_host_of_its_own_is_called_without_the_proxies_of_the_registrar() -> None:
    both = trunk(host="calls.example", registrar="sip.provider.example", username="u", password="p")
    route = TrunkSelection([both], service_route=lambda _: ("<sip:p.example;lr>",)).route("112", CALLER)
    assert [str(uri) for uri in route.next_hops] == ["sip:calls.example"]
    assert "Route" not in dict(route.headers)


@pytest.mark.parametrize(
    ("lines", "route"),
    [
        (["<sip:p1.example;lr>, <sip:p2.example;lr>", "<sip:p3.example;lr>"], 3),
        (["<sip:p1.example>"], 0),
        (["<sip:p1.example;lr>", "<tel:+48221230001>"], 0),
        (["<<<"], 0),
        ([], 0),
    ],
)
def test_rfc3608_5_a_service_route_that_cannot_be_gone_is_none(lines: list[str], route: int) -> None:
    response = Response(200)
    for line in lines:
        response.headers.add("Service-Route", line)
    assert len(service_route(response)) == route


def test_f10_a_foreign_pbx_is_called_at_its_registrar_with_our_account() -> None:
    pbx = trunk(host=None, registrar="pbx.example:5070", username="u", password="p", realm="pbx")
    route = TrunkSelection([pbx]).route("200", CALLER)
    assert route.uri == "sip:200@pbx.example:5070"
    assert route.credentials == Credentials("u", "p", "pbx")


def test_d4_a_refused_foreign_number_is_tried_again_with_our_own_and_then_no_more() -> None:
    route = TrunkSelection([trunk(caller_id="caller", number="+48221239999")]).route("+48600999888", CALLER)
    assert str(route.from_) == "<sip:+48600100200@sip.provider.example>"
    assert route.after_refusal(486) is None
    second = route.after_refusal(403)
    assert second is not None
    assert second.policy is CallerIdPolicy.OWN
    assert str(second.from_) == "<sip:+48221239999@sip.provider.example>"
    assert second.uri == route.uri
    assert second.after_refusal(403) is None


def test_f23_the_route_shows_who_called_to_the_answerer() -> None:
    route = TrunkSelection([trunk(caller_id="caller")]).route("+48600999888", CALLER)
    assert "Diversion" in dict(route.headers)


@pytest.mark.parametrize(
    ("keys", "number"),
    [({"number": "+48221239999"}, "+48221239999"), ({}, "+48221230001"), ({"username": "u"}, "+48221230001")],
)
def test_our_number_is_the_configured_one_or_the_one_dialled(keys: dict[str, str], number: str) -> None:
    route = TrunkSelection([trunk(**keys)]).route("+48600999888", CALLER)
    assert str(route.from_) == f"<sip:{number}@sip.provider.example>"


def test_without_any_number_the_account_stands_for_it() -> None:
    selection = TrunkSelection([trunk(username="48221234567", password="p")])
    assert str(selection.route("112", Caller()).from_) == "<sip:48221234567@sip.provider.example>"


def test_the_default_trunk_comes_first_then_the_others_when_it_is_down() -> None:
    down: set[str] = set()
    selection = TrunkSelection(
        [trunk("first"), trunk("second")], default="second", is_usable=lambda name: name not in down
    )
    assert selection.route("112", CALLER).trunk.name == "second"
    down.add("second")
    assert selection.route("112", CALLER).trunk.name == "first"
    down.add("first")
    with pytest.raises(Unavailable, match="trunk second is down; trunk first is down"):
        selection.route("112", CALLER)


def test_a_full_trunk_is_passed_over() -> None:
    channels = Channels()
    selection = TrunkSelection([trunk(channels=1)], channels=channels)
    with channels.take("provider", limit=1), pytest.raises(Unavailable, match="all 1 channels"):
        selection.route("112", CALLER)
    assert selection.route("112", CALLER).number == "112"


def test_an_emergency_call_is_tried_where_no_trunk_seems_to_be_free_first_by_one_that_is_up() -> None:
    channels, down = Channels(), {"first"}
    trunks = [trunk("first"), trunk("second", channels=1)]
    selection = TrunkSelection(
        trunks, channels=channels, is_usable=lambda name: name not in down, country="PL"
    )
    with channels.take("second", limit=1):
        route = selection.route("112", CALLER)
        assert (route.trunk.name, route.channels) == ("second", None)
        with pytest.raises(Unavailable, match="trunk first is down; all 1 channels"):
            selection.route("+48600100200", CALLER)
    assert selection.route("112", CALLER).channels == 1
    down.add("second")
    assert selection.route("112", CALLER).trunk.name == "first"


def test_a_trunk_that_only_accepts_calls_is_never_chosen() -> None:
    inbound = Trunk(name="in", accepts_from=("192.0.2.0/24",))
    with pytest.raises(Unavailable, match="no trunk is configured"):
        TrunkSelection([inbound]).route("112", CALLER)


def test_addresses_may_be_ipv6() -> None:
    assert str(address_uri("[2001:db8::1]:5070", trunk())) == "sip:[2001:db8::1]:5070"


def test_d11_calls_go_to_the_registrar_that_has_us_at_the_moment() -> None:
    pbx = trunk(
        host=None, registrar="one.example", backup_registrars=("two.example",), username="u", password="p"
    )
    now_at = pbx.model_copy(update={"registrar": "two.example"})
    route = TrunkSelection([pbx], current=lambda _: now_at).route("200", CALLER)
    assert route.uri == "sip:200@two.example"
    assert str(route.from_.uri).endswith("@two.example")
