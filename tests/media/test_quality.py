"""Opinion scores by a simplified E-model (ITU-T G.107)."""

from __future__ import annotations

import pytest

from media.quality import mos


@pytest.mark.parametrize(
    ("loss", "jitter_ms", "round_trip_ms", "score"),
    [
        (0.0, 0.0, None, 4.4),
        (0.002, 4.0, 30.0, 4.4),
        (0.01, 5.0, 40.0, 4.3),
        (0.05, 10.0, 80.0, 3.9),
        (0.2, 20.0, 100.0, 2.5),
        (0.0, 0.0, 800.0, 2.9),
        (1.0, 0.0, None, 1.2),
    ],
)
def test_loss_jitter_and_delay_lower_the_score(
    loss: float, jitter_ms: float, round_trip_ms: float | None, score: float
) -> None:
    assert mos("PCMA", loss=loss, jitter_ms=jitter_ms, round_trip_ms=round_trip_ms) == pytest.approx(
        score, abs=0.15
    )


@pytest.mark.parametrize(
    ("loss", "jitter_ms", "round_trip_ms"), [(0.3, 0.0, 0.0), (0.0, 90.0, 0.0), (0.0, 0.0, 900.0)]
)
def test_more_of_an_impairment_is_never_heard_as_better(
    loss: float, jitter_ms: float, round_trip_ms: float
) -> None:
    shares = [step / 20 for step in range(21)]
    scores = [
        mos("PCMU", loss=loss * each, jitter_ms=jitter_ms * each, round_trip_ms=round_trip_ms * each)
        for each in shares
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] + 0.1


def test_gsm_is_worse_than_g711_from_the_start() -> None:
    ideal = {"loss": 0.0, "jitter_ms": 0.0, "round_trip_ms": 0.0}
    assert mos("GSM", **ideal) < mos("PCMA", **ideal) - 0.5
