"""Offers within a dialog, after what was said before."""

from __future__ import annotations

from dataclasses import replace

from media.sdp.model import SessionDescription
from media.sdp.negotiate import LocalMedia, make_answer, make_offer

LOCAL = LocalMedia("192.0.2.1", 20000, session_id=7, version=1)
VIDEO_FIRST = b"""v=0
o=- 1 1 IN IP4 192.0.2.9
s=-
c=IN IP4 192.0.2.9
t=0 0
m=video 4002 RTP/AVP 99
a=rtpmap:99 H264/90000
m=audio 4000 RTP/AVP 8
m=audio 4004 RTP/AVP 0
""".replace(b"\n", b"\r\n")


def test_rfc3264_8_an_offer_has_as_many_streams_as_were_there_and_audio_in_its_place() -> None:
    said, _ = make_answer(VIDEO_FIRST, LOCAL)
    again = SessionDescription.parse(make_offer(LOCAL, after=said)).media
    assert [(stream.kind, stream.port) for stream in again] == [("video", 0), ("audio", 20000), ("audio", 0)]
    assert again[1].formats[:2] == ("8", "0")


def test_rfc3264_8_2_an_offer_after_an_offer_is_the_same_but_for_its_version() -> None:
    first = make_offer(LOCAL)
    assert make_offer(LOCAL, after=first) == first


def test_rfc3264_8_3_2_an_offer_begins_with_the_codec_that_was_taken_so_that_it_stays() -> None:
    local = replace(LOCAL, codecs=("opus", "G722", "PCMA", "PCMU"))
    said, agreement = make_answer(make_offer(local), local, prefer="PCMA")
    assert agreement.codec == "PCMA"
    (stream,) = SessionDescription.parse(make_offer(local.after(agreement), after=said)).media
    assert stream.formats[:4] == ("8", "111", "9", "0")
    _, kept = make_answer(make_offer(local.after(agreement), after=said), local)
    assert kept.codec == "PCMA"
