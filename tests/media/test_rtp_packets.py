"""RTP and RTCP packets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import MalformedMedia
from media.rtp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtpPacket,
    SenderReport,
    SourceDescription,
    build_rtcp,
    is_rtcp,
    parse_rtcp,
    sequence_delta,
    timestamp_delta,
)

PACKET = RtpPacket(8, 65_535, 0xFFFF_FF60, 0x1234_5678, marker=True, payload=b"\xd5" * 160)
BLOCK = ReportBlock(
    7, fraction_lost=12, lost=-3, highest_sequence=70_000, jitter=40, last_sr=5, delay_since_last_sr=6
)


def test_rfc3550_5_1_the_header_stands_where_it_must() -> None:
    assert PACKET.to_bytes()[:12].hex() == "8088ffffffffff6012345678"
    assert RtpPacket.parse(PACKET.to_bytes()) == PACKET


def test_padding_contributing_sources_and_extension_are_read_over() -> None:
    header = bytes.fromhex("b2080001000000a0000000ff") + bytes(8)  # padded, extended, two sources
    extension = bytes.fromhex("bede0001") + bytes(4)
    packet = RtpPacket.parse(header + extension + b"audio" + b"\0\0\x03")
    assert (packet.payload, packet.sequence, packet.timestamp, packet.ssrc) == (b"audio", 1, 160, 255)


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "8008000100000000000000",
        "0008000100000000000000ff",  # version 0
        "8108000100000000000000ff",  # a source that is not there
        "9008000100000000000000ff",  # an extension that is not there
        "9008000100000000000000ffbede0001",  # its body is not there
        "a008000100000000000000ff05",  # more padding than payload
        "a008000100000000000000ff00",  # padding must count itself
    ],
)
def test_what_is_shorter_than_it_says_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedMedia):
        RtpPacket.parse(bytes.fromhex(octets))


def test_numbers_are_compared_across_their_wrap() -> None:
    assert [sequence_delta(2, 65_535), sequence_delta(65_535, 2), sequence_delta(7, 7)] == [3, -3, 0]
    assert [timestamp_delta(160, 0xFFFF_FF60), timestamp_delta(0xFFFF_FF60, 160)] == [320, -320]


@given(st.integers(0, 0xFFFF), st.integers(-0x8000, 0x7FFF))
def test_a_delta_undoes_an_addition(number: int, step: int) -> None:
    assert sequence_delta((number + step) & 0xFFFF, number) == step


def test_rfc5761_4_rtcp_is_told_from_rtp_on_one_port() -> None:
    assert is_rtcp(ReceiverReport(1).to_bytes())
    assert not is_rtcp(PACKET.to_bytes())
    assert not is_rtcp(b"\x80\xc8")


def test_rfc3550_6_1_a_compound_of_reports_name_and_goodbye() -> None:
    report = SenderReport(1, 2**63 + 5, 160, packets=50, octets=8000, blocks=(BLOCK,))
    compound = build_rtcp(report, SourceDescription(1, "x7"), Goodbye((1, 2)))
    assert len(compound) % 4 == 0
    assert parse_rtcp(compound) == (report, Goodbye((1, 2)))
    assert parse_rtcp(build_rtcp(ReceiverReport(3, (BLOCK, BLOCK)))) == (ReceiverReport(3, (BLOCK, BLOCK)),)


@pytest.mark.parametrize("name", ["", "a", "ab", "abc", "abcd", "abcde"])
def test_rfc3550_6_5_a_name_of_any_length_ends_in_a_zero_on_a_word_border(name: str) -> None:
    packet = SourceDescription(1, name).to_bytes()
    assert len(packet) == 4 * (1 + int.from_bytes(packet[2:4], "big"))
    assert packet[8:].rstrip(b"\0") == (bytes((1, len(name))) + name.encode()).rstrip(b"\0")
    assert packet.endswith(b"\0")


@pytest.mark.parametrize(
    "octets", ["", "80c80001", "81c9000100000001", "82cb000100000001", "80c9000100000001ff"]
)
def test_rtcp_that_breaks_off_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedMedia):
        parse_rtcp(bytes.fromhex(octets))


@settings(max_examples=300)
@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\x80\x08", b"\x81\xc8\x00\x06", b"\x83\xcb\x00\x01", b"\xb1\x00"]),
)
def test_no_bytes_raise_anything_but_malformed_media(tail: bytes, head: bytes) -> None:
    for parse in (RtpPacket.parse, parse_rtcp):
        try:
            parse(head + tail)
        except MalformedMedia:
            continue
