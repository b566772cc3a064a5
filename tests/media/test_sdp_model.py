"""SDP text to values and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import MalformedMedia, MediaError
from media.sdp import LocalMedia, SessionDescription, make_answer, make_offer, read_answer

PHONES = sorted((Path(__file__).parent.parent / "data" / "sdp").glob("*.sdp"))
OURS = LocalMedia("198.51.100.1", 10_000, session_id=1, version=1, codecs=("G722", "PCMA", "PCMU"))


@pytest.mark.parametrize("path", PHONES, ids=lambda path: path.stem)
def test_every_line_of_a_phones_body_survives_a_round_trip(path: Path) -> None:
    body = path.read_bytes()
    lines = [line.rstrip(b"\r") for line in body.split(b"\n")]
    assert SessionDescription.parse(body).to_bytes() == b"".join(line + b"\r\n" for line in lines if line)


def test_a_stream_knows_port_count_and_its_own_address_before_the_sessions() -> None:
    session = SessionDescription.parse(
        b"v=0\r\nc=IN IP4 192.0.2.1\r\n"
        b"m=audio 5004/2 RTP/AVP 0\r\nc=IN IP4 192.0.2.2/127\r\n"
        b"m=audio 1 RTP/AVP 0\r\n"
    )
    first, second = session.media
    assert (first.port, first.port_count) == (5004, 2)
    assert [session.connection_of(first), session.connection_of(second)] == ["192.0.2.2", "192.0.2.1"]


def test_attributes_keep_their_order_and_a_bare_one_is_empty() -> None:
    (stream,) = SessionDescription.parse(
        b"v=0\nm=audio 1 RTP/AVP 0\na=rtcp-mux\na=fmtp:1 a\na=fmtp:2 b\n"
    ).media
    assert stream.attribute("rtcp-mux") == ""
    assert stream.attributes("fmtp") == ("1 a", "2 b")
    assert stream.attribute("ptime") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n\r\n",
        b"o=- 1 1 IN IP4 192.0.2.1",
        b"v=1",
        b"v=0\r\nhello",
        b"v=0\r\nV=0",
        b"v=0\r\nm=audio",
        b"v=0\r\nm=audio x RTP/AVP 0",
        b"v=0\r\nm=audio 65536 RTP/AVP 0",
        b"v=0\r\nm=audio -1 RTP/AVP 0",
        b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * 65,
        b"v=0\r\na=" + b"x" * 70_000,
    ],
)
def test_what_is_no_description_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMedia):
        SessionDescription.parse(body)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed_media(body: bytes) -> None:
    for candidate in (body, b"v=0\r\n" + body, b"v=0\r\nm=audio 1 RTP/AVP 0\r\n" + body):
        try:
            parsed = SessionDescription.parse(candidate)
        except MalformedMedia:
            continue
        assert SessionDescription.parse(parsed.to_bytes()) == parsed


@settings(max_examples=300)
@given(st.sampled_from(PHONES), st.data())
def test_a_damaged_body_ends_in_an_answer_or_in_a_media_error(path: Path, data: st.DataObject) -> None:
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(start + 8, len(body))))
        body[start:end] = data.draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"99999999999", b"0"])))
    for attempt in (
        lambda: make_answer(bytes(body), OURS),
        lambda: read_answer(make_offer(OURS), bytes(body)),
    ):
        try:
            attempt()
        except MediaError:
            continue
