"""Offer and answer of one audio stream (RFC 3264)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from media.errors import MalformedMedia, NoCommonCodec
from media.sdp import LocalMedia, SessionDescription, StreamAgreement, make_answer, make_offer, read_answer

PHONES = Path(__file__).parent.parent / "data" / "sdp"
OURS = LocalMedia("198.51.100.1", 10_000, session_id=4711, version=3)


def phone(name: str) -> bytes:
    return (PHONES / f"{name}.sdp").read_bytes()


def answer_to(name: str, local: LocalMedia = OURS, prefer: str | None = None) -> StreamAgreement:
    return make_answer(phone(name), local, prefer=prefer)[1]


def lines(body: bytes) -> list[str]:
    return body.decode().split("\r\n")


def test_an_offer_has_our_address_all_codecs_and_events() -> None:
    assert lines(make_offer(OURS)) == [
        "v=0",
        "o=- 4711 3 IN IP4 198.51.100.1",
        "s=-",
        "c=IN IP4 198.51.100.1",
        "t=0 0",
        "m=audio 10000 RTP/AVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_an_offer_may_put_on_hold_and_speak_ipv6() -> None:
    offer = lines(make_offer(replace(OURS, address="2001:db8::1", codecs=("G722",)), direction="sendonly"))
    assert "c=IN IP6 2001:db8::1" in offer
    assert "m=audio 10000 RTP/AVP 9 101" in offer
    assert "a=sendonly" in offer


@pytest.mark.parametrize(
    ("name", "remote", "codec", "event", "ptime_ms"),
    [
        ("linphone-offer", ("192.0.2.21", 7078), "PCMU", 100, 20),
        ("yealink-offer", ("192.0.2.31", 11780), "PCMU", 101, 20),
        ("cisco-spa-offer", ("192.0.2.41", 16384), "PCMU", 101, 30),
        ("cisco-ios-gateway-offer", ("192.0.2.43", 17256), "PCMA", 101, 20),
        ("asterisk-offer", ("192.0.2.51", 14922), "PCMA", 101, 20),
        ("freeswitch-offer", ("192.0.2.61", 26834), "PCMU", 101, 20),
        ("static-without-rtpmap", ("192.0.2.71", 5004), "PCMU", None, 20),
        ("bundled-softphone-offer", ("192.0.2.93", 40100), "PCMU", 126, 20),
        ("latin1-and-bare-line-feeds", ("192.0.2.94", 5004), "PCMA", 101, 20),
        ("several-streams", ("192.0.2.91", 5004), "PCMA", 101, 20),
    ],
)
def test_real_phones_are_answered_with_the_first_codec_they_share(
    name: str, remote: tuple[str, int], codec: str, event: int | None, ptime_ms: int
) -> None:
    number = {"PCMU": 0, "PCMA": 8}[codec]
    agreement = answer_to(name)
    assert agreement.accepts[0] == (number, codec)
    assert replace(agreement, accepts=agreement.accepts[:1], shared=()) == StreamAgreement(
        remote=remote,
        codec=codec,
        payload_type=number,
        accepts=((number, codec),),
        telephone_event=event,
        receives_event=event,
        ptime_ms=ptime_ms,
        sends=True,
        receives=True,
        is_multiplexed=b"rtcp-mux" in phone(name),
    )


def test_rfc3264_6_1_who_sends_another_codec_than_was_answered_but_had_offered_it_is_understood() -> None:
    assert answer_to("yealink-offer").accepts == ((0, "PCMU"), (8, "PCMA"))
    assert answer_to("yealink-offer", prefer="PCMA").accepts == ((8, "PCMA"), (0, "PCMU"))


def test_the_codec_of_the_other_leg_is_preferred_if_it_is_offered_at_all() -> None:
    assert answer_to("yealink-offer", prefer="PCMA").codec == "PCMA"
    assert answer_to("asterisk-offer", prefer="G722").codec == "PCMA"


def test_wideband_is_taken_where_we_have_it() -> None:
    agreement = answer_to("freeswitch-offer", replace(OURS, codecs=("G722", "PCMA")))
    assert (agreement.codec, agreement.payload_type) == ("G722", 9)


def test_rfc3551_4_5_2_g722_written_with_its_sampling_rate_is_g722_all_the_same() -> None:
    offer = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 G722/16000\r\n"
    answer, agreement = make_answer(offer, replace(OURS, codecs=("G722",)))
    assert (agreement.codec, agreement.payload_type) == ("G722", 96)
    assert "a=rtpmap:96 G722/8000" in lines(answer)


def test_ipv6_is_answered_by_ipv6_and_refused_by_ipv4() -> None:
    assert answer_to("ipv6-offer", replace(OURS, address="2001:db8::1")).remote == ("2001:db8::71", 5004)
    with pytest.raises(NoCommonCodec, match="IPv4"):
        answer_to("ipv6-offer")


def test_rfc3264_6_an_answer_keeps_the_order_of_streams_and_refuses_what_we_do_not_take() -> None:
    answer, _ = make_answer(phone("several-streams"), OURS)
    assert [line for line in lines(answer) if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 34",
        "m=audio 0 RTP/AVP 8",
        "m=audio 0 RTP/SAVP 8",
        "m=audio 10000 RTP/AVP 8 101",
        "m=image 0 udptl t38",
        "m=application 0 UDP/BFCP *",
    ]


def test_an_answer_uses_the_offerers_numbers_and_protocol() -> None:
    answer = lines(make_answer(phone("linphone-offer"), OURS)[0])
    assert "m=audio 10000 RTP/AVPF 0 100" in answer
    assert "a=rtpmap:100 telephone-event/8000" in answer
    assert "a=fmtp:100 0-15" in answer


@pytest.mark.parametrize(
    ("name", "direction", "sends", "receives", "has_address"),
    [
        ("yealink-hold", "recvonly", False, True, True),
        ("recvonly-offer", "sendonly", True, False, True),
        ("inactive-in-the-session-part", "inactive", False, False, True),
        ("old-hold-by-zero-address", "recvonly", False, True, False),
    ],
)
def test_d9_rfc3264_8_4_hold_is_answered_in_kind(
    name: str, direction: str, sends: bool, receives: bool, has_address: bool
) -> None:
    answer, agreement = make_answer(phone(name), OURS)
    assert f"a={direction}" in lines(answer)
    assert (agreement.sends, agreement.receives) == (sends, receives)
    assert (agreement.remote is not None) == has_address


@pytest.mark.parametrize("address", ["IN IP6 ::", "IN IP4 anonymous.invalid"])
def test_rfc6157_other_ways_to_write_no_address_are_hold_too(address: str) -> None:
    offer = phone("old-hold-by-zero-address").replace(b"IN IP4 0.0.0.0", address.encode())
    agreement = make_answer(offer, OURS)[1]
    assert (agreement.remote, agreement.sends, agreement.receives) == (None, False, True)


@pytest.mark.parametrize("name", sorted(path.stem for path in PHONES.glob("*-offer.sdp")))
def test_what_we_describe_tells_no_address_name_or_attribute_of_anybody_else(name: str) -> None:
    local = replace(OURS, address="2001:db8::1") if name.startswith("ipv6") else OURS
    answer = make_answer(phone(name), local)[0].decode()
    assert set(re.findall(r"IN IP[46] (\S+)", answer)) == {local.address}
    assert "192.0.2." not in answer
    assert "2001:db8::71" not in answer
    known = ("rtcp-mux", "rtpmap", "fmtp", "ptime", "sendrecv", "sendonly", "recvonly", "inactive")
    assert all(line[2:].startswith(known) for line in answer.split("\r\n") if line.startswith("a="))


def test_fax_is_not_acceptable() -> None:
    with pytest.raises(NoCommonCodec, match="t38"):
        answer_to("fax-reinvite")


def test_rfc8866_5_7_a_host_name_is_an_address_that_is_to_be_looked_up() -> None:
    agreement = answer_to("address-is-a-host-name")
    assert agreement.remote == ("phone.example", 6000)
    assert agreement.sends


@pytest.mark.parametrize("name", ["phone", "1.2.3", "999.1.1.1", "a..b.example", "-a.example", "a b.example"])
def test_what_is_neither_an_address_nor_the_full_name_of_a_host_is_malformed(name: str) -> None:
    with pytest.raises(MalformedMedia):
        make_answer(offer_at(f"IN IP4 {name}"), BOTH)


@pytest.mark.parametrize(
    "address",
    ["IN IP4 224.2.1.1/127", "IN IP4 255.255.255.255", "IN IP6 ff15::101", "IN IP6 ::ffff:239.1.1.1"],
)
def test_a_caller_who_wants_sound_sent_to_a_whole_network_is_refused(address: str) -> None:
    with pytest.raises(MalformedMedia, match="not the address of one host"):
        make_answer(offer_at(address), BOTH)


@pytest.mark.parametrize(
    ("ptime", "maxptime", "ms"),
    [
        ("20", None, 20),
        ("30", None, 30),
        ("35", None, 30),
        ("200", None, 60),
        ("5", None, 10),
        ("20", "10", 10),
        (None, "10", 10),
        (None, "150", 20),
        ("0", "0", 20),
        ("many", "x", 20),
        ("20.5", None, 20),
    ],
)
def test_packets_are_as_long_as_the_peer_wants_within_reason(
    ptime: str | None, maxptime: str | None, ms: int
) -> None:
    offer = phone("static-without-rtpmap").decode()
    offer += f"a=ptime:{ptime}\r\n" if ptime else ""
    offer += f"a=maxptime:{maxptime}\r\n" if maxptime else ""
    assert make_answer(offer.encode(), OURS)[1].ptime_ms == ms


def test_of_several_answered_codecs_the_first_is_sent_and_all_offered_may_come() -> None:
    assert read_answer(make_offer(OURS), phone("answer-with-several-codecs")) == StreamAgreement(
        remote=("192.0.2.95", 6000),
        codec="PCMU",
        payload_type=0,
        accepts=((8, "PCMA"), (0, "PCMU")),
        telephone_event=96,
        receives_event=101,
        ptime_ms=30,
        sends=True,
        receives=True,
    )


def test_events_are_taken_under_our_number_and_under_the_answerers_own() -> None:
    agreement = read_answer(make_offer(OURS), phone("answer-with-several-codecs"))
    assert agreement.event_rates == {96: 8000, 101: 8000}


def test_an_answer_without_rtpmap_means_what_was_offered() -> None:
    agreement = read_answer(make_offer(OURS), phone("answer-without-rtpmap"))
    assert (agreement.codec, agreement.telephone_event) == ("PCMA", 101)


def test_an_answer_without_events_leaves_us_listening_for_them() -> None:
    agreement = read_answer(make_offer(OURS), phone("static-without-rtpmap"))
    assert (agreement.telephone_event, agreement.receives_event) == (None, 101)


@pytest.mark.parametrize("name", ["answer-refusing", "answer-with-another-codec", "fax-reinvite"])
def test_a_refused_stream_is_no_common_codec(name: str) -> None:
    with pytest.raises(NoCommonCodec):
        read_answer(make_offer(OURS), phone(name))


@pytest.mark.parametrize(
    ("offered", "answered", "sends", "receives"),
    [
        ("sendonly", "recvonly", True, False),
        ("sendonly", "sendrecv", True, False),
        ("inactive", "inactive", False, False),
        ("sendrecv", "sendonly", False, True),
        ("recvonly", "sendrecv", False, True),
        ("sendrecv", "recvonly", True, False),
    ],
)
def test_rfc3264_7_direction_is_what_both_sides_want(
    offered: str, answered: str, sends: bool, receives: bool
) -> None:
    answer = phone("answer-without-rtpmap") + f"a={answered}\r\n".encode()
    agreement = read_answer(make_offer(OURS, direction=offered), answer)
    assert (agreement.sends, agreement.receives) == (sends, receives)


def test_d9_an_answer_without_address_is_not_sent_to() -> None:
    answer = phone("answer-without-rtpmap").replace(b"c=IN IP4 192.0.2.96", b"c=IN IP4 0.0.0.0")
    agreement = read_answer(make_offer(OURS), answer)
    assert (agreement.remote, agreement.sends, agreement.receives) == (None, False, True)


def test_payload_types_that_are_no_numbers_or_too_large_are_passed_over() -> None:
    offer = phone("static-without-rtpmap").replace(
        b"RTP/AVP 0 8", b"RTP/AVP * 0x8 128 " + b"9" * 5000 + b" 8 8"
    )
    assert make_answer(offer, OURS)[1].accepts == ((8, "PCMA"),)


def test_both_sides_of_our_own_offer_and_answer_agree() -> None:
    offer = make_offer(replace(OURS, codecs=("G722", "PCMU")))
    answer, theirs = make_answer(offer, replace(OURS, address="198.51.100.2", codecs=("PCMU", "PCMA")))
    ours = read_answer(offer, answer)
    assert (ours.codec, ours.payload_type, ours.telephone_event) == ("PCMU", 0, 101)
    assert (theirs.codec, theirs.remote, ours.remote) == (
        "PCMU",
        ("198.51.100.1", 10_000),
        ("198.51.100.2", 10_000),
    )
    assert len(SessionDescription.parse(answer).media) == 1


BOTH = replace(OURS, other_address="2001:db8::1")


def offer_at(*connections: str) -> bytes:
    """Return an offer of one audio stream for each ``c=`` line."""
    streams = (
        f"m=audio {4000 + 2 * index} RTP/AVP 8\r\nc={one}\r\n" for index, one in enumerate(connections)
    )
    return f"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n{''.join(streams)}".encode()


def connection(body: bytes) -> str | None:
    description = SessionDescription.parse(body)
    return description.connection_of(description.media[0])


@pytest.mark.parametrize(
    ("offered", "answered", "remote"),
    [
        ("IN IP4 192.0.2.7", "198.51.100.1", ("192.0.2.7", 4000)),
        ("IN IP6 2001:DB8:0::7", "2001:db8::1", ("2001:db8::7", 4000)),
        ("IN IP6 ::ffff:192.0.2.7", "198.51.100.1", ("192.0.2.7", 4000)),
        ("IN IP6 fe80::7%eth0", "2001:db8::1", ("fe80::7", 4000)),
        ("IN IP4 0.0.0.0", "198.51.100.1", None),
        ("IN IP6 ::", "2001:db8::1", None),
        ("IN IP6 unknown.invalid", "198.51.100.1", None),
    ],
)
def test_rfc6157_4_1_who_has_both_ip_versions_answers_by_the_one_of_the_offer(
    offered: str, answered: str, remote: tuple[str, int] | None
) -> None:
    answer, agreement = make_answer(offer_at(offered), BOTH)
    assert connection(answer) == answered
    assert agreement.remote == remote
    if remote is not None:
        after = BOTH.after(agreement)
        assert (after.address, after.origin) == (answered, answered)


def test_rfc4091_5_of_the_same_stream_by_both_ip_versions_one_is_taken() -> None:
    offer = offer_at("IN IP6 2001:db8::7", "IN IP4 192.0.2.7").replace(b"t=0 0", b"t=0 0\r\na=group:ANAT 1 2")
    for local, ports in ((BOTH, [10_000, 0]), (OURS, [0, 10_000])):
        answer = SessionDescription.parse(make_answer(offer, local)[0])
        assert [stream.port for stream in answer.media] == ports
        assert b"ANAT" not in answer.to_bytes()


def test_an_offer_of_ours_names_one_ip_version_only() -> None:
    assert b"IP6" not in make_offer(BOTH)
    assert b"IP4" not in make_offer(BOTH.by(6))


def test_rfc3264_8_the_origin_keeps_its_address_when_the_sound_moves_to_the_other_ip_version() -> None:
    _, agreement = make_answer(offer_at("IN IP4 192.0.2.7"), BOTH)
    answer, _ = make_answer(offer_at("IN IP6 2001:db8::7"), replace(BOTH.after(agreement), version=4))
    assert lines(answer)[1] == "o=- 4711 4 IN IP4 198.51.100.1"
    assert connection(answer) == "2001:db8::1"


def test_an_answer_by_an_ip_version_that_we_do_not_have_is_refused() -> None:
    agreement = read_answer(make_offer(OURS), offer_at("IN IP6 2001:db8::7"))
    with pytest.raises(NoCommonCodec, match="IPv6, which we do not have"):
        OURS.after(agreement)
    assert BOTH.after(agreement).address == "2001:db8::1"


def test_rfc4007_11_2_our_own_zone_is_not_told() -> None:
    assert b"%" not in make_offer(replace(OURS, address="fe80::1%eth0"))
