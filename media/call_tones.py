"""The tones by which a telephone network tells how a call stands, as each country is used to hear them.

From the list that ITU-T keeps beside E.180 ("Various tones used in national networks", Supplement 2 to the
E-series), as switches are configured by it; where it lists several, the one of digital exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from media.commands import PlayItem, Silence, Tone

LEVEL_DB = -19.0
"""Of all tones that sound together, below a full-scale sine: about -16 dBm0, which E.180 §7 allows."""
BEEP: tuple[PlayItem, ...] = (Tone((1000.0,), 0.4, -13.0),)
"""After which a message is recorded; the same everywhere."""

Cadence = tuple[float, ...]
"""Seconds on and off in turn."""


@dataclass(frozen=True, slots=True)
class CallTones:
    """What callers hear in a country, each as one period to be played again and again."""

    ringback: tuple[PlayItem, ...]
    """Somebody is being rung."""
    busy: tuple[PlayItem, ...]
    """Whoever was called is talking."""
    congestion: tuple[PlayItem, ...]
    """The call cannot be carried on."""


_EUROPE = (425.0,), (1.0, 4.0), (0.5, 0.5), (0.25, 0.25)
_AMERICA = (440.0, 480.0), (2.0, 4.0), (0.5, 0.5), (0.25, 0.25)
_BRITAIN = (400.0, 450.0), (0.4, 0.2, 0.4, 2.0), (0.375, 0.375), (0.4, 0.35, 0.225, 0.525)
_TONES: dict[str, tuple[tuple[float, ...], Cadence, Cadence, Cadence]] = {
    "AT": ((420.0,), (1.0, 5.0), (0.4, 0.4), (0.2, 0.2)),
    "AU": ((413.0, 438.0), (0.4, 0.2, 0.4, 2.0), (0.375, 0.375), (0.375, 0.375)),
    "BE": ((425.0,), (1.0, 3.0), (0.5, 0.5), (0.167, 0.167)),
    "BR": ((425.0,), (1.0, 4.0), (0.25, 0.25), (0.25, 0.25, 0.75, 0.25)),
    "CA": _AMERICA,
    "CH": ((425.0,), (1.0, 4.0), (0.5, 0.5), (0.2, 0.2)),
    "CL": ((400.0,), (1.0, 3.0), (0.5, 0.5), (0.2, 0.2)),
    "CN": ((450.0,), (1.0, 4.0), (0.35, 0.35), (0.7, 0.7)),
    "CZ": ((425.0,), (1.0, 4.0), (0.33, 0.33), (0.165, 0.165)),
    "DE": ((425.0,), (1.0, 4.0), (0.48, 0.48), (0.24, 0.24)),
    "DK": ((425.0,), (1.0, 4.0), (0.5, 0.5), (0.2, 0.2)),
    "EE": ((425.0,), (1.0, 4.0), (0.3, 0.3), (0.2, 0.2)),
    "ES": ((425.0,), (1.5, 3.0), (0.2, 0.2), (0.2, 0.2, 0.2, 0.2, 0.2, 0.6)),
    "FI": ((425.0,), (1.0, 4.0), (0.3, 0.3), (0.2, 0.2)),
    "FR": ((440.0,), (1.5, 3.5), (0.5, 0.5), (0.25, 0.25)),
    "GB": _BRITAIN,
    "GR": ((425.0,), (1.0, 4.0), (0.3, 0.3), (0.2, 0.2)),
    "HU": ((425.0,), (1.25, 3.75), (0.3, 0.3), (0.3, 0.3)),
    "IE": _BRITAIN,
    "IT": ((425.0,), (1.0, 4.0), (0.5, 0.5), (0.2, 0.2)),
    "JP": ((400.0,), (1.0, 2.0), (0.5, 0.5), (0.5, 0.5)),
    "LT": ((425.0,), (1.0, 4.0), (0.35, 0.35), (0.2, 0.2)),
    "MX": ((425.0,), (1.0, 4.0), (0.25, 0.25), (0.25, 0.25)),
    "NO": ((425.0,), (1.0, 4.0), (0.5, 0.5), (0.2, 0.2)),
    "NZ": ((400.0, 450.0), (0.4, 0.2, 0.4, 2.0), (0.25, 0.25), (0.375, 0.375)),
    "PL": ((425.0,), (1.0, 4.0), (0.5, 0.5), (0.5, 0.5)),
    "PT": ((425.0,), (1.0, 5.0), (0.5, 0.5), (0.2, 0.2)),
    "RU": ((425.0,), (0.8, 3.2), (0.35, 0.35), (0.175, 0.175)),
    "SE": ((425.0,), (1.0, 5.0), (0.25, 0.25), (0.25, 0.75)),
    "TW": ((440.0, 480.0), (1.0, 2.0), (0.5, 0.5), (0.25, 0.25)),
    "US": _AMERICA,
}
"""By ISO 3166 code: frequencies in Hz of ringback, cadences of ringback, busy and congestion."""
_OF_BUSY: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("CA", "TW", "US"), (480.0, 620.0)),
    **dict.fromkeys(("GB", "IE", "NZ"), (400.0,)),
    "AU": (425.0,),
}
"""Frequencies of busy and congestion where they are others than those of ringback."""


def call_tones(country: str) -> CallTones:
    """Return the tones of ``country`` (ISO 3166 code); of one that is not listed, those of most of Europe."""
    code = country.upper()
    frequencies, ringback, busy, congestion = _TONES.get(code, _EUROPE)
    other = _OF_BUSY.get(code, frequencies)
    return CallTones(_period(frequencies, ringback), _period(other, busy), _period(other, congestion))


def for_seconds(period: Sequence[PlayItem], seconds: float) -> tuple[PlayItem, ...]:
    """Return whole periods of a tone that last ``seconds`` or a little longer."""
    length = sum(item.seconds for item in period if isinstance(item, Tone | Silence))
    return tuple(period) * max(1, -int(-seconds // length))


def _period(frequencies: tuple[float, ...], cadence: Cadence) -> tuple[PlayItem, ...]:
    level_db = LEVEL_DB - 3.0 * (len(frequencies) - 1)
    return tuple(
        Silence(seconds) if index % 2 else Tone(frequencies, seconds, level_db)
        for index, seconds in enumerate(cadence)
    )
