"""A second try leaves nothing behind for the tests of the next module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = """
import itertools, pytest

offices = itertools.count(1)

@pytest.fixture(scope="module")
def office():
    yield next(offices)
"""
FIRST = """
import itertools, pytest

tries = itertools.count(1)

@pytest.fixture(scope="module")
def phone():
    assert next(tries) == 2

def test_it(phone, office):
    assert office == 1
"""
NEXT = """
def test_it(office):
    assert office == 2
"""


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        ("tests.harness.second_try", "2 passed, 1 rerun "),
        ("no:tests.harness.second_try", "1 failed, 1 passed, 2 rerun "),
    ],
    ids=["with our hook", "without: it may go when this fails"],
)
def test_what_a_second_try_set_up_for_a_module_ends_with_it(plugin: str, told: str, tmp_path: Path) -> None:
    for name, text in {"conftest": SHARED, "test_a": FIRST, "test_b": NEXT}.items():
        (tmp_path / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider", "--reruns", "1"]
    run = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-c", "/dev/null", str(tmp_path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.splitlines()[-1].startswith(told), run.stdout
