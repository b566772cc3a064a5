"""Outbound calls: which trunk, which addresses, and what to do when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.digest import Credentials
from b2bua.trunk.callerid import Caller, CallerIdPolicy
from b2bua.trunk.channels import Channels
from b2bua.trunk.selection import TrunkSelection, address_uri

CALLER = Caller(number="+48600100200", dialled="+48221230001")


def trunk(name: str = "provider", **keys: Any) -> Trunk:
    return Trunk(name=name, **{"host": "sip.provider.example", **keys})


def test_the_call_goes_to_the_host_and_the_port_stays_open_for_srv_records() -> None:
    route = TrunkSelection([trunk()]).route("+48600999888", CALLER)
    assert route.uri == "sip:+48600999888@sip.provider.example"
    assert str(route.next_hop) == "sip:sip.provider.example"
    assert route.credentials is None


def test_the_demo_trunk_is_reached_at_its_port() -> None:
    route = TrunkSelection([trunk(host="127.0.0.1", port=5090)]).route("+48600100200", CALLER)
    assert route.uri == "sip:+48600100200@127.0.0.1:5090"
    assert (route.next_hop.host, route.next_hop.port) == ("127.0.0.1", 5090)


def test_an_outbound_proxy_takes_the_invite_while_the_request_uri_names_the_provider() -> None:
    route = TrunkSelection([trunk(outbound_proxy="edge.example:5080", transport="tcp")]).route("112", CALLER)
    assert route.uri == "sip:112@sip.provider.example;transport=tcp"
    assert str(route.next_hop) == "sip:edge.example:5080;transport=tcp"


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
