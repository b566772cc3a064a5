"""`b2bua check` as it is typed: the office of 200 people and 50 schemes within a second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from b2bua.cli.app import app
from bench.routing import large_office
from tests.harness.effort import calls_of

SLOW_TO_IMPORT = ("asyncio", "httpx", "numpy", "rich", "sqlalchemy", "structlog")
"""What other commands need, and this one does without."""
MOST_CALLS = 2_000_000
"""Of functions: 1.36 million take 0.15 to 0.25 s of a free core, and starting Python as long again."""


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "office.toml"
    path.write_text(large_office())
    return path


def test_the_command_looks_over_200_people_and_50_schemes_within_a_second(office: Path) -> None:
    """Counted in place of timed, as others compute, too; `make bench` has the seconds."""
    said: list[str] = []

    def check() -> None:
        said.append(CliRunner().invoke(app, ["check", str(office)]).output)

    assert calls_of(check) < MOST_CALLS
    assert said[0].endswith("no errors, no warnings\n")


def test_it_imports_nothing_that_it_can_do_without(office: Path) -> None:
    program = "import sys; from b2bua.cli.app import app; app(standalone_mode=False); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program, "check", str(office)],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert not set(SLOW_TO_IMPORT) & set(done.stdout.splitlines()[-1].split())
