"""Typed header values and the grammar below them (RFC 3261 §20, §25.1)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.errors import MalformedMessage
from b2bua.sip.causes import COMPLETED_ELSEWHERE, Reason, reason_phrase
from b2bua.sip.grammar import parse_parameters, quote, split_list, unquote
from b2bua.sip.headers import CSeq, NameAddr, Via
from b2bua.sip.uri import SipUri


def test_rfc3261_20_10_without_brackets_the_parameters_are_the_headers() -> None:
    bare, bracketed = NameAddr.parse("sip:a@b;tag=1"), NameAddr.parse("<sip:a@b;tag=1>")
    assert (bare.tag, bracketed.tag) == ("1", None)
    assert bracketed.uri == SipUri(user="a", host="b", parameters=(("tag", "1"),))


@pytest.mark.parametrize(
    "text", ["sip:a@b?x=y", "sip:a,b@c", "<sip:a@b>x", "<sip:a@b>;", "<sip:a@b>;=1", "a b", ""]
)
def test_rfc3261_20_10_what_is_no_address_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        NameAddr.parse(text)


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ('"A \\"B\\", \\\\ <c>" <sip:a@b>', 'A "B", \\ <c>'),
        ("Anna  Nowak <sip:a@b>", "Anna  Nowak"),
        ("Żółć<sip:a@b>", "Żółć"),
        ("anna@office <sip:a@b>", "anna@office"),
        ('""<sip:a@b>', ""),
        ("<sip:a@b>", ""),
    ],
)
def test_rfc3261_25_1_display_name_is_read_and_written_quoted(text: str, display: str) -> None:
    address = NameAddr.parse(text)
    assert address.display == display
    assert NameAddr.parse(str(address)) == address


def test_tag_is_put_and_replaced() -> None:
    address = NameAddr.parse("<sip:a@b>;x=1")
    assert str(address.with_tag("t")) == "<sip:a@b>;x=1;tag=t"
    assert str(address.with_tag("t").with_tag("u").with_parameter("y")) == "<sip:a@b>;x=1;tag=u;y"
    assert str(address.with_tag("t").without_parameters()) == "<sip:a@b>"


def test_rfc3581_4_via_notes_where_the_request_came_from() -> None:
    asks = Via.parse("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1").with_source("192.0.2.1", 40000)
    assert str(asks) == "SIP/2.0/UDP 10.0.0.1:5060;rport=40000;branch=z9hG4bK1;received=192.0.2.1"
    assert (asks.rport, asks.received) == (40000, "192.0.2.1")
    plain = Via.parse("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1")
    assert plain.with_source("10.0.0.1", 40000) == plain
    assert plain.with_source("192.0.2.1", 40000).received == "192.0.2.1"


def test_rfc5118_4_5_ipv6_in_via_is_understood_with_and_without_brackets() -> None:
    for received in ("[2001:db8::9:255]", "2001:db8::9:255"):
        via = Via.parse(f"SIP/2.0/UDP [2001:db8::9:1]:6050;received={received};branch=z9hG4bKas3-111")
        assert (via.host, via.port, via.received) == ("2001:db8::9:1", 6050, "2001:db8::9:255")


@pytest.mark.parametrize(
    "text", ["SIP/2.0/UDP a:99999", "SIP/2.0/U@P a", "SIP/2.0/UDP a b", "a", "SIP/2.0/UDP a;;b"]
)
def test_rfc3261_20_42_what_is_no_via_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        Via.parse(text)


def test_rfc3261_20_16_cseq() -> None:
    assert CSeq.parse(" 0042 \t INVITE ") == CSeq(42, "INVITE")
    assert str(CSeq(42, "INVITE")) == "42 INVITE"


def test_rfc3261_25_1_lists_are_split_outside_quotes_and_brackets() -> None:
    assert split_list('"a,\\"b" <sip:x,y> ;q=1, c') == ['"a,\\"b" <sip:x,y> ;q=1', "c"]
    for text in ('"a', "<a", "a,,b", "a,", ""):
        with pytest.raises(MalformedMessage):
            split_list(text)


def test_rfc3261_25_1_parameters_keep_their_order_and_spelling() -> None:
    parameters = parse_parameters(' ; A = 1;b ;c="x;y" ; d=[::1]:5')
    assert parameters == (("A", "1"), ("b", None), ("c", '"x;y"'), ("d", "[::1]:5"))


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_rfc3261_25_1_any_text_survives_quoting(text: str) -> None:
    assert unquote(quote(text)) == text
    assert parse_parameters(f";x={quote(text)}") == (("x", quote(text)),)


@settings(max_examples=200)
@given(st.text(max_size=40), st.sampled_from([NameAddr, Via, CSeq, Reason]))
def test_any_text_is_a_value_or_malformed(text: str, kind: type[NameAddr | Via | CSeq | Reason]) -> None:
    with suppress(MalformedMessage):
        kind.parse(text)


def test_rfc3326_2_reason_says_who_took_the_call() -> None:
    assert COMPLETED_ELSEWHERE == 'SIP;cause=200;text="Call completed elsewhere"'
    assert Reason.parse(' Q.850 ;cause=16 ; text="a;\\"b"') == Reason("Q.850", 16, 'a;"b')
    assert Reason.parse(COMPLETED_ELSEWHERE).cause == 200


def test_rfc3261_21_reason_phrases() -> None:
    assert [reason_phrase(status) for status in (180, 486, 199, 699)] == [
        "Ringing",
        "Busy Here",
        "Early Dialog Terminated",
        "Busy Everywhere",
    ]
