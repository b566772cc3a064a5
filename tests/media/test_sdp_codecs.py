"""Codecs, clocks and payload types in offer and answer (RFC 3264, RFC 7587, RFC 4733)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.encoding import Encoding
from media.errors import NoCommonCodec
from media.sdp import LocalMedia, StreamAgreement, make_answer, make_offer, read_answer

OURS = LocalMedia("198.51.100.1", 10_000, 4711, 3, codecs=("opus", "G722", "PCMA", "PCMU"))
THEIRS = LocalMedia("192.0.2.7", 4000, 1, 1, codecs=("opus", "G722", "PCMA", "PCMU"))


def offer(media: str, *attributes: str) -> bytes:
    """Return an offer with one audio stream."""
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
    return (head + f"m={media}\r\n" + "".join(f"a={line}\r\n" for line in attributes)).encode()


def lines(body: bytes) -> list[str]:
    return body.decode().split("\r\n")


def settled(offered: bytes, local: LocalMedia = OURS, prefer: str | None = None) -> StreamAgreement:
    return make_answer(offered, local, prefer=prefer)[1]


OPUS = offer(
    "audio 4000 RTP/AVP 96 9 8 97 98",
    "rtpmap:96 opus/48000/2",
    "fmtp:96 maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; useinbandfec=1",
    "rtpmap:97 telephone-event/8000",
    "rtpmap:98 telephone-event/48000",
    "x-unknown:kept",
)


def test_rfc7587_7_opus_is_offered_as_two_channels_at_48_khz_with_events_of_both_clocks() -> None:
    assert lines(make_offer(OURS))[5:-1] == [
        "m=audio 10000 RTP/AVP 111 9 8 0 101 110",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:111 useinbandfec=1;stereo=0;sprop-stereo=0",
        "a=fmtp:101 0-15",
        "a=fmtp:110 0-15",
        "a=ptime:20",
        "a=sendrecv",
    ]


def test_rfc3264_6_1_dynamic_payload_types_are_answered_with_the_offerers_numbers() -> None:
    answer, agreement = make_answer(OPUS, OURS)
    assert "m=audio 10000 RTP/AVP 96 98" in lines(answer)
    assert "a=rtpmap:96 opus/48000/2" in lines(answer)
    assert "a=rtpmap:98 telephone-event/48000" in lines(answer)
    assert (agreement.codec, agreement.payload_type, agreement.accepts[0]) == ("opus", 96, (96, "opus"))
    assert (agreement.telephone_event, agreement.event_rate_hz) == (98, 48_000)
    assert agreement.event_rates == {98: 48_000}


def test_rfc4733_2_1_events_have_the_clock_of_the_codec_that_is_taken() -> None:
    agreement = settled(OPUS, prefer="PCMA")
    assert (agreement.codec, agreement.telephone_event, agreement.event_rate_hz) == ("PCMA", 97, 8000)


def test_a_phone_with_opus_that_has_events_of_8_khz_alone_gets_those() -> None:
    offered = OPUS.replace(b"a=rtpmap:98 telephone-event/48000\r\n", b"")
    agreement = settled(offered)
    assert (agreement.codec, agreement.telephone_event, agreement.event_rate_hz) == ("opus", 97, 8000)


@pytest.mark.parametrize("rtpmap", ["opus/48000", "opus/16000/2", "opus/48000/1"])
def test_rfc7587_7_opus_written_otherwise_is_not_opus(rtpmap: str) -> None:
    with pytest.raises(NoCommonCodec):
        settled(offer("audio 4000 RTP/AVP 96", f"rtpmap:96 {rtpmap}"))


@pytest.mark.parametrize(
    ("fmtp", "bit_rate"),
    [
        ("maxaveragebitrate=20000; useinbandfec=1", 20_000),
        ("useinbandfec=1;maxaveragebitrate=12345", 12_000),
        ("maxaveragebitrate=510000", 32_000),
        ("maxaveragebitrate=1", 5600),
        ("maxaveragebitrate=many", 32_000),
        ("stereo=1; cbr=1", 32_000),
    ],
)
def test_rfc7587_6_1_no_more_bits_are_sent_than_the_peer_allows(fmtp: str, bit_rate: int) -> None:
    offered = offer("audio 4000 RTP/AVP 96", "rtpmap:96 opus/48000/2", f"fmtp:96 {fmtp}")
    assert settled(offered).encoding == Encoding("opus", 20, bit_rate)


@pytest.mark.parametrize(
    ("wanted", "codec", "ms"),
    [
        (("ptime:10",), "opus", 10),
        (("ptime:30",), "opus", 20),
        (("ptime:60",), "opus", 60),
        (("ptime:50",), "opus", 40),
        (("ptime:40", "maxptime:20"), "opus", 20),
        (("ptime:30",), "G722", 30),
        (("ptime:60",), "PCMA", 60),
        (("ptime:200",), "PCMA", 60),
        (("maxptime:10",), "PCMU", 10),
    ],
)
def test_rfc4566_6_our_packets_are_as_long_as_the_peer_asks_and_its_codec_can(
    wanted: tuple[str, ...], codec: str, ms: int
) -> None:
    offered = offer("audio 4000 RTP/AVP 0 8 9 96", "rtpmap:96 opus/48000/2", *wanted)
    assert settled(offered, prefer=codec).encoding == Encoding(codec, ms)
    ours = make_offer(OURS)
    answer = make_answer(ours, replace(THEIRS, codecs=(codec,)))[0]
    answer = answer.replace(b"a=ptime:20\r\n", "".join(f"a={each}\r\n" for each in wanted).encode())
    assert read_answer(ours, answer).encoding == Encoding(codec, ms)


def test_rfc3264_5_1_an_answer_may_number_opus_and_events_anew_and_both_numbers_count_for_what_comes() -> (
    None
):
    ours = make_offer(OURS)
    answer = offer(
        "audio 4000 RTP/AVP 96 97", "rtpmap:96 opus/48000/2", "rtpmap:97 telephone-event/48000", "ptime:40"
    )
    agreement = read_answer(ours, answer)
    assert (agreement.codec, agreement.payload_type, agreement.ptime_ms) == ("opus", 96, 40)
    assert agreement.accepts == ((111, "opus"), (9, "G722"), (8, "PCMA"), (0, "PCMU"), (96, "opus"))
    assert dict(OURS.after(agreement).numbers)["opus"] == 111  # RFC 3264 §8.3.2: ours stays in later offers
    assert (agreement.telephone_event, agreement.event_rate_hz) == (97, 48_000)
    assert agreement.event_rates == {110: 48_000, 97: 48_000, 101: 8000}


def test_a_number_of_the_answer_that_meant_something_else_in_our_offer_means_that_when_it_comes() -> None:
    ours = make_offer(OURS)
    agreement = read_answer(ours, offer("audio 4000 RTP/AVP 101", "rtpmap:101 opus/48000/2"))
    assert (agreement.codec, agreement.payload_type) == ("opus", 101)
    assert agreement.accepts == ((111, "opus"), (9, "G722"), (8, "PCMA"), (0, "PCMU"))
    assert agreement.event_rates[101] == 8000


def test_an_answer_in_g711_has_events_of_8_khz_and_one_without_events_still_lets_them_come() -> None:
    ours = make_offer(OURS)
    agreement = read_answer(ours, offer("audio 4000 RTP/AVP 8 101"))
    assert (agreement.telephone_event, agreement.event_rate_hz, agreement.receives_event) == (101, 8000, 101)
    agreement = read_answer(ours, offer("audio 4000 RTP/AVP 111"))
    assert (agreement.codec, agreement.telephone_event) == ("opus", None)
    assert agreement.event_rates == {110: 48_000, 101: 8000}


def test_rfc3264_8_3_2_a_later_offer_keeps_the_numbers_that_were_agreed() -> None:
    agreement = settled(
        offer("audio 4000 RTP/AVP 110 101", "rtpmap:110 opus/48000/2", "rtpmap:101 speex/8000")
    )
    again = lines(make_offer(OURS.after(agreement)))
    assert "m=audio 10000 RTP/AVP 110 9 8 0 101 96" in again
    assert "a=rtpmap:110 opus/48000/2" in again
    assert "a=rtpmap:96 telephone-event/48000" in again


def test_a_reinvite_may_change_codec_and_numbers() -> None:
    first = settled(OPUS)
    local = OURS.after(first)
    second = settled(offer("audio 4002 RTP/AVP 9 101", "rtpmap:101 telephone-event/8000"), local)
    assert (second.codec, second.telephone_event) == ("G722", 101)
    third = settled(offer("audio 4002 RTP/AVP 120", "rtpmap:120 opus/48000/2"), local.after(second))
    assert (third.codec, third.payload_type) == ("opus", 120)


def test_gsm_alone_is_refused_because_we_cannot_speak_it() -> None:
    with pytest.raises(NoCommonCodec, match="offered m=audio 4000"):
        settled(offer("audio 4000 RTP/AVP 3"))
    assert settled(offer("audio 4000 RTP/AVP 3 8")).accepts == ((8, "PCMA"),)


def test_rfc3264_6_video_fax_and_a_second_audio_stream_are_refused_by_port_0_each_in_its_place() -> None:
    body = OPUS.decode() + (
        "m=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\nm=audio 4004 RTP/AVP 8\r\n"
        "m=image 4006 udptl t38\r\na=T38FaxVersion:0\r\n"
    )
    answer, agreement = make_answer(body.encode(), OURS)
    assert [line for line in lines(answer) if line.startswith("m=")] == [
        "m=audio 10000 RTP/AVP 96 98",
        "m=video 0 RTP/AVP 99",
        "m=audio 0 RTP/AVP 8",
        "m=image 0 udptl t38",
    ]
    assert agreement.remote == ("192.0.2.7", 4000)


def test_the_codec_of_the_other_leg_wins_over_the_offerers_order() -> None:
    for codec in OURS.codecs[:3]:
        assert settled(OPUS, prefer=codec).codec == codec
    assert settled(OPUS, prefer="PCMU").codec == "opus"


def test_an_agreement_tells_all_that_the_offerer_has_in_its_order() -> None:
    assert settled(OPUS, replace(OURS, codecs=("PCMA", "opus"))).shared == ("opus", "PCMA")


def test_both_ends_of_an_offer_in_opus_agree() -> None:
    ours = make_offer(OURS)
    answer, theirs = make_answer(ours, THEIRS)
    agreement = read_answer(ours, answer)
    assert agreement.encoding == theirs.encoding == Encoding("opus", 20)
    assert (agreement.telephone_event, theirs.telephone_event) == (110, 110)
