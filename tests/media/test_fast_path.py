"""What moves nearly all packets where a compiler has made it: what it takes, what it leaves to Python."""

from __future__ import annotations

import contextlib
import select
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.fastpath import MOST_EVENTS, SOURCE, FastPath
from media.flow import Flow
from media.incoming import IncomingStream
from media.worker import Poll, ThreadBackground
from tests.media.fast_path import compiled, library
from tests.media.test_flow import PCMA, rtp


@pytest.fixture(params=["python", "fast path"])
def poll(request: pytest.FixtureRequest) -> Iterator[Poll]:
    poll = Poll(FastPath(library()) if request.param == "fast path" else None)
    yield poll
    poll.epoll.close()


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        yield ours, theirs


def test_a_library_that_is_not_there_or_is_another_one_is_not_used(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    other.write_bytes(b"no library")
    assert FastPath.found(tmp_path / "none.so") is None
    assert FastPath.found(other) is None
    assert FastPath.found(Path("libc.so.6")) is None


def test_a_library_of_other_lines_than_these_is_not_used(tmp_path: Path) -> None:
    checksum = zlib.crc32(SOURCE.read_bytes())
    assert FastPath.found(compiled(tmp_path / "now.so", checksum=checksum)) is not None
    assert FastPath.found(compiled(tmp_path / "before.so", checksum=checksum ^ 1)) is None


def test_a_reader_that_fails_keeps_no_other_from_reading(
    poll: Poll, capsys: pytest.CaptureFixture[str]
) -> None:
    came: list[bytes] = []
    with pair() as (one, to_one), pair() as (two, to_two):
        poll.add_reader(one.fileno(), lambda: came.append(one.recv(9) + b"!"[len(came) :]))
        poll.add_reader(two.fileno(), lambda: 1 // len(two.recv(9)[:0]))
        to_one.send(b"a")
        to_two.send(b"b")
        poll.wait(1.0)
        assert came == [b"a!"]
        assert "ZeroDivisionError" in capsys.readouterr().err
        poll.remove_reader(one.fileno())
        to_one.send(b"c")
        poll.wait(0.0)
        assert came == [b"a!"]


def test_more_sockets_than_one_turn_takes_are_read_in_the_next(poll: Poll) -> None:
    came: list[int] = []
    with contextlib.ExitStack() as stack:
        for number in range(MOST_EVENTS + 10):
            ours, theirs = stack.enter_context(pair())
            poll.add_reader(
                ours.fileno(), lambda ours=ours, number=number: came.append(number * len(ours.recv(9)))
            )
            theirs.send(b"x")
        for _ in range(4):
            poll.wait(0.0)
        assert sorted(came) == list(range(MOST_EVENTS + 10))


def test_a_turn_ends_when_its_time_is_over_and_not_before(poll: Poll) -> None:
    with pair() as (ours, _):
        poll.add_reader(ours.fileno(), lambda: pytest.fail("nothing came"))
        began = time.monotonic()
        poll.wait(0.01)
        assert time.monotonic() - began > 0.009, "who does not wait takes the whole processor"


def test_a_wait_that_cannot_be_is_no_packet() -> None:
    epoll = select.epoll()
    epoll.close()
    assert FastPath(library()).turn(-1, 0.0, lambda _: None, lambda: None) == 0


def test_a_packet_that_has_waited_counts_as_having_come_when_it_came() -> None:
    fast_path, incoming, came = FastPath(library()), IncomingStream(), list[float]()

    def count(_packet: bytearray, _size: int, _source: object, now: float) -> None:
        incoming.count(0, 0, 7, now)

    def listen(_audio: bytes, _timestamp: int, _ssrc: int, now: float) -> None:
        came.append(now)

    flow = Flow(incoming, None, PCMA, PCMA, count, listen, joins=False, rival=None)
    with pair() as (ours, theirs):
        assert fast_path.add(ours.fileno(), flow)
        for number in range(4):
            theirs.send(rtp(number))
        sent_at = time.monotonic()
        while time.monotonic() < sent_at + 0.005:
            pass
        fast_path.sweep(lambda: pytest.fail("nothing fails"))
        fast_path.remove(ours.fileno())
    assert incoming.received == 4
    assert len(came) == 3
    assert incoming.heard_at == max(came) <= sent_at


def test_a_packet_whose_stream_is_ended_by_another_in_the_same_turn_is_not_lost() -> None:
    fast_path, came = FastPath(library()), list[int]()

    def stream(descriptor: int, ends: int) -> None:
        def take(_packet: bytearray, size: int, _source: object, _now: float) -> None:
            came.append(descriptor)
            fast_path.remove(ends)

        flow = Flow(IncomingStream(), None, PCMA, PCMA, take, None, joins=False, rival=None)
        assert fast_path.add(descriptor, flow)

    with pair() as (one, to_one), pair() as (two, to_two):
        stream(one.fileno(), ends=two.fileno())
        stream(two.fileno(), ends=one.fileno())
        to_one.send(rtp(0))
        to_two.send(rtp(0))
        fast_path.sweep(lambda: pytest.fail("nothing fails"))
        assert sorted(came) == sorted((one.fileno(), two.fileno()))


def test_a_job_whose_success_is_no_news_is_told_of_when_it_fails() -> None:
    poll, told = Poll(None), list[object]()
    background = ThreadBackground(poll)
    background.attempt(lambda: "no news", told.append)
    background.attempt(lambda: 1 // 0, told.append)
    background.submit(lambda: "done", told.append)
    while background.unfinished:
        poll.wait(9.0)
    assert [type(each) for each in told] == [ZeroDivisionError, str]
    poll.epoll.close()
