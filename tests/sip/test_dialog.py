"""Dialog state (RFC 3261 §12): targets, route sets, sequence, and the way back through NAT."""

from __future__ import annotations

import pytest

from b2bua.sip.dialog import Dialog
from b2bua.sip.message import Headers, Request, Response, response_to
from b2bua.sip.transport.hop import Hop

FLOW = Hop("udp", "192.0.2.1", 5060)
TCP = Hop("tcp", "192.0.2.1", 40000)


def invite(*extra: tuple[str, str], contact: str = "<sip:a@192.0.2.1:5070>") -> Request:
    lines = [
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
        ("From", '"Anna" <sip:a@x>;tag=far'),
        ("To", "<sip:b@y>"),
        ("Call-ID", "id"),
        ("CSeq", "7 INVITE"),
        ("Contact", contact),
    ]
    return Request("INVITE", "sip:b@y", Headers([*lines, *extra]))


def incoming(*extra: tuple[str, str], flow: Hop = FLOW, contact: str = "<sip:a@192.0.2.1:5070>") -> Dialog:
    request = invite(*extra, contact=contact)
    return Dialog.from_request(request, local_tag="near", source=flow, contact="<sip:b@198.51.100.1>")


def outgoing(*extra: tuple[str, str]) -> Dialog:
    response: Response = response_to(invite(), 200, to_tag="callee")
    for name, value in (("Contact", "<sip:b@203.0.113.9:5080>"), *extra):
        response.headers.add(name, value)
    return Dialog.from_response(invite(), response, hop=FLOW, contact="<sip:a@192.0.2.1>")


def test_rfc3261_12_1_1_the_callee_swaps_from_and_to_and_counts_its_own_requests() -> None:
    dialog = incoming()
    bye = dialog.request("BYE")
    assert (bye.headers.get("From"), bye.headers.get("To")) == (
        "<sip:b@y>;tag=near",
        '"Anna" <sip:a@x>;tag=far',
    )
    assert (bye.uri, str(bye.cseq), dialog.key) == ("sip:a@192.0.2.1:5070", "1 BYE", ("id", "near", "far"))
    assert str(dialog.request("INFO").cseq) == "2 INFO"


def test_rfc3261_12_1_2_the_caller_goes_on_counting_and_reverses_record_route() -> None:
    dialog = outgoing(("Record-Route", "<sip:192.0.2.8;lr>, <sip:192.0.2.7;lr>"))
    bye = dialog.request("BYE")
    assert str(bye.cseq) == "8 BYE"
    assert bye.headers.all("Route") == ["<sip:192.0.2.7;lr>", "<sip:192.0.2.8;lr>"]
    assert (bye.uri, dialog.hops()[0]) == ("sip:b@203.0.113.9:5080", Hop("udp", "192.0.2.7", 5060))
    assert str(dialog.ack(7).cseq) == "7 ACK"


@pytest.mark.parametrize(
    ("route", "is_loose"),
    [
        ("<sip:192.0.2.8;lr>", True),
        ('"edge" <sip:192.0.2.8;ftag=1;LR=on>;x=y', True),
        ("sip:192.0.2.8;lr", True),
        ("<sip:192.0.2.8;lrx=1>", False),
        ("<sip:a;lr=1@192.0.2.8>", False),
        ("<sip:192.0.2.8>;x=y", False),
    ],
)
def test_rfc3261_12_2_1_1_a_proxy_routes_loosely_where_it_says_so(route: str, *, is_loose: bool) -> None:
    bye = incoming(("Record-Route", route)).request("BYE")
    assert (bye.uri == "sip:a@192.0.2.1:5070") is is_loose
    assert bye.headers.all("Route") == ([route] if is_loose else ["<sip:a@192.0.2.1:5070>"])


def test_rfc3261_12_2_1_1_a_strict_router_stands_in_the_request_uri() -> None:
    bye = incoming(("Record-Route", "<sip:192.0.2.8>"), ("Record-Route", "<sip:192.0.2.7;lr>")).request("BYE")
    assert bye.uri == "sip:192.0.2.8"
    assert bye.headers.all("Route") == ["<sip:192.0.2.7;lr>", "<sip:a@192.0.2.1:5070>"]


