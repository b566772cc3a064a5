"""`b2bua check` as it is typed: the office of 200 people and 50 schemes within a second."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bench.routing import large_office

SLOW_TO_IMPORT = ("asyncio", "httpx", "numpy", "rich", "sqlalchemy", "structlog")
"""What other commands need, and this one does without."""


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "office.toml"
    path.write_text(large_office())
    return path


def checked(office: Path, program: list[str]) -> tuple[float, str]:
    """Return the command's seconds of CPU, from the start of its process, and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *program, "check", str(office)],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def test_the_command_looks_over_200_people_and_50_schemes_within_a_second(office: Path) -> None:
    """In CPU time, the best of three: others compute on this machine, too."""
    spent, said = zip(*(checked(office, ["-m", "b2bua"]) for _ in range(3)), strict=True)
    assert min(spent) < 1.0, spent
    assert said[0].endswith("no errors, no warnings\n")


def test_it_imports_nothing_that_it_can_do_without(office: Path) -> None:
    program = "import sys; from b2bua.cli.app import app; app(standalone_mode=False); print(*sys.modules)"
    _, said = checked(office, ["-c", program])
    assert not set(SLOW_TO_IMPORT) & set(said.splitlines()[-1].split())
