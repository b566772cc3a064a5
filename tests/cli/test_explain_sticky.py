"""Row R1: ``b2bua explain --from`` names who talked with that caller today, as the journal has it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from b2bua.cli.app import app
from b2bua.store.calls import CallEvent, CallOutcome, EventKind, NewCall
from b2bua.store.store import Store
from tests.config.offices import PEOPLE

NUMBER, CALLER = "+48221230001", "+48500600700"
OFFICE = f"""
[number."{NUMBER}"]
scheme = "main"
sticky = "today"
[[scheme.main.step]]
ring = ["piotr"]
[[scheme.main.step]]
voicemail = "sales"
"""


async def talked(data: Path) -> None:
    now = datetime.now(UTC)
    data.mkdir()
    async with await Store.open(data) as store:
        await store.journal.begin(NewCall("c1", CALLER, "", NUMBER, "out", now))
        store.journal.note("c1", CallEvent(now, EventKind.TALKED, "Anna", "", 5.0, "anna"))
        await store.journal.end("c1", CallOutcome.TALKED, at=now)


def explained(config: Path, caller: str) -> list[str]:
    done = CliRunner().invoke(app, ["explain", str(config), "--to", NUMBER, "--from", caller])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_row_r1_explain_names_whom_the_journal_knows_and_nobody_for_a_stranger(
    tmp_path: Path,
) -> None:
    config, data = tmp_path / "office.toml", tmp_path / "data"
    config.write_text(PEOPLE.replace("[office]", f'[office]\ndata = "{data}"') + OFFICE)
    assert "nobody of ours has" in explained(config, CALLER)[2], "no office has run here yet"
    asyncio.run(talked(data))
    for written in (CALLER, "500 600 700"):
        lines = explained(config, written)
        assert lines[2] == f' 0:00 rings Anna (101) for 20 s  [number."{NUMBER}".sticky]'
        assert lines[3].strip() == "who talked with the caller that day comes first"
    assert "nobody of ours has" in explained(config, "+48500600701")[2]
