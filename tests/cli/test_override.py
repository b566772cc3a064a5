"""``b2bua override``, and what other commands tell of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.store import Store
from tests.calls.test_override import NUMBER, with_hours
from tests.cli.test_commands import office, says


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return an office with hours and a backup that has run before."""

    async def run() -> None:
        await (await Store.open(tmp_path / "data")).close()

    asyncio.run(run())
    path = Path(office(tmp_path))
    path.write_text(with_hours(path.read_text()))
    return str(path)


def test_s1_what_is_decided_is_told_by_every_command(config: str) -> None:
    assert says("override", config) == "the office works by its hours\n"
    said = says("override", config, "backup", "--for", "10m")
    assert said.startswith("the office sends all calls to the backup until ")
    assert says("status", config).splitlines()[0] == said.strip()
    assert says("override", config).startswith(f"{said.strip()}: the command line decided so at ")
    told = says("explain", config, "--to", NUMBER).splitlines()[1]
    assert told.startswith("scheme backup, because somebody sends all calls to the backup until ")
    later = says("explain", config, "--to", NUMBER, "--at", "2031-11-24 12:00").splitlines()[1]
    assert later == "scheme anna, because office is open then"
    assert says("override", config, "normal") == "the office works by its hours\n"
    assert says("status", config).startswith("anna")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("close",), "'close' cannot be decided; did you mean 'closed'?"),
        (("closed", "--for", "1m", "--until", "12:00"), "give either --for or --until"),
        (("closed", "--until", "2001-01-01 12:00"), "that is over already"),
        (("--for", "1m"), "what shall hold?"),
    ],
)
def test_s1_what_cannot_be_decided_is_told(config: str, arguments: tuple[str, ...], why: str) -> None:
    told = says("override", config, *arguments, exit_code=2).replace("│", "")
    assert why in " ".join(told.split())
    assert says("override", config) == "the office works by its hours\n"


def test_s1_an_office_without_a_backup_cannot_send_there(tmp_path: Path) -> None:
    told = says("override", office(tmp_path), "backup", exit_code=2).replace("│", "")
    assert "backup cannot be decided: [office] has no backup-scheme" in " ".join(told.split())
