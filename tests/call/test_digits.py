"""Row I20: one press is one digit, in however many ways it comes."""

from __future__ import annotations

import itertools

import pytest

from b2bua.call.digits import Digits, DtmfMode, Method

WAYS = (Method.RTP, Method.INFO, Method.TONE)


def taken(mode: DtmfMode, *presses: tuple[str, Method, float]) -> str:
    digits = Digits(mode)
    return "".join(key for key, method, at in presses if digits.take(key, method, at))


@pytest.mark.parametrize("order", list(itertools.permutations(WAYS)))
def test_row_i20_a_peer_that_presses_in_three_ways_at_once_counts_once(order: tuple[Method, ...]) -> None:
    presses = [
        (key, method, 2.0 * index + 0.1 * late)
        for index, key in enumerate("1225")
        for late, method in enumerate(order)
    ]
    assert taken(DtmfMode.AUTO, *presses) == "1225"


@pytest.mark.parametrize(
    ("mode", "method"),
    [(DtmfMode.RFC4733, Method.RTP), (DtmfMode.INFO, Method.INFO), (DtmfMode.INBAND, Method.TONE)],
)
def test_row_i20_a_trunk_of_one_way_takes_no_other(mode: DtmfMode, method: Method) -> None:
    for other in WAYS:
        assert taken(mode, ("7", other, 0.0)) == ("7" if other is method else "")


def test_row_i20_a_tone_that_was_no_key_does_not_silence_the_events_that_follow() -> None:
    presses = [
        ("4", Method.TONE, 0.0),
        ("1", Method.RTP, 5.0),
        ("2", Method.RTP, 6.0),
        ("2", Method.TONE, 6.1),
    ]
    assert taken(DtmfMode.AUTO, *presses) == "412"


def test_row_i20_events_count_where_info_is_faster_as_they_go_on_with_the_sound_anyway() -> None:
    digits = Digits(DtmfMode.AUTO)
    presses = [(key, at + 0.5 * index) for index, key in enumerate("112") for at in (0.0, 0.1)]
    ways = [Method.INFO, Method.RTP] * 3
    counted = [way for (key, at), way in zip(presses, ways, strict=True) if digits.take(key, way, at)]
    assert counted == [Method.INFO, Method.RTP, Method.RTP]


def test_the_same_key_in_another_way_a_while_later_is_another_press() -> None:
    assert taken(DtmfMode.AUTO, ("4", Method.TONE, 0.0), ("4", Method.INFO, 3.0)) == "44"


@pytest.mark.parametrize("mode", list(DtmfMode))
def test_digits_behind_a_number_count_in_every_mode_and_decide_nothing(mode: DtmfMode) -> None:
    presses = [("5", Method.DIALLED, 0.0), *(("6", way, 1.0) for way in WAYS)]
    assert taken(mode, *presses) == "56"
