"""G.722 through FFmpeg, packet by packet as calls need it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.codecs import by_name
from media.encoding import Encoding
from media.tones import tone
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import silence

RATE = 16_000


def sine(frequency: float, seconds: float = 1.0) -> NDArray[np.int16]:
    return tone((frequency,), seconds, RATE, -12.0)


def packets(pcm: NDArray[np.int16], *, samples: int = 320) -> list[bytes]:
    codec = by_name("G722")
    return [codec.encode(pcm[start : start + samples]) for start in range(0, len(pcm), samples)]


def decoded(payloads: list[bytes]) -> Hearing:
    codec = by_name("G722")
    return Hearing(np.concatenate([codec.decode(payload) for payload in payloads]), RATE)


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_each_packet_is_encoded_at_once_and_decoded_alone(ptime_ms: int) -> None:
    codec, samples = by_name("G722"), 16 * ptime_ms
    whole = packets(sine(1000), samples=samples)[: 16_000 // samples]
    assert {len(payload) for payload in whole} == {Encoding("G722", ptime_ms).frame_bytes} == {8 * ptime_ms}
    assert {len(codec.decode(payload)) for payload in whole} == {samples}


def test_rfc3551_4_5_2_the_clock_runs_at_half_the_sampling_rate() -> None:
    codec = by_name("G722")
    assert (codec.payload_type, codec.clock_rate_hz, codec.sample_rate_hz) == (9, 8000, 16_000)


def test_packets_one_by_one_are_the_same_bytes_as_the_whole_at_once() -> None:
    assert b"".join(packets(sine(1000))) == by_name("G722").encode(sine(1000))


@pytest.mark.parametrize("frequency", [300.0, 1000.0, 3000.0, 6000.0])
def test_wideband_tones_come_out_as_loud_as_they_went_in(frequency: float) -> None:
    heard = decoded(packets(sine(frequency)))
    assert heard.between(0.2, 0.8).level(frequency) == pytest.approx(-12.0, abs=1.0)
    assert heard.gaps() == heard.clipping() == []


def test_a_lost_packet_is_heard_for_a_moment_only() -> None:
    sent = packets(sine(1000))
    del sent[10]
    levels = decoded(sent).between(0.4, 0.8).levels(1000.0)
    assert (np.abs(levels + 12.0) < 1.0).all()


def test_silence_follows_what_was_said_and_dies_away() -> None:
    codec = by_name("G722")
    codec.decode(codec.encode(sine(1000)))
    silences = [codec.encode(silence(0.02, RATE)) for _ in range(25)]
    assert {len(payload) for payload in silences} == {160}
    heard = Hearing(np.concatenate([codec.decode(payload) for payload in silences]), RATE)
    assert heard.between(0.0, 0.02).peak() > 1000  # the filters ring on for a moment
    assert heard.between(0.02).peak() < 10


def test_two_streams_do_not_hear_each_other() -> None:
    alone = packets(sine(500, 0.1))
    codec, other = by_name("G722"), by_name("G722")
    mixed = []
    for start in range(0, 1600, 320):
        mixed.append(codec.encode(sine(500, 0.1)[start : start + 320]))
        other.encode(sine(2000, 0.02))
    assert mixed == alone


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=400), max_size=5))
def test_any_bytes_are_some_sound(payloads: list[bytes]) -> None:
    codec = by_name("G722")
    for payload in payloads:
        assert len(codec.decode(payload)) == 2 * len(payload)
    assert len(codec.encode(np.zeros(0, np.int16))) == 0
