"""Tones as they are made and as they are found again."""

from __future__ import annotations

import numpy as np
import pytest

from media.tones import tone
from tests.harness.hearing import Hearing


@pytest.mark.parametrize("rate", [8000, 16_000])
@pytest.mark.parametrize("level_db", [-40.0, -13.0, -6.1])
def test_two_tones_are_found_at_the_level_they_were_made(rate: int, level_db: float) -> None:
    heard = Hearing(tone((700.0, 1200.0), 1.0, rate, level_db), rate)
    levels = heard.levels(700.0, 1200.0, 2000.0)
    assert levels.shape == (50, 3)
    inner = levels[1:-1]
    assert np.abs(inner[:, :2] - level_db).max() < 0.1
    assert inner[:, 2].max() < level_db - 30
    assert heard.clipping() == []


def test_a_tone_has_its_length_to_the_sample_and_does_not_click() -> None:
    pcm = tone((425.0,), 0.25, 8000)
    assert len(pcm) == 2000
    assert pcm[0] == 0
    assert abs(int(pcm[-1])) < 100


@pytest.mark.parametrize("seconds", [0.0, 0.000_125, 0.001])
def test_the_shortest_tones_are_still_tones(seconds: float) -> None:
    assert len(tone((425.0,), seconds, 8000)) == round(seconds * 8000)


def test_what_is_too_loud_is_clipped_and_never_wraps() -> None:
    pcm = tone((500.0, 500.0), 0.1, 8000, 0.0)
    assert Hearing(pcm, 8000).clipping() != []
    assert (pcm.max(), pcm.min()) == (32_767, -32_767)
    assert np.abs(np.diff(pcm.astype(int))).max() < 32_767
