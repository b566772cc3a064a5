"""A wheel installed without its checkout: prompts, configurations and migrations are inside and are found."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.ports import free_port
from tests.harness.product import until

ROOT = Path(__file__).parents[1]
DEMO_S = 55.0

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the unpacked wheel and nothing else of ours."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=30)
    (wheel,) = wheels.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run([*pip, *options], check=True, capture_output=True, timeout=30)
    return folder


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment in which the wheel's packages come before those of the checkout."""
    return {**os.environ, "PYTHONPATH": str(installed), "TMPDIR": str(tmp_path)}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Return what runs Python in an empty folder."""

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        options = {"cwd": tmp_path, "env": environment, "timeout": DEMO_S}
        return subprocess.run(command, check=True, capture_output=True, text=True, **options)

    return python


pytestmark = pytest.mark.interop


def test_a_wheel_with_compiled_sound_is_for_any_python_of_this_kind_of_machine(
    installed: Path, run: Run
) -> None:
    found = "from media.fastpath import *; print(FastPath.found() is not None, LIBRARY)"
    assert run("-c", found).stdout.split() == ["True", str(installed / "media" / "libfastpath.so")]
    (tags,) = installed.glob("b2bua-*.dist-info/WHEEL")
    assert "\nTag: py3-none-linux_" in tags.read_text()


def test_configurations_and_prompts_are_those_of_the_wheel(installed: Path, run: Run) -> None:
    asked = (
        "from b2bua.config.files import demo_config; from b2bua.phrases import Phrasebook; import media;"
        "print(demo_config(), Phrasebook.found(), media.__file__, sep='\\n')"
    )
    found = run("-c", asked).stdout.splitlines()
    assert found[:2] == [str(installed / f"b2bua/_data/{name}") for name in ("config/demo.toml", "prompts")]
    assert found[2] == str(installed / "media/__init__.py")
    assert (installed / "b2bua/_data/config/example.toml").is_file()
    assert {path.name for path in (installed / "b2bua/_data/prompts").glob("??")} == {"en", "uk", "ru", "pl"}


def test_the_demo_plays_without_the_checkout(run: Run) -> None:
    said = run("-m", "b2bua", "demo").stderr
    assert re.search(r"talked with Anna Nowak for \d+ s", said)
    assert "e-mail with the recording attached" in said


def test_the_office_starts_and_stops_without_the_checkout(
    installed: Path, environment: dict[str, str], run: Run, tmp_path: Path
) -> None:
    text = (installed / "b2bua/_data/config/demo.toml").read_text()
    (tmp_path / "office.toml").write_text(text.replace(":5060", f":{free_port()}"))
    command = [sys.executable, "-m", "b2bua", "run", "office.toml"]
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        office = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            until(lambda: "ready for calls" in said.read_text(), within=20, what="the office is up")
            assert run("-m", "b2bua", "calls", "office.toml").stdout == "No calls yet.\n"
        finally:
            office.send_signal(signal.SIGINT)
            try:
                assert office.wait(20) == 0, said.read_text()
            finally:
                office.kill()  # if it has not ended
    assert (tmp_path / "data" / "b2bua.sqlite").is_file()
