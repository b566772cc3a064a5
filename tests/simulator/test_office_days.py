"""Whole offices by chance (rows D2, F15): custody of every caller, whatever people, networks and power do.

``OFFICE_SEEDS`` sets how many days are played, ``OFFICE_FIRST`` the first one: a failure names its seed.
"""

from __future__ import annotations

import os

import pytest

from tests.simulator.office_days import play

SEEDS = int(os.environ.get("OFFICE_SEEDS", "150"))
FIRST = int(os.environ.get("OFFICE_FIRST", "0"))
PER_TEST = 15


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PER_TEST))
def test_f15_d2_no_caller_is_lost_and_nothing_is_left_whatever_happens_on_that_day(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST + SEEDS)):
        play(seed)
