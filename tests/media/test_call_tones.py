"""Tones of the countries (ITU-T E.180 and its list)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from media.call_tones import BEEP, call_tones, for_seconds
from media.commands import PlayItem, Silence, Tone
from media.tones import tone
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import silence

Cadence = tuple[float, ...]


def sound(items: Sequence[PlayItem]) -> Hearing:
    pieces = []
    for item in items:
        assert isinstance(item, Tone | Silence)
        if isinstance(item, Tone):
            pieces.append(tone(item.frequencies, item.seconds, 8000, item.level_db))
        else:
            pieces.append(silence(item.seconds, 8000))
    return Hearing(np.concatenate(pieces), 8000)


@pytest.mark.parametrize(
    ("country", "frequencies", "cadence"),
    [
        ("PL", (425.0,), (1.0, 4.0)),
        ("UA", (425.0,), (1.0, 4.0)),
        ("us", (440.0, 480.0), (2.0, 4.0)),
        ("GB", (400.0, 450.0), (0.4, 0.2, 0.4, 2.0)),
        ("SE", (425.0,), (1.0, 5.0)),
        ("CL", (400.0,), (1.0, 3.0)),
        ("NZ", (400.0, 450.0), (0.4, 0.2, 0.4, 2.0)),
        ("TW", (440.0, 480.0), (1.0, 2.0)),
        ("", (425.0,), (1.0, 4.0)),
    ],
)
def test_e180_ringback_rings_as_the_country_is_used_to(
    country: str, frequencies: tuple[float, ...], cadence: Cadence
) -> None:
    ringback = sound(call_tones(country).ringback)
    rings = ringback.spans_of(*frequencies, above_db=-28.0)
    borders = [border for ring in rings for border in (ring.at, ring.until)]
    assert borders[:1] == [0.0]
    assert np.diff([*borders, ringback.seconds]).tolist() == pytest.approx(cadence)
    assert len(rings) == len(ringback.sounds()), "and there is no other sound"
    assert ringback.clipping() == []


@pytest.mark.parametrize(
    ("country", "busy", "congestion", "frequencies"),
    [
        ("PL", (0.5, 0.5), (0.5, 0.5), (425.0,)),
        ("DE", (0.48, 0.48), (0.24, 0.24), (425.0,)),
        ("US", (0.5, 0.5), (0.25, 0.25), (480.0, 620.0)),
        ("BR", (0.25, 0.25), (0.25, 0.25, 0.75, 0.25), (425.0,)),
        ("CN", (0.35, 0.35), (0.7, 0.7), (450.0,)),
        ("MX", (0.25, 0.25), (0.25, 0.25), (425.0,)),
        ("NZ", (0.25, 0.25), (0.375, 0.375), (400.0,)),
        ("TW", (0.5, 0.5), (0.25, 0.25), (480.0, 620.0)),
        ("GB", (0.375, 0.375), (0.4, 0.35, 0.225, 0.525), (400.0,)),
    ],
)
def test_busy_and_congestion_have_the_beat_and_the_pitch_of_the_country(
    country: str, busy: Cadence, congestion: Cadence, frequencies: tuple[float, ...]
) -> None:
    tones = call_tones(country)
    for items, cadence in ((tones.busy, busy), (tones.congestion, congestion)):
        assert tuple(item.seconds for item in items if isinstance(item, Tone | Silence)) == cadence
        assert all(item.frequencies == frequencies for item in items[::2] if isinstance(item, Tone))
        assert all(isinstance(item, Silence) for item in items[1::2])


@pytest.mark.parametrize("country", ["PL", "UA", "RU", "US", "GB", "ES", "JP"])
def test_no_country_is_louder_or_softer_than_another(country: str) -> None:
    for items in (call_tones(country).ringback, call_tones(country).busy):
        first = sound(items[:1])
        assert first.between(0.04, first.seconds - 0.04).loudness() == pytest.approx(-22.0, abs=0.7)


def test_a_tone_of_some_seconds_is_made_of_whole_periods() -> None:
    busy = call_tones("PL").busy
    assert for_seconds(busy, 2.5) == busy * 3
    assert for_seconds(busy, 0.1) == busy


def test_the_beep_is_1_khz_for_less_than_half_a_second() -> None:
    beep = sound(BEEP)
    assert beep.seconds == 0.4
    assert beep.levels(1000.0)[1:19].min() > -14.0
    assert beep.gaps() == beep.clipping() == []
