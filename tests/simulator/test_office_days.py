"""Whole offices by chance (rows D2, F15): custody of every caller, whatever people, networks and power do.

``OFFICE_SEEDS`` sets how many days are played, ``OFFICE_FIRST`` the first one: a failure names its seed.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from b2bua.sip.transport.memory import MemoryNetwork
from tests.simulator import office_days
from tests.simulator.office_days import play

SEEDS = int(os.environ.get("OFFICE_SEEDS", "150"))
FIRST = int(os.environ.get("OFFICE_FIRST", "0"))
PER_TEST = 10


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PER_TEST))
def test_f15_d2_no_caller_is_lost_and_nothing_is_left_whatever_happens_on_that_day(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST + SEEDS)):
        play(seed)


def test_a_day_goes_as_it_went_before_so_that_a_failure_can_be_looked_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks: list[MemoryNetwork] = []
    build = office_days._network

    def remember(random: Random, seed: int) -> MemoryNetwork:
        networks.append(build(random, seed))
        return networks[-1]

    monkeypatch.setattr(office_days, "_network", remember)
    for seed in (136, 137, 141):
        for _ in range(2):
            play(seed)
        once, again = (
            [(packet.at, packet.source, packet.start_line) for packet in network.log]
            for network in networks[-2:]
        )
        assert once == again
