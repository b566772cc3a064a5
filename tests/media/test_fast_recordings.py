"""Recordings of what takes the fast path: the same files as of packets that are dealt with one by one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from media.commands import Bridge, ConnectLeg, Record, StopRecording, StopTape, Tap, Unbridge
from media.hearing import IN_ORDER_TICKS, Hearing
from tests.harness.hearing import Hearing as Heard
from tests.media.test_flow import ANNA, BOB, World, agreement, fast_world

TYPES = {"PCMA": 8, "G722": 9}
PACKETS = 150
SIZE = 160
Coming = tuple[float, bytes]


def stream(
    codec: str, numbers: Iterable[int], *, ssrc: int = 7, first_ticks: int = 0, step: int = SIZE
) -> list[Coming]:
    """Return packets of a stream, each when it is due; a number is its place in time and in the stream."""
    packets = []
    for number in numbers:
        ticks = (first_ticks + step * number) & 0xFFFF_FFFF
        head = struct.pack("!BBHII", 0x80, TYPES[codec], 65_500 + number & 0xFFFF, ticks, ssrc)
        packets.append((0.02 * number, head + bytes((number * each) & 0xFF for each in range(SIZE))))
    return packets


def another_stream(codec: str) -> list[Coming]:
    return stream(codec, range(77)) + stream(codec, range(77, PACKETS), ssrc=9, first_ticks=1_000_000)


def timestamps_that_leap(codec: str) -> list[Coming]:
    return stream(codec, range(77)) + stream(codec, range(77, PACKETS), first_ticks=1_000_000)


def timestamps_that_wrap(codec: str) -> list[Coming]:
    return stream(codec, range(PACKETS), first_ticks=0xFFFF_FFFF - 50 * SIZE)


def timestamps_that_go_slow(codec: str) -> list[Coming]:
    return stream(codec, range(PACKETS), step=SIZE - 1)


def repeated(codec: str) -> list[Coming]:
    """Return a stream in which some packets come again, at once or much later."""
    again = [
        (at + 0.001 + 0.02 * (number % 5), packet)
        for number, (at, packet) in enumerate(stream(codec, range(7, PACKETS, 11)))
    ]
    return sorted(stream(codec, range(PACKETS)) + again, key=lambda each: each[0])


def lost_and_overtaken(codec: str) -> list[Coming]:
    """Return a stream of which some packets never come, and some behind the next."""
    packets = [each for number, each in enumerate(stream(codec, range(PACKETS))) if number % 17 != 3]
    late = [(at + 0.022 * (number % 23 == 5), packet) for number, (at, packet) in enumerate(packets)]
    return sorted(late, key=lambda each: each[0])


def files(world: World, codec: str, coming: list[Coming], *, folder: Path, is_bridged: bool) -> list[bytes]:
    """Return the recording and the tape of what comes."""
    folder.mkdir()
    for number in (ANNA, BOB):
        spoken = replace(
            agreement(4000 + number), codec=codec, payload_type=TYPES[codec], accepts=((TYPES[codec], codec),)
        )
        world.engine.handle(ConnectLeg(number, spoken, allows_nat=False, rtp_timeout_s=30.0), 0.0)
    world.engine.handle(Bridge(ANNA, BOB) if is_bridged else Unbridge(ANNA), 0.0)
    world.engine.handle(Record(ANNA, 6, str(folder / "recording.wav"), 60.0), 0.0)
    world.engine.handle(Tap(ANNA, 9, str(folder / "tape.wav"), 0, 0.0), 0.0)
    for at, packet in coming:
        while world.now + 0.02 < at:
            world.now += 0.02
            world.engine.tick(world.now)
        world.lines[ANNA].come([packet], at)
    world.engine.handle(StopTape(9), at)
    world.engine.handle(StopRecording(ANNA, 6), at)
    assert Heard.of_file(folder / "recording.wav").seconds > 0
    return [(folder / name).read_bytes() for name in ("recording.wav", "tape.wav")]


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
@pytest.mark.parametrize(
    "trouble",
    [
        another_stream,
        timestamps_that_leap,
        timestamps_that_wrap,
        timestamps_that_go_slow,
        repeated,
        lost_and_overtaken,
    ],
)
@pytest.mark.parametrize("is_bridged", [True, False])
def test_a_recording_by_the_fast_path_is_the_same_file(
    codec: str, trouble: Callable[[str], list[Coming]], is_bridged: bool, tmp_path: Path
) -> None:
    coming = trouble(codec)
    by_steps = files(World(at_once=False), codec, coming, folder=tmp_path / "steps", is_bridged=is_bridged)
    with fast_world() as world:
        by_fast_path = files(world, codec, coming, folder=tmp_path / "fast", is_bridged=is_bridged)
        assert world.moved > PACKETS / 2
    assert by_fast_path == by_steps
    heard = Heard.of_file(tmp_path / "steps" / "recording.wav")
    assert heard.seconds == pytest.approx(0.02 * PACKETS, abs=0.02)


def test_sound_that_was_put_together_is_looked_at_as_late_as_packets_that_were_not() -> None:
    at_once, one_by_one = Hearing(0.0), Hearing(0.0)
    at_once.listen("PCMA", bytes(5 * SIZE), 0, 7, 0.0)
    for number in range(5):
        one_by_one.listen("PCMA", bytes(SIZE), SIZE * number, 7, 0.02 * number)
    heard = [(len(at_once.new_samples(now)), len(one_by_one.new_samples(now))) for now in (0.11, 0.17, 0.19)]
    assert heard == [(5 * SIZE - IN_ORDER_TICKS,) * 2, (0, 0), (IN_ORDER_TICKS,) * 2]
