"""I20: digits that arrive as sound."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from media.codecs import by_name
from media.dtmf import DIGITS, EventReceiver, encode_digit, parse_info
from media.inband import HIGH_HZ, KEYS, LOW_HZ, InbandReceiver
from media.tones import silence, tone

Pcm = NDArray[np.int16]
NOISE = np.random.default_rng(20)


def press(
    digit: str,
    *,
    ms: int = 80,
    pause_ms: int = 80,
    rate: int = 8000,
    level_db: float = -13.0,
    detuned: float = 0.0,
) -> Pcm:
    row = next(index for index, keys in enumerate(KEYS) if digit in keys)
    pair = (LOW_HZ[row] * (1 + detuned), HIGH_HZ[KEYS[row].index(digit)] * (1 - detuned))
    return np.concatenate((tone(pair, ms / 1000, rate, level_db), silence(pause_ms / 1000, rate)))


def heard(pcm: Pcm, *, rate: int = 8000, packet: int = 160) -> str:
    receiver = InbandReceiver(rate)
    packets = (pcm[start : start + packet] for start in range(0, len(pcm), packet))
    return "".join(itertools.chain.from_iterable(map(receiver.feed, packets)))


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_i20_all_sixteen_keys_are_heard_once_each(rate: int) -> None:
    assert heard(np.concatenate([press(digit, rate=rate) for digit in DIGITS]), rate=rate) == DIGITS


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
@pytest.mark.parametrize("level_db", [-30.0, -20.0, -7.0])
def test_i20_through_g711_quiet_and_loud(codec: str, level_db: float) -> None:
    line = by_name(codec)
    sent = np.concatenate([press(digit, level_db=level_db) for digit in "0123456789*#"])
    assert heard(line.decode(line.encode(sent))) == "0123456789*#"


@pytest.mark.parametrize("offset", range(0, 80, 7))
def test_q24_tones_and_pauses_of_40_ms_are_told_apart_wherever_they_begin(offset: int) -> None:
    pressed = np.concatenate([press("5", ms=40, pause_ms=40) for _ in range(4)])
    assert heard(np.concatenate((silence(offset / 8000, 8000), pressed))) == "5555"


@pytest.mark.parametrize("offset", range(0, 80, 7))
def test_q24_a_flash_of_20_ms_is_no_digit_and_a_gap_of_8_ms_does_not_make_two(offset: int) -> None:
    start = silence(offset / 8000, 8000)
    assert heard(np.concatenate((start, press("5", ms=20)))) == ""
    assert heard(np.concatenate((start, press("5", ms=60, pause_ms=8), press("5", ms=60)))) == "5"


@pytest.mark.parametrize("detuned", [-0.015, 0.015])
def test_q24_tones_may_be_off_by_one_and_a_half_percent(detuned: float) -> None:
    assert heard(np.concatenate([press(digit, detuned=detuned) for digit in DIGITS])) == DIGITS


def test_i20_a_long_press_is_one_digit() -> None:
    assert heard(press("9", ms=5000)) == "9"


@pytest.mark.parametrize("packet", [1, 37, 160, 240, 100_000])
def test_how_the_sound_is_cut_into_packets_changes_nothing(packet: int) -> None:
    assert heard(np.concatenate([press(digit) for digit in "48#"]), packet=packet) == "48#"


def test_a_noisy_line_is_understood() -> None:
    pressed = np.concatenate([press(digit) for digit in DIGITS])
    noise = NOISE.normal(0, 32_768 * 10 ** (-35 / 20), len(pressed))
    assert heard(np.clip(pressed + noise, -32_768, 32_767).astype(np.int16)) == DIGITS


def buzzing_voice(pitch_hz: float) -> Pcm:
    """Two seconds of a vowel whose pitch glides: all harmonics, as a voice has them."""
    at = np.arange(16_000) / 8000
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * 3 * at))) / 8000
    wave = sum((np.sin(n * phase) / n for n in range(1, int(3600 // pitch_hz))), np.zeros(16_000))
    return (wave * 9000).astype(np.int16)


@pytest.mark.parametrize("pitch_hz", range(90, 400, 30))
def test_a_voice_is_no_digit(pitch_hz: int) -> None:
    assert heard(buzzing_voice(pitch_hz)) == ""


@pytest.mark.parametrize(
    "sound",
    [
        silence(1.0, 8000),
        tone((425.0,), 1.0, 8000),
        tone((440.0, 480.0), 1.0, 8000),
        tone((697.0,), 1.0, 8000),
        tone((697.0, 770.0), 1.0, 8000),
        tone((770.0, 1336.0, 1000.0), 1.0, 8000),
        NOISE.normal(0, 6000, 16_000).astype(np.int16),
    ],
)
def test_other_sounds_are_no_digits(sound: Pcm) -> None:
    assert heard(sound) == ""


def by_event(digit: str) -> str:
    receiver = EventReceiver(8000)
    packets = enumerate(encode_digit(digit))
    return "".join(
        itertools.chain.from_iterable(receiver.feed(p.payload, 8000, p.marker, index) for index, p in packets)
    )


@pytest.mark.parametrize(
    "mode",
    [
        by_event,
        lambda digit: parse_info("application/dtmf-relay", f"Signal={digit}\r\nDuration=100\r\n".encode()),
        lambda digit: heard(press(digit)),
    ],
    ids=["rfc4733", "info", "inband"],
)
@pytest.mark.parametrize("digit", DIGITS)
def test_i20_each_of_the_three_modes_tells_each_key_once(
    mode: Callable[[str], str | None], digit: str
) -> None:
    assert mode(digit) == digit
