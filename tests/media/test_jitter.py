"""The jitter buffer, on a clock of its own: order, depth, what is late, twice or never there."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.jitter import FIRST_DEPTH_S, LONGEST_DEPTH_S, MOST_WAITING, Frame, JitterBuffer, Missing

CLOCK_HZ = 8000
START = 2**32 - 3000
"""So that timestamps wrap soon."""


@dataclass
class Heard:
    """What a listener got."""

    frames: list[tuple[float, int]] = field(default_factory=list)
    """When, and which packet."""
    left_out: list[int] = field(default_factory=list)
    """Packets that were spare."""
    made_up: list[float] = field(default_factory=list)
    """When something was made up."""
    buffer: JitterBuffer = field(default_factory=lambda: JitterBuffer(CLOCK_HZ))

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.frames]

    def delays(self, ptime_s: float = 0.02) -> list[float]:
        return [at - number * ptime_s for at, number in self.frames]


def listen(
    arrivals: list[tuple[float, int]], *, ptime_ms: int = 20, until: float | None = None, ssrc: int = 7
) -> Heard:
    """Let packets come at their times and take 20 ms every 20 ms, as an encoder of such packets does."""
    heard, ticks = Heard(), CLOCK_HZ * ptime_ms // 1000
    coming = sorted(arrivals)
    end = coming[-1][0] + 0.5 if until is None else until
    at, ready = 0.005, 0
    while at < end:
        while coming and coming[0][0] <= at:
            came, number = coming.pop(0)
            timestamp = (START + number * ticks) & 0xFFFF_FFFF
            heard.buffer.push(timestamp, ssrc, number.to_bytes(2, "big"), ticks=ticks, now=came)
        ready = _take(heard, ready, at, ticks)
        at += 0.02
    return heard


def _take(heard: Heard, ready: int, at: float, ticks: int) -> int:
    while ready < 160:
        played = heard.buffer.pull(160 - ready, at)
        if played is None:
            return 0
        if isinstance(played, Missing):
            heard.made_up.append(at)
            ready += played.ticks
        elif played.is_spare:
            heard.left_out.append(int.from_bytes(played.payload, "big"))
        else:
            heard.frames.append((at, int.from_bytes(played.payload, "big")))
            ready += ticks
    return ready - 160


def evenly(count: int, *, ptime_s: float = 0.02) -> list[tuple[float, int]]:
    return [(number * ptime_s, number) for number in range(count)]


def test_packets_come_out_in_order_after_the_first_depth_over_the_wrap_of_timestamps() -> None:
    heard = listen(evenly(100))
    assert [number for number in range(100) if number not in heard.left_out] == heard.numbers
    assert heard.frames[0][0] == pytest.approx(FIRST_DEPTH_S, abs=0.006)


def test_swapped_packets_are_put_in_order_and_nothing_is_missing() -> None:
    arrivals = [(number * 0.02 + (0.03 if number % 10 == 5 else 0.0), number) for number in range(100)]
    heard = listen(arrivals, until=2.0)
    assert heard.numbers[:90] == list(range(90))
    assert heard.made_up == []


def test_what_comes_twice_is_played_once() -> None:
    arrivals = [(at + extra, number) for at, number in evenly(100) for extra in (0.0, 0.001, 0.07)]
    heard = listen(arrivals, until=2.0)
    assert heard.numbers == sorted(set(heard.numbers))
    assert heard.buffer.duplicates >= 190
    assert heard.buffer.late == 0
    assert max(heard.delays()) < 0.05  # a repeated packet is no late one


def test_a_lost_packet_is_made_up_for_as_long_as_it_was_and_delays_nothing() -> None:
    arrivals = [each for each in evenly(100) if each[1] not in (40, 41, 60)]
    heard = listen(arrivals, until=2.0)
    assert len(heard.made_up) == 3
    assert 39 in heard.numbers
    assert 42 in heard.numbers
    delays = dict(zip(heard.numbers, heard.delays(), strict=True))
    assert delays[42] == pytest.approx(delays[39])
    assert delays[61] == pytest.approx(delays[59])


@pytest.mark.parametrize("lost", [3, 6, 8])
def test_a_burst_that_empties_it_is_made_up_once_and_delays_nothing(lost: int) -> None:
    heard = listen([each for each in evenly(100) if not 40 <= each[1] < 40 + lost], until=2.0)
    assert len(heard.made_up) == lost
    delays = dict(zip(heard.numbers, heard.delays(), strict=True))
    assert delays[40 + lost] == pytest.approx(delays[39])


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_packets_of_any_length_are_taken(ptime_ms: int) -> None:
    heard = listen(evenly(50, ptime_s=ptime_ms / 1000), ptime_ms=ptime_ms, until=50 * ptime_ms / 1000)
    assert heard.numbers[:40] == [number for number in range(50) if number not in heard.left_out][:40]
    # from packets longer than the first depth it learns once how long they are
    assert len(heard.made_up) <= 3


def test_the_depth_grows_with_jitter_and_goes_down_again_without() -> None:
    random = Random(1)
    uneven = [(number * 0.02 + random.random() * 0.1, number) for number in range(500)]
    even = [(number * 0.02, number) for number in range(500, 2000)]
    heard = listen(uneven + even, until=40.0)
    delays = dict(zip(heard.numbers, heard.delays(), strict=True))
    grown = [delays[number] for number in range(300, 500) if number in delays]
    assert min(grown) > 0.08
    assert len(grown) > 195
    assert delays[heard.numbers[-1]] < 0.09


def test_no_network_makes_it_deeper_than_its_longest_depth_for_long() -> None:
    stall = [(max(number * 0.02, 3.0 if 100 <= number < 150 else 0.0), number) for number in range(400)]
    heard = listen(stall, until=8.4)
    delays = dict(zip(heard.numbers, heard.delays(), strict=True))
    assert max(delays[number] for number in heard.numbers if number > 160) < LONGEST_DEPTH_S + 0.03
    assert heard.numbers[-1] == 399


def test_a_pause_is_no_loss_and_what_comes_behind_it_is_not_delayed_by_it() -> None:
    talk = evenly(50) + [(number * 0.02, number) for number in range(250, 300)]
    heard = listen(talk, until=6.5)
    assert len(heard.made_up) <= 20  # 0.2 s after each end, and then silence
    after = [delay for number, delay in zip(heard.numbers, heard.delays(), strict=True) if number >= 250]
    assert len(after) >= 49
    assert max(after) < 0.07


def test_another_ssrc_begins_anew_at_once() -> None:
    buffer = JitterBuffer(CLOCK_HZ)
    for number in range(10):
        buffer.push(160 * number, 1, b"old", ticks=160, now=number * 0.02)
        buffer.pull(160, number * 0.02 + 0.005)
    for number in range(5):
        buffer.push(777_777 + 160 * number, 2, b"new", ticks=160, now=0.2 + number * 0.02)
    assert buffer.pull(160, 0.3) == Frame(b"new", is_spare=False)


def test_a_flood_of_packets_does_not_fill_the_memory() -> None:
    buffer = JitterBuffer(48_000)
    for number in range(5000):
        buffer.push(number * 3, 1, b"x" * 1000, ticks=480, now=0.0001 * number)
        assert len(buffer._waiting) <= MOST_WAITING
    assert isinstance(buffer.pull(480, 1.0), Frame)


@pytest.mark.parametrize("leap", [15, 50, 99])
def test_a_timestamp_that_leaps_forward_by_less_than_a_new_beginning_costs_no_pause(leap: int) -> None:
    heard = listen(
        [(number * 0.02, number + (leap if number >= 50 else 0)) for number in range(100)], until=2.0
    )
    assert [number for number in heard.numbers if number >= 50] == list(range(50 + leap, 100 + leap))
    assert len(heard.left_out) <= 2
    assert heard.made_up == []
    assert {number: at for at, number in heard.frames}[50 + leap] < 1.0 + 0.05


def test_a_timestamp_that_leaps_begins_anew_too() -> None:
    buffer = JitterBuffer(CLOCK_HZ)
    buffer.push(0, 1, b"one", ticks=160, now=0.0)
    assert buffer.pull(160, 0.05) == Frame(b"one", is_spare=False)
    buffer.push(2**31, 1, b"two", ticks=160, now=0.06)
    assert buffer.pull(160, 0.2) == Frame(b"two", is_spare=False)


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.2),
    jitter_s=st.floats(0, 0.08),
    twice=st.floats(0, 0.2),
    swapped=st.floats(0, 0.2),
)
def test_whatever_the_network_does_frames_are_in_order_none_twice_and_hardly_any_wasted(
    seed: int, loss: float, jitter_s: float, twice: float, swapped: float
) -> None:
    random = Random(seed)
    arrivals: list[tuple[float, int]] = []
    for number in range(300):
        at = number * 0.02 + random.random() * jitter_s + (0.03 if random.random() < swapped else 0.0)
        if random.random() >= loss or number < 3:
            arrivals.append((at, number))
            if random.random() < twice:
                arrivals.append((at + random.random() * 0.1, number))
    heard = listen(arrivals)
    assert all(later > earlier for earlier, later in pairwise(heard.numbers))
    came = {number for _, number in arrivals}
    assert len(came) - len(heard.numbers) <= 0.05 * len(came) + 10
    assert max(heard.delays()) <= LONGEST_DEPTH_S + 0.06


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2), st.integers(0, 5760), st.floats(0, 0.5)),
        max_size=40,
    )
)
def test_no_sequence_of_timestamps_upsets_it(packets: list[tuple[int, int, int, float]]) -> None:
    buffer, now = JitterBuffer(48_000), 0.0
    for timestamp, ssrc, ticks, gap in packets:
        now += gap
        buffer.push(timestamp, ssrc, b"x", ticks=max(ticks, 1), now=now)
        played = buffer.pull(960, now)
        assert played is None or isinstance(played, Frame) or 0 < played.ticks <= 960
