"""Messages: what goes in comes out, whatever the peer does with the freedom RFC 3261 §7.3 gives it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.errors import MalformedMessage
from b2bua.sip.header_lines import MAX_HEADERS
from b2bua.sip.message import (
    MAX_HEAD_BYTES,
    MAX_MESSAGE_BYTES,
    Headers,
    Request,
    Response,
    parse_message,
    response_to,
    validate,
)
from b2bua.sip.uri import SipUri
from tests.harness.effort import calls_of

INVITE = b"""INVITE sip:+48221234567@pbx.example.com;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK+a;rport
Max-Forwards: 70
From: "Nowak, Anna" <sip:+48600100200@provider.example>;tag=gK0a
To: <sip:+48221234567@pbx.example.com>
Call-ID: 1@192.0.2.10
CSeq: 1 INVITE
Contact: <sip:+48600100200@192.0.2.10:5060>
Content-Length: 4

v=0
""".replace(b"\n", b"\r\n").replace(b"v=0\r\n", b"v=0\n")


def request(*, without: str = "", **changes: str) -> Request:
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    message.headers.remove(without) if without else None
    for name, value in changes.items():
        message.headers.put(name.replace("_", "-"), value)
    return message


def test_message_is_written_as_it_was_read() -> None:
    assert parse_message(INVITE).to_bytes() == INVITE


def test_branch_with_a_plus_sign_stays_as_it_is() -> None:
    message = request()
    message.headers.put_first("Via", str(message.via.with_source("198.51.100.1", 40000)))
    assert message.headers.get("Via") == (
        "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK+a;rport=40000;received=198.51.100.1"
    )


def test_rfc3261_18_2_1_only_the_topmost_of_several_vias_on_one_line_is_changed() -> None:
    message = request(Via="SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b;branch=z9hG4bK2")
    message.headers.put_first("Via", str(message.via.with_source("192.0.2.1", 5060)))
    assert [str(via) for via in message.vias] == [
        "SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.1",
        "SIP/2.0/TCP b;branch=z9hG4bK2",
    ]


def test_rfc3261_7_3_1_lists_on_one_line_and_on_several_are_the_same() -> None:
    message = request(Contact='"A, B" <sip:a@x;p=1,2>;q=1 , <sip:b@[2001:db8::1]:5061>')
    message.headers.add("m", "sip:c@y;expires=5")
    assert [str(contact) for contact in message.contacts] == [
        '"A, B" <sip:a@x;p=1,2>;q=1',
        "<sip:b@[2001:db8::1]:5061>",
        "<sip:c@y>;expires=5",
    ]


def test_rfc3261_7_3_1_folded_headers_are_one_line() -> None:
    folded = INVITE.replace(b"Call-ID: 1@", b"Call-ID:\r\n\t1@").replace(
        b'"Nowak, Anna" ', b'"Nowak,\r\n  Anna"\r\n '
    )
    message = parse_message(folded)
    assert (message.call_id, message.from_.display) == ("1@192.0.2.10", "Nowak, Anna")


def test_rfc3261_7_3_3_compact_forms_and_any_case_are_found_and_kept() -> None:
    compact = INVITE.replace(b"From:", b"f :").replace(b"Via:", b"V:").replace(b"Call-ID:", b"cALL-id:")
    message = parse_message(compact)
    assert (message.from_.tag, message.via.branch, message.call_id) == ("gK0a", "z9hG4bK+a", "1@192.0.2.10")
    assert b"\r\nf: " in message.to_bytes()
    assert "from" in message.headers
    assert "F" in message.headers


def test_rfc3261_10_2_2_contact_star_is_a_wildcard_of_register_only() -> None:
    message = request(Contact="*", CSeq="1 REGISTER")
    assert message.contacts[0].is_wildcard
    with pytest.raises(MalformedMessage):
        validate(message)
    message.method = "REGISTER"
    validate(message)
    message.headers.add("Contact", "<sip:a@b>")
    with pytest.raises(MalformedMessage):
        validate(message)


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_rfc3261_8_1_1_message_without_a_mandatory_header_is_parsed_answered_and_refused(name: str) -> None:
    message = request(without=name)
    assert name.encode() + b":" not in response_to(message, 400, to_tag="t").to_bytes()
    with pytest.raises(MalformedMessage, match=f"{name} is missing") as refusal:
        validate(parse_message(message.to_bytes()))
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSeq", "1 BYE"),
        ("CSeq", "2147483648 INVITE"),
        ("CSeq", "١ INVITE"),
        ("CSeq", "1"),
        ("Call-ID", ""),
        ("Call-ID", "a b"),
        ("From", "*"),
        ("To", "<sip:a@b"),
        ("To", "<sip:a@b>, <sip:c@d>"),
        ("Via", "SIP/3.0/UDP a"),
        ("Via", "SIP/2.0/UDP"),
        ("Via", 'SIP/2.0/UDP a;branch="a b"'),
        ("Max-Forwards", "-1"),
        ("Max-Forwards", "256"),
        ("Contact", "<sip:a@b:99999>"),
    ],
)
def test_rfc3261_8_2_a_header_that_breaks_its_grammar_is_refused_with_400(name: str, value: str) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        validate(request(**{name.replace("-", "_"): value}))
    assert refusal.value.status == 400


def test_rfc3261_8_2_6_response_repeats_what_it_must_and_tags_to_once() -> None:
    message = request()
    message.headers.prepend("Via", "SIP/2.0/TCP proxy;branch=z9hG4bKp")
    answer = response_to(message, 180, to_tag="mine")
    assert list(answer.headers.items()) == [
        ("Via", "SIP/2.0/TCP proxy;branch=z9hG4bKp"),
        ("Via", "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK+a;rport"),
        ("From", '"Nowak, Anna" <sip:+48600100200@provider.example>;tag=gK0a'),
        ("To", "<sip:+48221234567@pbx.example.com>;tag=mine"),
        ("Call-ID", "1@192.0.2.10"),
        ("CSeq", "1 INVITE"),
    ]
    message.headers.put("To", "<sip:x@y>;tag=theirs")
    assert response_to(message, 200, to_tag="mine").to.tag == "theirs"


def test_typed_view_follows_a_change_of_its_header() -> None:
    message = request()
    assert message.to.tag is None
    message.headers.put("To", "<sip:x@y>;tag=1")
    assert message.to.tag == "1"


def test_copy_changes_on_its_own() -> None:
    message = request()
    other = message.copy()
    other.headers.put("Call-ID", "2")
    assert (message.call_id, other.call_id) == ("1@192.0.2.10", "2")


def test_line_break_in_a_value_cannot_make_a_header() -> None:
    for change in (Headers().add, Headers().put, Headers().prepend):
        with pytest.raises(ValueError, match="not a header line"):
            change("Subject", "x\r\nContact: <sip:evil@example.com>")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 40,
        INVITE[:60],
        INVITE.replace(b"\r\n", b"\n"),
        INVITE.replace(b"Max-Forwards: 70", b"Max-Forwards: 70\nX: y"),
        INVITE.replace(b"INVITE sip", b"INV@TE sip"),
        b"SIP/2.0 099 Low\r\nTo: a\r\n\r\n",
        b"SIP/2.0 OK\r\nTo: a\r\n\r\n",
        INVITE.replace(b"\r\nTo:", b"\r\nX: y" * 300 + b"\r\nTo:"),
        INVITE.replace(b"\r\nTo:", b"\r\nX: " + b"y" * 40_000 + b"\r\nTo:"),
        INVITE + b"x" * MAX_MESSAGE_BYTES,
    ],
)
def test_what_cannot_be_told_apart_or_is_too_large_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_message(data)


def test_256_headers_of_32_kib_together_and_64_kib_in_all_are_let_in_and_not_one_more() -> None:
    lines = INVITE.count(b"\r\n") - 2  # the start line and the empty one are no headers
    most = INVITE.replace(b"\r\nTo:", b"\r\nX: y" * (MAX_HEADERS - lines) + b"\r\nTo:")
    assert len(parse_message(most).headers.all("X")) == MAX_HEADERS - lines
    with pytest.raises(MalformedMessage, match="more than 256 headers"):
        parse_message(most.replace(b"\r\nTo:", b"\r\nX: y\r\nTo:"))
    room = MAX_HEAD_BYTES - INVITE.index(b"\r\n\r\n") - len(b"\r\nX: ") - len(b"\r\n\r\n")
    padded = INVITE.replace(b"\r\nTo:", b"\r\nX: " + b"y" * room + b"\r\nTo:")
    assert len(parse_message(padded).headers.get("X") or "") == room
    with pytest.raises(MalformedMessage, match="headers do not end"):
        parse_message(padded.replace(b"yyy\r\n", b"yyyy\r\n"))
    long = INVITE + b"x" * (MAX_MESSAGE_BYTES - len(INVITE))
    assert parse_message(long).body
    with pytest.raises(MalformedMessage, match="message too large"):
        parse_message(long + b"x")


@pytest.mark.parametrize("line", [b"Max Forwards: 70", b": 70", b"stray words", b"\xff\x00: 1\r\n folded: 2"])
def test_rfc3261_8_2_a_line_that_is_no_header_is_passed_over(line: bytes) -> None:
    message = parse_message(INVITE.replace(b"Max-Forwards: 70", line + b"\r\nSubject: a\r\n b"))
    validate(message)
    assert message.headers.get("Subject") == "a b"
    assert [name for name, _ in message.headers.items()] == [
        "Subject" if name == "Max-Forwards" else name for name, _ in parse_message(INVITE).headers.items()
    ]
    assert line not in message.to_bytes()


def test_rfc3261_7_5_line_breaks_before_the_start_line_are_passed_over() -> None:
    assert parse_message(b"\r\n\r\n" + INVITE).to_bytes() == INVITE


def test_rfc3261_20_14_content_length_says_where_the_body_ends() -> None:
    message = parse_message(INVITE + b"garbage")
    assert message.body == b"v=0\n"
    message.body = b"longer"
    assert message.to_bytes().endswith(b"Content-Length: 6\r\n\r\nlonger")


def test_response_without_reason_is_read_and_unknown_status_gets_the_phrase_of_its_class() -> None:
    message = parse_message(b"SIP/2.0 200\r\nTo: <sip:a@b>\r\n\r\n")
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (200, "")
    assert Response(499).reason == "Bad Request"


def test_broken_utf8_in_a_name_is_kept_on_the_wire_and_readable_for_us() -> None:
    latin = INVITE.replace(b"Anna", b"Zo\xeb")
    message = parse_message(latin)
    assert message.to_bytes() == latin
    assert message.from_.display == "Nowak, Zo�"
    message.from_.display.encode("utf-8")


names = st.from_regex(r"X-[A-Za-z0-9\-.!%*_+`'~]{1,12}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40).map(
    lambda text: text.strip(" \t")
)
tokens = st.from_regex(r"[a-zA-Z0-9\-.!%*_+`'~]{1,12}", fullmatch=True)
words = st.from_regex(r"[a-zA-Z0-9\-_.!~*'()]{1,12}", fullmatch=True)


@st.composite
def messages(draw: st.DrawFn) -> Request | Response:
    headers = Headers(
        [
            ("Via", f"SIP/2.0/UDP {draw(st.ip_addresses(v=4))};branch=z9hG4bK{draw(tokens)}"),
            (
                "From",
                f"<sip:{draw(words)}@a.example>;tag={draw(st.from_regex(r'[a-z0-9]{1,8}', fullmatch=True))}",
            ),
            ("To", f"<sip:{draw(words)}@b.example>"),
            ("Call-ID", draw(words)),
            ("CSeq", f"{draw(st.integers(0, 2**31 - 1))} INVITE"),
            *draw(st.lists(st.tuples(names, values), max_size=6)),
        ]
    )
    body = draw(st.binary(max_size=60))
    if draw(st.booleans()):
        return Request("INVITE", f"sip:{draw(words)}@c.example", headers, body)
    return Response(draw(st.integers(100, 699)), draw(values), headers, body)


@settings(max_examples=150)
@given(messages())
def test_any_message_that_we_write_is_read_back_the_same(message: Request | Response) -> None:
    wire = message.to_bytes()
    again = parse_message(wire)
    validate(again)
    assert again.to_bytes() == wire
    assert (again.start_line(), again.body) == (message.start_line(), message.body)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=300), st.tuples(st.integers(0, len(INVITE)), st.binary(max_size=12))))
def test_random_octets_raise_malformed_message_and_nothing_else(noise: bytes | tuple[int, bytes]) -> None:
    if isinstance(noise, tuple):
        at, octets = noise
        noise = INVITE[:at] + octets + INVITE[at + len(octets) :]
    try:
        message = parse_message(noise)
        message.to_bytes()
        if isinstance(message, Request):
            response_to(message, 400, to_tag="t").to_bytes()
        validate(message)
        _ = message.vias, message.contacts, message.routes, message.expires, message.content_type
    except MalformedMessage:
        pass


@pytest.mark.parametrize(
    "value",
    [
        '"' + "\\" * 20_000,
        "<" * 20_000,
        " " * 20_000 + ",",
        ";" * 20_000,
        ";a=" * 9_000,
        '"a",' * 8_000,
        "a " * 15_000,
    ],
)
def test_no_header_value_costs_more_than_milliseconds(value: str) -> None:
    message = request(Contact=value, From=value, Via=value)
    started = time.process_time()
    for read in (lambda: message.contacts, lambda: message.from_, lambda: message.via):
        with pytest.raises(MalformedMessage):
            read()
    assert time.process_time() - started < 0.25


def test_parse_is_cheap_enough_for_a_flood_of_invites() -> None:
    parse_message(INVITE)
    assert calls_of(lambda: parse_message(INVITE)) < 100  # functions, 68 in these 10 µs


def test_request_uri_is_a_value_on_demand() -> None:
    target = request().target
    assert isinstance(target, SipUri)
    assert (target.user, target.host, target.parameter("user")) == (
        "+48221234567",
        "pbx.example.com",
        "phone",
    )


def test_a_request_that_was_packed_is_read_and_written_as_before() -> None:
    plain, packed = request(), request()
    for message in (plain, packed):
        message.note_source("192.0.2.9", 5999)
    for _ in range(2):  # a second time changes nothing
        packed.pack()
    assert packed.headers.is_packed
    assert packed.via == plain.via
    assert not packed.headers.is_packed
    packed.pack()
    assert list(packed.headers.items()) == list(plain.headers.items())
    packed.pack()
    assert packed.to_bytes() == plain.to_bytes()
