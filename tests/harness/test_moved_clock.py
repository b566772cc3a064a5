"""A moved clock is the wall clock of a process and of what it starts, and none that measures."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.harness.moved_clock import MovedClock

pytestmark = pytest.mark.interop

TELLS = """
import datetime, sqlite3, subprocess, sys, time
child = lambda: subprocess.check_output([sys.executable, "-c", "import time; print(time.time())"])
for _ in sys.stdin:
    began = time.monotonic()
    time.sleep(0.05)
    by_sql = sqlite3.connect(":memory:").execute("select strftime('%s', 'now')").fetchone()[0]
    by_date = datetime.datetime.now(datetime.UTC).timestamp()
    print(time.time(), by_date, by_sql, float(child()), time.monotonic() - began, flush=True)
"""


@pytest.mark.parametrize("moment", [datetime(1970, 1, 2, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)])
def test_a_process_that_runs_takes_the_moved_clock_for_its_own(tmp_path: Path, moment: datetime) -> None:
    clock = MovedClock(tmp_path, datetime(2016, 11, 1, tzinfo=UTC))
    program = subprocess.Popen(
        [sys.executable, "-c", TELLS],
        env={**os.environ, **clock.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdin is not None
        assert program.stdout is not None
        for shown in (datetime(2016, 11, 1, tzinfo=UTC), moment):
            clock.set(shown)
            asked_at = time.monotonic()
            print(file=program.stdin, flush=True)
            *moments, lasted_s = map(float, program.stdout.readline().split())
            passed_s = time.monotonic() - asked_at
            for each in moments:
                assert -1 < each - shown.timestamp() < passed_s
            assert 0.05 <= lasted_s <= passed_s
            assert (clock.now() - shown).total_seconds() >= passed_s
        program.stdin.close()
