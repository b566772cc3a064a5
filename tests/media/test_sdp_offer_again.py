"""Offers within a dialog, after what was said before."""

from __future__ import annotations

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
