"""RFC 4475: every message is parsed, refused with the right status, or dropped; none does anything else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter
from b2bua.sip.message import Message, Request, Response, parse_message, response_to, validate
from b2bua.sip.uri import OtherUri, SipUri

MESSAGES = Path(__file__).parent.parent / "data" / "rfc4475"
EXPECTED = tomllib.loads((MESSAGES / "expected.toml").read_text("utf-8"))


def load(name: str) -> Request | Response:
    return parse_message((MESSAGES / f"{name}.dat").read_bytes())


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


def test_every_message_file_has_its_expectation() -> None:
    assert {path.stem for path in MESSAGES.glob("*.dat")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED, ids=[f"rfc4475_{e['section']}_{n}" for n, e in EXPECTED.items()])
def test_rfc4475_message_is_taken_or_refused_as_the_rfc_says(name: str) -> None:
    assert verdict(name) == EXPECTED[name]["expect"]


@pytest.mark.parametrize("name", [name for name, entry in EXPECTED.items() if entry["expect"] != "drop"])
def test_rfc4475_message_is_written_back_so_that_it_reads_the_same(name: str) -> None:
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


def test_rfc4475_3_3_14_a_parameter_before_the_at_sign_belongs_to_the_user() -> None:
    first, second = (load_request(name).contacts[0].uri for name in ("cparam01", "cparam02"))
    assert isinstance(first, SipUri)
    assert isinstance(second, SipUri)
    assert (first.user, first.parameters) == ("+19725552222", (("unknownparam", None),))
    assert (second.user, second.parameters) == ("+19725552222;unknownparam", ())
