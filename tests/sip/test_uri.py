"""URIs: RFC 3261 §19.1 and RFC 3966, and the links that people really write."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import readable
from b2bua.sip.uri import OtherUri, SipUri, TelUri, parse_uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:[2001:db8::9:1]:5061;lr",
        "sip:a%40b@host",
        "tel:+48221234567",
        "tel:7042;phone-context=example.com",
        "mailto:anna@example.com",
    ],
)
def test_rfc3261_19_1_3_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_uri(text)) == text


def test_rfc3261_19_1_1_parts_of_a_sip_uri() -> None:
    uri = parse_uri("SIPS:anna:pw@[2001:DB8::1]:5061;transport=tcp;lr?Subject=x")
    assert uri == SipUri(
        user="anna",
        password="pw",
        host="2001:DB8::1",
        port=5061,
        is_secure=True,
        parameters=(("transport", "tcp"), ("lr", None)),
        headers="Subject=x",
    )
    assert isinstance(uri, SipUri)
    assert (uri.parameter("transport"), uri.parameter("lr"), uri.parameter("maddr")) == ("tcp", "", None)


def test_rfc3261_19_1_4_needless_escapes_make_no_difference_and_needed_ones_do() -> None:
    assert parse_uri("sip:%61nna@h") == parse_uri("sip:anna@h")
    assert parse_uri("sip:a%3bb@h") == parse_uri("sip:a%3Bb@h") != parse_uri("sip:a;b@h")
    star = parse_uri("sip:*98#@h")
    assert isinstance(star, SipUri)
    assert (str(star), star.user_text) == ("sip:*98%23@h", "*98#")
    two_lines = parse_uri("sip:a%0D%0Ab@h")
    assert isinstance(two_lines, SipUri)
    assert str(two_lines) == "sip:a%0D%0Ab@h"
    assert two_lines.user_text == f"a{2 * chr(0xFFFD)}b"


def test_what_a_program_puts_into_a_user_is_escaped() -> None:
    uri = SipUri(user="anna nowak@home>", host="h")
    assert str(uri) == "sip:anna%20nowak%40home%3E@h"
    assert str(uri.with_(user="+48 1").with_parameter("user", "phone")) == "sip:+48%201@h;user=phone"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:a@b@c",
        "sip:a@h:99999",
        "sip:a@h:",
        "sip:a@h:5060x",
        "sip:a@h;",
        "sip:a@h;;lr",
        "sip:a@h;x=",
        "sip:a@[::1",
        "sip:a@[1234]",
        "sip:a@h b",
        "sip:a%4@h",
        "sip:a@-h",
        "sip:a@h\r\nX: y",
        "anna",
        "1:2",
        "tel:",
        "tel:+",
        "tel:anna",
        "tel:1234;phone-context=",
        "tel:1234;phone-context=_",
    ],
)
def test_what_is_no_uri_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        parse_uri(text)


@pytest.mark.parametrize(
    ("text", "number", "post_dial"),
    [
        ("tel:+48221234567", "+48221234567", ""),
        ("tel:+48-22-123.45(67)", "+48221234567", ""),
        ("TEL:+48%2022%20123%2045%2067", "+48221234567", ""),
        ("tel:+48 22 123 45 67", "+48221234567", ""),
        ("tel:+48221234567,555", "+48221234567", ",555"),
        ("tel:+48221234567,,5-55", "+48221234567", ",,555"),
        ("tel:+48221234567%2C555%23", "+48221234567", ",555#"),
        ("tel:+48221234567p555", "+48221234567", ",555"),
        ("tel:+48221234567P555W1", "+48221234567", ",555w1"),
        ("tel:+48221234567;postd=pp22", "+48221234567", ",,22"),
        ("tel:+48221234567;postd=22", "+48221234567", "22"),
        ("tel:112", "112", ""),
        ("tel:*98%23", "*98#", ""),
    ],
)
def test_rfc3966_number_and_what_to_dial_after_the_answer(text: str, number: str, post_dial: str) -> None:
    uri = parse_uri(text)
    assert isinstance(uri, TelUri)
    assert (uri.number, uri.post_dial) == (number, post_dial)
    assert parse_uri(str(uri)) == uri


def test_rfc3966_3_parameters_of_a_local_number() -> None:
    uri = TelUri.parse("tel:863-1234;phone-context=+1-914-555;ext=12-3;isub=99;x-vendor")
    assert (uri.number, uri.is_global, uri.context) == ("8631234", False, "+1914555")
    assert (uri.extension, uri.subaddress, uri.parameter("x-vendor")) == ("123", "99", "")


def test_rfc3966_5_1_5_context_may_be_a_domain_and_number_may_be_global() -> None:
    assert TelUri.parse("tel:7042;phone-context=example.com").context == "example.com"
    assert TelUri.parse("tel:+7042").is_global


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("sip:+48-22-1234567;ext=5@gw.example;user=phone", "+48221234567"),
        ("sip:+48221234567@gw.example", "+48221234567"),
        ("sip:%2b48221234567;npdi;rn=%2B48601@gw.example", "+48221234567"),
        ("sip:221234567;phone-context=%2B48@gw.example", "221234567"),
        ("sip:*98%23@office", "*98#"),
        ("sip:cafe@office", None),
        ("sip:cafe@office;user=phone", "cafe"),
        ("sip:anna@office", None),
        ("sip:office", None),
    ],
)
def test_rfc3261_19_1_6_user_part_may_be_a_telephone_number(text: str, number: str | None) -> None:
    telephone = SipUri.parse(text).telephone
    assert (telephone and telephone.number) == number


def test_other_schemes_are_kept_as_they_are() -> None:
    assert parse_uri("HTTP://example.com/a?b") == OtherUri("http", "//example.com/a?b")


users = st.text(st.characters(codec="utf-8", exclude_characters="%:"), min_size=1, max_size=20)
hosts = st.one_of(
    st.ip_addresses().map(str), st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
)
pieces = st.from_regex(r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$]{1,8}", fullmatch=True)


@settings(max_examples=200)
@given(
    user=st.none() | users,
    host=hosts,
    port=st.none() | st.integers(0, 65535),
    parameters=st.lists(st.tuples(pieces, st.none() | pieces), max_size=3),
)
def test_any_sip_uri_that_we_write_is_read_back(
    user: str | None, host: str, port: int | None, parameters: list[tuple[str, str | None]]
) -> None:
    text = str(SipUri(user=user, host=host, port=port, parameters=tuple(parameters)))
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    assert (uri.user_text, uri.host, uri.port) == (readable(user or ""), host, port)
    assert uri.parameters == tuple(parameters)
    assert str(uri) == text


@settings(max_examples=300)
@given(st.text(max_size=40), st.sampled_from(["sip:", "sips:", "tel:", ""]))
def test_any_text_is_a_uri_or_malformed(text: str, scheme: str) -> None:
    try:
        uri = parse_uri(scheme + text)
    except MalformedMessage:
        return
    assert parse_uri(str(uri)) == uri
