"""Any valid configuration with any mix of failures (row F15): no caller is dropped before they are served.

``SCHEME_SEEDS`` sets how many offices are played, ``SCHEME_FIRST`` the first one: a failure names its seed.
"""

from __future__ import annotations

import os

import pytest

from tests.simulator.scheme_calls import play

SEEDS = int(os.environ.get("SCHEME_SEEDS", "100"))
FIRST = int(os.environ.get("SCHEME_FIRST", "0"))
PER_TEST = 20


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PER_TEST))
def test_f15_every_caller_ends_with_somebody_a_voicemail_or_a_promise_whatever_fails(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST + SEEDS)):
        play(seed)
