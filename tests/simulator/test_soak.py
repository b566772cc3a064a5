"""The million-call runner: plays every seed once, tells how it goes, names what fails, can be resumed."""

from __future__ import annotations

import pytest

from tests.simulator import soak as soak_module
from tests.simulator.soak import CALLS, Kind, main, soak

pytestmark = pytest.mark.timeout(180)  # each pool starts its processes anew


def fails_at_13(seed: int) -> None:
    assert seed != 13, "unlucky"


def test_every_seed_is_played_and_the_failing_one_is_named() -> None:
    told: list[str] = []
    kind = Kind("calls", fails_at_13, per_seed=2, chunk=3)
    report = soak(kind, first=5, seeds=20, jobs=2, tell=told.append)
    assert report.played == 20
    assert list(report.failures) == [13]
    assert "calls: seed 13 failed: AssertionError: unlucky" in told
    assert told[-1].startswith("calls: 40 in ")
    assert told[-1].endswith("1 failed; go on with FIRST=25")


def test_a_run_that_is_out_of_time_says_where_to_go_on() -> None:
    told: list[str] = []
    kind = Kind("calls", fails_at_13, per_seed=1, chunk=2)
    report = soak(kind, first=0, seeds=1000, seconds=0.0, jobs=1, tell=told.append)
    assert report.played == 2
    assert told[-1].endswith("0 failed; go on with FIRST=2")


def test_the_command_plays_calls_and_fails_when_a_seed_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--first", "10", "--calls", "8", "--offices", "1", "--schemes", "1", "--jobs", "1"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "calls: 8 in" in told
    assert "offices: 1 in" in told
    assert "schemes: 1 in" in told
    monkeypatch.setattr(soak_module, "CALLS", Kind(CALLS.name, fails_at_13, CALLS.per_seed, CALLS.chunk))
    assert main([*arguments, "--offices", "0", "--schemes", "0"]) == 1
    assert "seed 13 failed" in capsys.readouterr().out
