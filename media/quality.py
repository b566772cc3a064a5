"""How well speech is understood: an opinion score out of loss, jitter and delay."""

from __future__ import annotations

_BEST_R = 93.2
"""R of a call without impairment: all defaults of ITU-T G.107 (table 2)."""
_IMPAIRMENT = {"GSM": 20.0}
"""Ie of the codec alone (ITU-T G.113 appendix I): G.711 has none, wideband ones no value on this scale."""
_ROBUSTNESS = 25.1
"""Bpl of G.711 with concealment of lost packets (ITU-T G.113 appendix I), which today's phones all have."""
_PACKET_MS = 20.0
_NOTICED_DELAY_MS = 177.3


def mos(codec: str, *, loss: float, jitter_ms: float, round_trip_ms: float | None) -> float:
    """Return the mean opinion score that listeners would give, 1 (bad) to 4.4 (as good as a telephone gets).

    ``loss`` is the share of packets that never came. A simplified E-model (ITU-T G.107): packets are taken to
    be lost one by one, the delay is half the round trip, a packet and a jitter buffer of twice the jitter.
    """
    delay_ms = (round_trip_ms or 0.0) / 2 + _PACKET_MS + 2 * jitter_ms
    rating = _BEST_R - _delay_impairment(delay_ms) - _equipment_impairment(codec, loss)
    return round(_opinion(rating), 1)


def _delay_impairment(delay_ms: float) -> float:
    """Return Id, as two straight lines that follow G.107 §7.4 up to 400 ms."""
    return 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - _NOTICED_DELAY_MS)


def _equipment_impairment(codec: str, loss: float) -> float:
    """Return Ie,eff (G.107 §7.5) with random loss."""
    own = _IMPAIRMENT.get(codec, 0.0)
    percent = 100 * loss
    return own + (95 - own) * percent / (percent + _ROBUSTNESS)


def _opinion(rating: float) -> float:
    """Return the score of a rating R (G.107 annex B)."""
    if rating <= 0:
        return 1.0
    r = min(rating, 100.0)
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
