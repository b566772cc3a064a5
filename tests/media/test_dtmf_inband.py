"""I20: digits that arrive as sound, as ITU-T Q.24 has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media import codecs
from media.codecs import by_name
from media.dtmf import DIGITS
from media.encoding import Encoding, clock_rate_hz
from media.inband import HIGH_HZ, KEYS, LOW_HZ, InbandListener, hear_all
from media.tones import tone
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import silence

Pcm = NDArray[np.int16]
ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ROOT / "prompts"
DBM0 = 3.14
"""Of a full-scale sine (ITU-T G.711)."""


def press(
    digit: str,
    *,
    ms: int = 80,
    pause_ms: int = 80,
    low_db: float = -13.0,
    high_db: float = -13.0,
    detuned: float = 0.0,
    off_hz: float = 0.0,
) -> Pcm:
    row = next(index for index, keys in enumerate(KEYS) if digit in keys)
    low, high = LOW_HZ[row], HIGH_HZ[KEYS[row].index(digit)]
    seconds = ms / 1000
    pair = tone((low * (1 + detuned) + off_hz,), seconds, 8000, low_db).astype(np.int32)
    pair += tone((high * (1 - detuned) - off_hz,), seconds, 8000, high_db)
    return np.concatenate((np.clip(pair, -32767, 32767).astype(np.int16), silence(pause_ms / 1000, 8000)))


def heard(pcm: Pcm, *, packet: int = 160) -> str:
    listener = InbandListener(0.0)
    packets = (pcm[start : start + packet] for start in range(0, len(pcm), packet))
    return "".join(hear_all([(listener, listener.cut(each))])[0] for each in packets)


def arriving(
    payloads: list[tuple[float, int, bytes]], codec: str = "PCMA", *, until: float | None = None
) -> str:
    """Return what is heard of packets (arrival, timestamp, payload) by a listener that looks every 0.1 s."""
    listener, told, looks = InbandListener(0.0), "", 0.1
    for at, timestamp, payload in sorted(payloads):
        while looks < at:
            told += hear_all([(listener, listener.windows(looks))])[0]
            looks += 0.1
        listener.listen(codec, payload, timestamp, 1, at)
    end = max(at for at, _, _ in payloads) + 0.5
    while looks < end:
        told += hear_all([(listener, listener.windows(looks))])[0]
        looks += 0.1
    return told


def packets(pcm: Pcm, codec: str = "PCMA") -> list[tuple[float, int, bytes]]:
    encoder = codecs.encoder(Encoding(codec))
    rate = encoder.sample_rate_hz
    from media.resample import resample

    wide = resample(pcm, 8000, rate)
    size, ticks = rate // 50, clock_rate_hz(codec) // 50
    return [
        (index * 0.02, index * ticks, encoder.encode(wide[start : start + size]))
        for index, start in enumerate(range(0, len(wide) - size + 1, size))
    ]


def test_i20_all_sixteen_keys_are_heard_once_each() -> None:
    assert heard(np.concatenate([press(digit) for digit in DIGITS])) == DIGITS


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
@pytest.mark.parametrize("level_dbm", [-30.0, -20.0, -10.0, -4.0])
def test_i20_through_g711_quiet_and_loud(codec: str, level_dbm: float) -> None:
    line = by_name(codec)
    level_db = level_dbm - DBM0
    sent = np.concatenate([press(digit, low_db=level_db, high_db=level_db) for digit in DIGITS])
    assert heard(line.decode(line.encode(sent))) == DIGITS


@pytest.mark.parametrize("level_dbm", [-55.0, -45.0])
def test_row_i20_a_whisper_of_a_key_is_none(level_dbm: float) -> None:
    level_db = level_dbm - DBM0
    assert heard(press("5", low_db=level_db, high_db=level_db, ms=500)) == ""


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
@pytest.mark.parametrize("offset", range(0, 160, 9))
def test_row_i20_tones_and_pauses_of_40_ms_are_told_apart_wherever_they_begin(
    offset: int, codec: str
) -> None:
    line = by_name(codec)
    pressed = np.concatenate([press(digit, ms=40, pause_ms=40) for digit in "5509#"])
    sent = np.concatenate((silence((160 + offset) / 8000, 8000), pressed))
    assert heard(line.decode(line.encode(sent))) == "5509#"


@pytest.mark.parametrize("offset", range(0, 80, 7))
def test_row_i20_a_flash_of_23_ms_is_no_digit_and_a_gap_of_10_ms_does_not_make_two(offset: int) -> None:
    start = silence(offset / 8000, 8000)
    assert heard(np.concatenate((start, press("5", ms=23)))) == ""
    assert heard(np.concatenate((start, press("5", ms=60, pause_ms=10), press("5", ms=60)))) == "5"


@pytest.mark.parametrize("high_over_low_db", [4.0, 2.0, 0.0, -4.0, -8.0])
def test_row_i20_the_high_tone_may_be_4_db_louder_or_8_db_softer(high_over_low_db: float) -> None:
    pressed = [press(digit, low_db=-16.0, high_db=-16.0 + high_over_low_db) for digit in DIGITS]
    assert heard(np.concatenate(pressed)) == DIGITS


@pytest.mark.parametrize("high_over_low_db", [8.0, -12.0])
def test_row_i20_with_more_twist_than_that_it_is_no_key(high_over_low_db: float) -> None:
    pressed = [press(digit, low_db=-20.0, high_db=-20.0 + high_over_low_db) for digit in DIGITS]
    assert heard(np.concatenate(pressed)) == ""


@pytest.mark.parametrize("sign", [-1, 1])
def test_row_i20_tones_may_be_off_by_one_and_a_half_percent_and_two_hertz(sign: int) -> None:
    pressed = [press(digit, ms=60, detuned=sign * 0.015, off_hz=sign * 2.0) for digit in DIGITS]
    assert heard(np.concatenate(pressed)) == DIGITS


@pytest.mark.parametrize("detuned", [-0.05, -0.035, 0.035, 0.05])
def test_row_i20_tones_that_are_off_by_three_and_a_half_percent_are_none(detuned: float) -> None:
    assert heard(np.concatenate([press(digit, ms=200, detuned=detuned) for digit in DIGITS])) == ""


@pytest.mark.parametrize(("low_off", "high_off"), [(0.035, 0.0), (-0.035, 0.0), (0.0, 0.035), (0.0, -0.035)])
def test_row_i20_one_tone_that_is_off_is_enough_to_be_none(low_off: float, high_off: float) -> None:
    for row, low in enumerate(LOW_HZ):
        for column, high in enumerate(HIGH_HZ):
            pair = tone((low * (1 + low_off), high * (1 + high_off)), 0.2, 8000)
            assert heard(np.concatenate((silence(0.05, 8000), pair))) == "", KEYS[row][column]


def test_i20_a_long_press_is_one_digit() -> None:
    assert heard(press("9", ms=10_000)) == "9"


@pytest.mark.parametrize("packet", [1, 37, 160, 240, 100_000])
def test_how_the_sound_is_cut_into_packets_changes_nothing(packet: int) -> None:
    assert heard(np.concatenate([press(digit) for digit in "48#"]), packet=packet) == "48#"


def test_a_noisy_line_is_understood() -> None:
    pressed = np.concatenate([press(digit) for digit in DIGITS])
    noise = np.random.default_rng(20).normal(0, 32_768 * 10 ** (-30 / 20), len(pressed))
    assert heard(np.clip(pressed + noise, -32_768, 32_767).astype(np.int16)) == DIGITS


def test_many_legs_are_heard_in_one_go_and_none_hears_another() -> None:
    listeners = [InbandListener(0.0) for _ in DIGITS]
    windows = [
        (listener, listener.cut(press(digit, ms=50 + 7 * index)))
        for index, (listener, digit) in enumerate(zip(listeners, DIGITS, strict=True))
    ]
    windows.insert(3, (InbandListener(0.0), np.empty((0, 160), np.int16)))
    told = hear_all(windows)
    assert told.pop(3) == ""
    assert told == list(DIGITS)


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722", "opus"])
def test_i20_keys_are_heard_in_every_codec(codec: str) -> None:
    pcm = np.concatenate([silence(0.2, 8000), *(press(digit, ms=100, pause_ms=100) for digit in DIGITS)])
    assert arriving(packets(pcm, codec), codec) == DIGITS


@pytest.mark.parametrize("lost", range(8))
def test_i20_a_lost_packet_in_a_press_does_not_make_two_of_it(lost: int) -> None:
    pcm = np.concatenate((silence(0.1, 8000), press("7", ms=120), press("7", ms=120)))
    sent = packets(pcm)
    del sent[5 + lost]
    assert arriving(sent) == "77"


def test_i20_packets_that_come_in_disorder_or_twice_are_one_press() -> None:
    sent = packets(np.concatenate((silence(0.1, 8000), press("3", ms=100, pause_ms=100), press("6", ms=100))))
    late = [
        (at + (0.03 if index % 3 == 0 else 0), stamp, payload)
        for index, (at, stamp, payload) in enumerate(sent)
    ]
    assert arriving(late + sent[::4]) == "36"


def test_a_way_that_suddenly_takes_longer_does_not_cut_a_press_in_two() -> None:
    sent = packets(np.concatenate((silence(0.1, 8000), press("3", ms=200), press("4", ms=100))))
    assert arriving([(at + (0.3 if at > 0.19 else 0), *rest) for at, *rest in sent]) == "34"  # type: ignore[misc]


def buzzing_voice(pitch_hz: float) -> Pcm:
    """Two seconds of a vowel whose pitch glides: all harmonics, as a voice has them."""
    at = np.arange(16_000) / 8000
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * 3 * at))) / 8000
    wave = sum((np.sin(n * phase) / n for n in range(1, int(3600 // pitch_hz))), np.zeros(16_000))
    return (wave * 9000).astype(np.int16)


@pytest.mark.parametrize("pitch_hz", range(90, 400, 30))
def test_a_voice_is_no_digit(pitch_hz: int) -> None:
    assert heard(buzzing_voice(pitch_hz)) == ""


@pytest.mark.parametrize("spoken", ["en", "pl", "ru", "uk", "music"])
def test_what_the_office_itself_says_and_plays_is_no_digit(spoken: str) -> None:
    for path in sorted((PROMPTS / spoken).glob("*.wav")):
        assert heard(Hearing.of_file(path).pcm, packet=100_000) == "", path.name


@pytest.mark.parametrize(
    "sound",
    [
        silence(1.0, 8000),
        tone((425.0,), 1.0, 8000),
        tone((440.0, 480.0), 1.0, 8000),
        tone((697.0,), 1.0, 8000),
        tone((697.0, 770.0), 1.0, 8000),
        tone((770.0, 1336.0, 1000.0), 1.0, 8000),
        tone((950.0, 1400.0, 1800.0), 1.0, 8000),
        tone((350.0, 440.0), 1.0, 8000),
        tone((1100.0,), 3.0, 8000),
        np.random.default_rng(20).normal(0, 6000, 80_000).astype(np.int16),
    ],
)
def test_other_sounds_are_no_digits(sound: Pcm) -> None:
    assert heard(sound) == ""


def test_many_lines_are_listened_to_by_one_thread() -> None:
    count = "import media.inband, os; print(len(os.listdir('/proc/self/task')))"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    threads = subprocess.check_output([sys.executable, "-c", count], env=environment, cwd=ROOT, timeout=30)
    assert int(threads) == 1
