"""I20: one digit per press, whatever the network does to its packets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.dtmf import DIGITS, END_REPEATS, EventReceiver, encode_digit, parse_info
from media.errors import MalformedMedia


class Arrival(NamedTuple):
    payload: bytes
    timestamp: int
    marker: bool
    sequence: int


def press(digit: str, *, at: int = 8000, sequence: int = 100, ms: int = 100) -> list[Arrival]:
    """What a phone sends for one press that begins at timestamp ``at``."""
    return [
        Arrival(packet.payload, at + packet.timestamp_offset, packet.marker, sequence + index)
        for index, packet in enumerate(encode_digit(digit, duration_ms=ms))
    ]


def event(code: int, duration: int, *, is_end: bool = False) -> bytes:
    return bytes((code, 0x8A if is_end else 0x0A)) + duration.to_bytes(2, "big")


def heard(arrivals: Iterable[Arrival]) -> str:
    receiver = EventReceiver(8000)
    return "".join(itertools.chain.from_iterable(receiver.feed(*arrival) for arrival in arrivals))


def test_rfc4733_2_5_1_a_press_is_sent_as_a_start_updates_and_three_ends() -> None:
    packets = encode_digit("5", duration_ms=100)
    assert [packet.payload.hex() for packet in packets] == [
        "050a00a0",
        "050a0140",
        "050a01e0",
        "050a0280",
        "058a0320",
        "058a0320",
        "058a0320",
    ]
    assert [packet.marker for packet in packets] == [True] + [False] * 6
    assert {packet.timestamp_offset for packet in packets} == {0}


def test_a_press_shorter_than_a_packet_is_its_three_ends() -> None:
    assert [packet.payload.hex() for packet in encode_digit("#", duration_ms=20)] == [
        "0b8a00a0"
    ] * END_REPEATS


@pytest.mark.parametrize(("digit", "ms"), [("x", 100), ("", 100), ("12", 100), ("5", 0), ("5", 9000)])
def test_what_cannot_be_one_event_is_refused(digit: str, ms: int) -> None:
    with pytest.raises(ValueError, match=r"no such digit|no event lasts"):
        encode_digit(digit, duration_ms=ms)


@pytest.mark.parametrize("digit", DIGITS)
def test_every_digit_is_heard_once(digit: str) -> None:
    assert heard(press(digit)) == digit
    assert heard(press(digit.lower())) == digit


@pytest.mark.parametrize("survivors", [s for n in range(1, 8) for s in itertools.combinations(range(7), n)])
def test_i20_one_digit_whichever_packets_of_a_press_survive(survivors: tuple[int, ...]) -> None:
    packets = press("7")
    assert heard(packets[index] for index in survivors) == "7"


@given(st.permutations(press("3") + press("3")))
def test_i20_one_digit_in_whatever_order_and_however_often_its_packets_come(arrivals: list[Arrival]) -> None:
    assert heard(arrivals) == "3"


def test_i20_a_digit_is_told_with_its_first_packet() -> None:
    assert heard(press("9")[:1]) == "9"


def test_i20_the_same_digit_twice_quickly_is_two_digits() -> None:
    assert heard(press("5", ms=40) + press("5", at=8000 + 640, sequence=110, ms=40)) == "55"


@pytest.mark.parametrize("lost_of_the_first", [slice(4, 7), slice(1, 7), slice(0, 4)])
@pytest.mark.parametrize("lost_of_the_second", [slice(0, 0), slice(0, 1), slice(0, 6)])
def test_i20_two_presses_of_one_key_stay_two_with_ends_and_starts_lost(
    lost_of_the_first: slice, lost_of_the_second: slice
) -> None:
    first, second = press("5"), press("5", at=8000 + 1600, sequence=110)
    del first[lost_of_the_first]
    del second[lost_of_the_second]
    assert heard(first + second) == "55"


def test_i20_late_ends_of_the_digit_before_are_not_news() -> None:
    first, second = press("1"), press("2", at=9600, sequence=110)
    assert heard(first[:4] + second[:2] + first[4:] + second[2:]) == "12"


def test_i20_a_press_of_eight_seconds_is_one_digit() -> None:
    assert heard(press("0", ms=8000)) == "0"


def segments(gap_in_reception: int = 0) -> list[Arrival]:
    """A press of 20 s: RFC 4733 §2.5.1.3 starts a new segment whenever 16 bits are full."""
    arrivals, sequence, marker = [], 0, True
    for segment, total in enumerate((0xFFFF, 0xFFFF, 28_930)):
        durations = [*range(160, total, 160), total]
        for duration in durations:
            is_end = segment == 2 and duration == total
            arrivals.append(
                Arrival(event(8, duration, is_end=is_end), 8000 + segment * 0xFFFF, marker, sequence)
            )
            sequence, marker = sequence + 1, False
    borders = [index for index, arrival in enumerate(arrivals) if arrival.payload[2:] == b"\xff\xff"]
    lost = {border - back for border in borders for back in range(gap_in_reception)}
    return [arrival for index, arrival in enumerate(arrivals) if index not in lost]


@pytest.mark.parametrize("gap_in_reception", [0, 1, 5])
def test_rfc4733_2_5_1_3_a_press_in_segments_is_one_digit(gap_in_reception: int) -> None:
    assert heard(segments(gap_in_reception)) == "8"


@pytest.mark.parametrize("grows", [True, False])
def test_a_sender_that_refreshes_the_timestamp_in_every_packet_presses_once(grows: bool) -> None:
    count = 75  # 1.5 s
    arrivals = [
        Arrival(
            event(4, 160 * (index + 1) if grows else 160, is_end=index >= count),
            8000 + 160 * index,
            index == 0,
            index,
        )
        for index in range(count + END_REPEATS)
    ]
    assert heard(arrivals) == "4"
    assert heard(arrivals[1:-1]) == "4"


def test_a_sender_whose_timestamp_stands_still_presses_as_often_as_it_ends_and_begins() -> None:
    twice = press("6") + press("6", sequence=120)
    assert heard(twice) == "66"
    assert heard([each for arrival in twice for each in (arrival, arrival)]) == "66"
    assert heard(press("6")[:4] + press("6", sequence=120)) == "66"


def test_different_keys_under_one_timestamp_are_different_presses() -> None:
    assert heard(press("1") + press("2", sequence=120)) == "12"


def test_a_new_stream_with_earlier_timestamps_is_heard() -> None:
    assert heard(press("1", at=0x9000_0000) + press("1", at=0x1000_0000, sequence=7)) == "11"


def test_timestamps_wrap_within_a_press_and_between_presses() -> None:
    first, second = press("1", at=0xFFFF_FF00), press("1", at=0xFFFF_FF00 + 1600 & 0xFFFF_FFFF, sequence=120)
    assert heard(first + second) == "11"


def test_one_packet_may_hold_several_events() -> None:
    payload = event(1, 800, is_end=True) + event(2, 800, is_end=True) + event(2, 800, is_end=True)[:3]
    assert heard([Arrival(payload, 8000, True, 1)] * 3) == "12"


def test_one_packet_may_hold_one_key_pressed_twice() -> None:
    assert heard([Arrival(event(1, 800, is_end=True) * 2, 8000, True, 1)] * 3) == "11"


def test_a_late_packet_does_not_shorten_a_press_that_goes_on_under_a_new_timestamp() -> None:
    first = press("4")[:4]
    goes_on = Arrival(event(4, 160), 8000 + 640, False, 104)
    assert heard([*first, first[0], goes_on]) == "4"


def test_a_hook_flash_and_unknown_events_are_no_digits() -> None:
    assert heard([Arrival(event(16, 160), 1, True, 1), Arrival(event(255, 160), 2, True, 2)]) == ""


def test_a_whole_number_dialled_by_machine_arrives_as_dialled() -> None:
    number = "*48221234567#00"
    presses = (
        press(digit, at=8000 + 720 * index, sequence=20 * index, ms=50) for index, digit in enumerate(number)
    )
    assert heard(itertools.chain.from_iterable(presses)) == number


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.binary(max_size=12), st.integers(0, 2**32 - 1), st.booleans(), st.integers(0, 65535)),
        max_size=20,
    )
)
def test_no_payload_raises_anything_but_malformed_media(arrivals: list[tuple[bytes, int, bool, int]]) -> None:
    receiver = EventReceiver(8000)
    for arrival in arrivals:
        try:
            assert set(receiver.feed(*arrival)) <= set(DIGITS)
        except MalformedMedia:
            assert len(arrival[0]) < 4


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 250", "*"),
        ("Application/DTMF-Relay; charset=utf-8", b"signal=#\n", "#"),
        ("application/dtmf-relay", b"Duration=100\r\nSignal=d", "D"),
        ("application/dtmf-relay", b"Signal=10\r\nDuration=160", "*"),
        ("application/dtmf-relay", b"Signal=11\r\nDuration=160", "#"),
        ("application/dtmf-relay", b"Signal=16\r\nDuration=160", None),
        ("application/dtmf-relay", b"Signal=hf\r\n", None),
        ("application/dtmf-relay", b"5", None),
        ("application/dtmf-relay", b"", None),
        ("application/dtmf", b"5", "5"),
        ("application/dtmf", b" # \r\n", "#"),
        ("application/dtmf", b"Signal=7", "7"),
        ("application/dtmf", b"\xff\xfe", None),
        ("application/media_control+xml", b"5", None),
        ("", b"5", None),
    ],
)
def test_i20_digits_in_sip_info(content_type: str, body: bytes, digit: str | None) -> None:
    assert parse_info(content_type, body) == digit


@given(st.sampled_from(["application/dtmf", "application/dtmf-relay"]), st.binary(max_size=40))
def test_no_info_body_raises(content_type: str, body: bytes) -> None:
    for candidate in (body, b"Signal=" + body):
        assert parse_info(content_type, candidate) in (None, *DIGITS)
