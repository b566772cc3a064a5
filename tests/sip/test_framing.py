"""Messages out of a byte stream (RFC 3261 §18.3), however TCP cuts it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.errors import MalformedMessage
from b2bua.sip.framing import KEEP_ALIVE, StreamFramer

BYE = b"BYE sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
INFO = b"INFO sip:a SIP/2.0\r\nl : \r\n 12\r\nX: Content-Length: 3\r\n\r\nab\r\n\r\ncd\r\n\r\n"
STREAM = [BYE, KEEP_ALIVE, INFO, KEEP_ALIVE, KEEP_ALIVE, BYE]


@settings(max_examples=100)
@given(st.lists(st.integers(1, 60), max_size=12))
def test_rfc3261_18_3_messages_come_out_whole_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    framer, frames = StreamFramer(), []
    rest = b"".join(STREAM)
    for cut in (*cuts, len(rest)):
        frames += framer.feed(rest[:cut])
        rest = rest[cut:]
    assert frames == STREAM


def test_rfc3261_18_3_one_octet_at_a_time() -> None:
    framer = StreamFramer()
    assert [frame for octet in b"".join(STREAM) for frame in framer.feed(bytes([octet]))] == STREAM


def test_rfc5626_3_5_1_ping_between_messages_is_surfaced_and_pong_is_swallowed() -> None:
    framer = StreamFramer()
    assert framer.feed(b"\r\n\r\n") == [KEEP_ALIVE]
    assert framer.feed(b"\r\n") == []
    assert framer.feed(BYE) == [BYE]


def test_rfc3261_18_3_whole_messages_before_one_that_cannot_be_read_are_taken() -> None:
    framer = StreamFramer()
    assert framer.feed(BYE + INFO + b"GET / HTTP/1.1\r\n\r\n") == [BYE, INFO]
    assert framer.is_broken


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b"BYE sip:a SIP/2.0\r\n\r\n", 400),
        (BYE.replace(b": 0", b": -1"), 400),
        (BYE.replace(b": 0", b": 1\r\nl: 2"), 400),
        (BYE.replace(b": 0", b": 70000"), 513),
        (BYE.replace(b": 0", b": " + b"9" * 30), 400),
        (b"x" * 40_000, 513),
    ],
)
def test_rfc3261_18_3_a_stream_whose_next_message_cannot_be_found_is_refused(
    stream: bytes, status: int
) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        StreamFramer().feed(stream)
    assert refusal.value.status == status