def test_rfc3261_12_2_2_lower_and_equal_sequence_numbers_are_out_of_order() -> None:
    dialog = incoming()
    assert [dialog.accepts(number) for number in (7, 6, 8, 8, 20, 9)] == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_rfc3261_12_2_a_target_refresh_moves_the_next_request() -> None:
    dialog = outgoing()
    assert dialog.hops()[0] == Hop("udp", "203.0.113.9", 5080)
    dialog.refresh_target(invite(contact="<sip:new@203.0.113.10>"))
    assert (dialog.request("BYE").uri, dialog.hops()[0].host) == ("sip:new@203.0.113.10", "203.0.113.10")


@pytest.mark.parametrize(
    ("contact", "flow", "first"),
    [
        ("<sip:a@192.168.1.5:5070>", Hop("udp", "8.8.8.8", 1024), Hop("udp", "8.8.8.8", 1024)),
        ("<sip:a@10.0.0.5:5070>", Hop("udp", "10.0.0.9", 5060), Hop("udp", "10.0.0.5", 5070)),
        ("<sip:a@pbx.example>", FLOW, FLOW),
        ("<sip:a@192.0.2.1:5070;transport=tcp>", TCP, TCP),
        ("<tel:+48221234567>", FLOW, FLOW),
    ],
)
def test_requests_go_where_the_peer_can_be_reached(contact: str, flow: Hop, first: Hop) -> None:
    assert incoming(flow=flow, contact=contact).hops()[0] == first


def test_a_peer_that_moved_is_followed_and_a_lost_connection_has_its_contact() -> None:
    dialog = incoming(flow=TCP, contact="<sip:a@192.0.2.1:5070;transport=tcp>")
    assert dialog.hops() == (TCP, Hop("tcp", "192.0.2.1", 5070))
    moved = Hop("tcp", "192.0.2.1", 40001)
    dialog.heard_from(moved)
    assert dialog.hops()[0] == moved


def test_a_broken_record_route_or_contact_does_not_lose_the_call() -> None:
    dialog = outgoing(("Record-Route", "<sip:192.0.2.8;lr"))
    assert dialog.route_set == ()
    assert incoming(contact="<<>").request("BYE").uri == "sip:a@x"


def rung_at(hop: Hop, contact: str, *extra: tuple[str, str]) -> Dialog:
    """Return the dialog with a phone whose INVITE named a private address and went to ``hop``."""
    request = invite(*extra)
    request.uri = "sip:101@10.7.7.7:5070"
    ringing = response_to(request, 180, to_tag="phone")
    ringing.headers.add("Contact", contact)
    return Dialog.from_response(request, ringing, hop=hop, contact="<sip:a@192.0.2.1>")


@pytest.mark.parametrize("flow", [Hop("tcp", "10.1.1.1", 40000), Hop("udp", "10.1.1.1", 5060)])
def test_rfc5626_5_3_a_phone_that_was_rung_over_its_flow_gets_the_rest_of_the_call_there(flow: Hop) -> None:
    assert rung_at(flow, "<sip:101@10.7.7.7:5070>").hops()[0] == flow
    assert rung_at(flow, "<sip:101@10.9.9.9:5070>").hops()[0].host == "10.9.9.9"  # another one answered
    by_proxy = rung_at(flow, "<sip:101@10.7.7.7:5070>", ("Route", "<sip:10.1.1.1;lr>"))
    assert by_proxy.hops()[0].host == "10.7.7.7"  # which does not want to stay on the way


def test_rfc5626_5_3_a_phone_behind_nat_that_called_gets_the_rest_of_the_call_where_it_called_from() -> None:
    flow, contact = Hop("udp", "10.1.1.1", 61000), "<sip:101@192.0.2.1:5060>"
    assert incoming(flow=flow, contact=contact).hops()[0] == flow
    assert incoming(flow=flow, contact="<sip:101@198.51.100.7>").hops()[0].host == "198.51.100.7"


def test_rfc5118_4_5_a_phone_that_names_another_ipv6_address_is_found_where_it_calls_from() -> None:
    flow, named = Hop("udp", "fd00::2", 5060), ("Via", "SIP/2.0/UDP [fd00::1]:5060;branch=z9hG4bK2")
    request = invite(contact="<sip:a@[fd00::1]:5060>")
    request.headers.put(*named)
    dialog = Dialog.from_request(request, local_tag="near", source=flow, contact="<sip:b@[fd00::9]>")
    assert dialog.hops() == (flow, Hop("udp", "fd00::1", 5060))
