"""RFC 4475, RFC 5118: every message is parsed, refused with the right status, or dropped; none does more."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path

import pytest

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter
from b2bua.sip.message import Headers, Message, Request, Response, parse_message, response_to, validate
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import OtherUri, SipUri
from media.sdp.model import SessionDescription
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, BOB, Answerer, MemoryNetwork, endpoint

DATA = Path(__file__).parent.parent / "data"
EXPECTED = tomllib.loads((DATA / "rfc4475" / "expected.toml").read_text("utf-8"))
IPV6 = tomllib.loads((DATA / "rfc5118" / "expected.toml").read_text("utf-8"))
SECTIONS = {name: f"rfc4475_{entry['section']}_{name}" for name, entry in EXPECTED.items()}
SECTIONS |= {name: f"rfc5118_{entry['section']}_{name}" for name, entry in IPV6.items()}


def wire_of(name: str) -> bytes:
    return (DATA / ("rfc5118" if name in IPV6 else "rfc4475") / f"{name}.dat").read_bytes()


def load(name: str) -> Request | Response:
    return parse_message(wire_of(name))


def load_request(name: str) -> Request:
    message = load(name)
    assert isinstance(message, Request)
    return message


def verdict(name: str) -> str:
    try:
        message = load(name)
    except MalformedMessage:
        return "drop"
    try:
        validate(message)
    except MalformedMessage as error:
        return str(error.status)
    return "valid"


async def answers_to(name: str) -> list[int]:
    """Return the final statuses that a user agent sends for a message; OPTIONS after it must be answered."""
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    Answerer(bob)
    bob.on_request = lambda request: request.respond(200)
    sender = network.transport("192.0.2.99")
    network.carry(wire_of(name), sender.local, BOB)
    await asyncio.sleep(64)
    finals = {int(line.split()[1]) for line in statuses(network, BOB) if line.split()[1] >= "200"}
    pong = await alice.request(Request("OPTIONS", f"sip:bob@{BOB.authority}", Headers()), BOB)
    assert pong.status == 200
    await bob.close()
    await alice.close()
    return sorted(finals)


def statuses(network: MemoryNetwork, source: Hop) -> list[str]:
    sent = [packet.start_line for packet in network.log if packet.source == source]
    return [line for line in sent if line.startswith("SIP/2.0 ")]


def test_rfc4475_all_49_messages_and_rfc5118_all_12_have_their_expectation() -> None:
    assert {path.stem for path in (DATA / "rfc4475").glob("*.dat")} == set(EXPECTED)
    assert {path.stem for path in (DATA / "rfc5118").glob("*.dat")} == set(IPV6)
    assert (len(EXPECTED), len(IPV6)) == (49, 12)


@pytest.mark.parametrize("name", EXPECTED, ids=SECTIONS.get)
def test_rfc4475_message_is_taken_or_refused_as_the_rfc_says(name: str) -> None:
    assert verdict(name) == EXPECTED[name]["expect"]


@pytest.mark.parametrize("name", IPV6, ids=SECTIONS.get)
def test_rfc5118_message_is_taken_or_refused_as_the_rfc_says(name: str) -> None:
    assert verdict(name) == IPV6[name]["expect"]


@pytest.mark.parametrize("name", SECTIONS, ids=SECTIONS.get)
@virtual_time
async def test_rfc4475_rfc5118_message_gets_its_answer_and_the_next_options_too(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = (EXPECTED | IPV6)[name].get("answer")
    assert await answers_to(name) == ([] if answer is None else [answer])
    assert not caplog.records


@pytest.mark.parametrize(
    "name", [name for name, entry in (EXPECTED | IPV6).items() if entry["expect"] != "drop"]
)
def test_rfc4475_rfc5118_message_is_written_back_so_that_it_reads_the_same(name: str) -> None:
    message = load(name)
    again = parse_message(message.to_bytes())
    assert (list(again.headers.items()), again.body) == (list(message.headers.items()), message.body)
    assert again.start_line() == message.start_line()


@pytest.mark.parametrize(
    "name", [name for name, entry in EXPECTED.items() if entry["expect"] in ("400", "505")]
)
def test_rfc3261_8_2_6_every_refused_request_can_be_answered(name: str) -> None:
    message = load(name)
    if isinstance(message, Response):
        return
    answer = parse_message(response_to(message, 400, to_tag="t").to_bytes())
    assert answer.headers.all("Via") == message.headers.all("Via")


def test_rfc4475_3_1_1_1_short_tortuous_invite_is_understood() -> None:
    message = load_request("wsinv")
    assert message.from_.display == 'J Rosenberg \\"'
    assert (message.from_.tag, message.to.tag) == ("98asjd8", "1918181833n")
    assert (message.max_forwards, str(message.cseq)) == (68, "9 INVITE")
    assert [(via.transport, via.host, via.branch) for via in message.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert message.via.asks_rport
    assert message.contact is not None
    assert (message.contact.display, message.contact.parameter("q")) == ('Quoted string ""', "0.33")
    assert message.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert message.headers.get("subject") == ""


def test_rfc4475_3_1_1_2_wide_range_of_characters_is_kept() -> None:
    message = load_request("intmeth")
    assert message.cseq.method == message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert isinstance(message.target, SipUri)
    assert message.target.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.to.display == "BEL:� NUL:� DEL:�"  # fit to be shown and stored
    assert find_parameter(message.from_.parameters, "fromparam''~+*_!.-%") == "работающий"
    assert message.from_.tag == "_token~1'+`*%!-."


def test_rfc4475_3_1_1_3_escapes_are_resolved_where_they_mean_nothing() -> None:
    message = load_request("esc01")
    assert isinstance(message.target, SipUri)
    assert isinstance(message.to.uri, SipUri)
    assert (message.target.user, message.target.user_text) == (
        "sips%3Auser%40example.com",
        "sips:user@example.com",
    )
    assert message.to.uri.user == "user"


def test_rfc4475_3_1_1_5_a_percent_in_a_name_or_method_is_no_escape() -> None:
    message = load_request("esc02")
    assert (message.method, len(message.contacts)) == ("RE%47IST%45R", 2)
    assert message.to.display == "%Z%45"


def test_rfc4475_3_1_1_11_binary_body_is_whole() -> None:
    message = load("mpart01")
    assert message.content_type == "multipart/mixed"
    assert len(message.body) == message.number("Content-Length")
    assert b"\x00\x01\x02\r\n\r\n\xff\xfe" in message.body


def test_rfc4475_3_1_1_12_reason_phrase_keeps_its_letters() -> None:
    message = load("unreason")
    assert isinstance(message, Response)
    assert message.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"


def test_rfc4475_3_3_4_unknown_schemes_are_values_too() -> None:
    message: Message = load("unksm2")
    assert message.to.uri == OtherUri("isbn", "2983792873")
    assert message.contacts[0].uri == OtherUri("name", "John_Smith")


def test_rfc4475_3_3_13_a_parameter_before_the_at_sign_belongs_to_the_user() -> None:
    first, second = (load_request(name).contacts[0].uri for name in ("cparam01", "cparam02"))
    assert isinstance(first, SipUri)
    assert isinstance(second, SipUri)
    assert (first.user, first.parameters) == ("+19725552222", (("unknownparam", None),))
    assert (second.user, second.parameters) == ("+19725552222;unknownparam", ())


def test_rfc5118_4_3_rfc5118_4_4_the_port_stands_behind_the_bracket() -> None:
    ambiguous, unambiguous = (load_request(name).target for name in ("port-ambiguous", "port-unambiguous"))
    assert isinstance(ambiguous, SipUri)
    assert isinstance(unambiguous, SipUri)
    assert (ambiguous.host, ambiguous.port) == ("2001:db8::10:5070", None)
    assert (unambiguous.host, unambiguous.port) == ("2001:db8::10", 5070)


@pytest.mark.parametrize("name", ["via-received-param-with-delim", "via-received-param-no-delim"])
def test_rfc5118_4_5_received_is_an_address_with_or_without_brackets(name: str) -> None:
    via = load(name).via
    assert (via.host, via.received) == ("2001:db8::9:1", "2001:db8::9:255")


def test_rfc5118_4_7_a_path_may_change_between_ipv4_and_ipv6() -> None:
    assert [(via.transport, via.host, via.port) for via in load("mult-ip-in-header").vias] == [
        ("UDP", "2001:db8::9:1", 6050),
        ("UDP", "192.0.2.1", None),
        ("TCP", "2001:db8::9:255", None),
    ]


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("ipv6-in-sdp", ["2001:db8::20", "2001:db8::20"]),
        ("mult-ip-in-sdp", ["192.0.2.1", "2001:db8::1"]),
        ("ipv4-mapped-ipv6", ["::ffff:192.0.2.2", "::ffff:192.0.2.2"]),
    ],
)
def test_rfc5118_4_6_rfc5118_4_8_rfc5118_4_9_each_stream_of_an_offer_has_its_own_address(
    name: str, addresses: list[str]
) -> None:
    offer = SessionDescription.parse(load(name).body)
    assert [offer.connection_of(stream) for stream in offer.media] == addresses
