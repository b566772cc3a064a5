"""Sample rates changed, whole and piece by piece."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from media.resample import Resampler, resample
from media.tones import tone
from tests.harness.hearing import Hearing

RATES = [(8000, 16_000), (8000, 48_000), (16_000, 8000), (48_000, 8000), (16_000, 48_000), (48_000, 16_000)]


def pieces(pcm: NDArray[np.int16], size: int) -> list[NDArray[np.int16]]:
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


@pytest.mark.parametrize(("rate", "to_rate"), [*RATES, (44_100, 8000), (11_025, 16_000), (8000, 44_100)])
def test_a_tone_keeps_its_pitch_level_length_and_place(rate: int, to_rate: int) -> None:
    there = resample(tone((1000.0,), 1.0, rate), rate, to_rate)
    assert len(there) == to_rate
    assert np.abs(there.astype(int) - tone((1000.0,), 1.0, to_rate)).max() < 200  # -44 dB, at its very ends
    assert np.abs(Hearing(there, to_rate).levels(1000.0)[1:-1] + 13.0).max() < 0.1


@pytest.mark.parametrize(("rate", "to_rate"), [(48_000, 8000), (16_000, 8000), (44_100, 8000)])
def test_what_the_lower_rate_cannot_hold_is_not_folded_into_it(rate: int, to_rate: int) -> None:
    there = resample(tone((6000.0,), 1.0, rate), rate, to_rate)
    assert Hearing(there[200:-200], to_rate).peak() < 15


@pytest.mark.parametrize("size_ms", [2.5, 10, 20, 60])
@pytest.mark.parametrize(("rate", "to_rate"), RATES)
def test_a_stream_in_pieces_is_the_whole_a_little_later_and_without_a_seam(
    rate: int, to_rate: int, size_ms: float
) -> None:
    pcm = tone((300.0, 1700.0), 1.0, rate)
    resampler = Resampler(rate, to_rate)
    there = np.concatenate([resampler.feed(piece) for piece in pieces(pcm, round(rate * size_ms / 1000))])
    late = resampler.delay * to_rate // rate
    assert resampler.delay / rate <= 0.0021
    assert len(there) == to_rate
    assert np.abs(there[late:].astype(int) - resample(pcm, rate, to_rate)[: to_rate - late]).max() <= 1


def test_pieces_of_odd_lengths_lose_nothing() -> None:
    pcm, resampler = tone((1000.0,), 1.0, 48_000), Resampler(48_000, 8000)
    there = np.concatenate([resampler.feed(piece) for piece in pieces(pcm, 1001)])
    assert len(there) == 8000
    assert np.abs(there[16:].astype(int) - resample(pcm, 48_000, 8000)[:-16]).max() <= 1


def test_rates_that_are_no_multiples_are_refused_in_pieces() -> None:
    with pytest.raises(ValueError, match="44100"):
        Resampler(44_100, 8000)


def test_nothing_and_the_same_rate_stay_as_they_are() -> None:
    pcm = tone((1000.0,), 0.1, 8000)
    assert resample(pcm, 8000, 8000) is pcm
    assert len(resample(pcm[:0], 8000, 48_000)) == 0
    assert Resampler(8000, 8000).feed(pcm) is pcm
    assert len(Resampler(8000, 16_000).feed(pcm[:0])) == 0
