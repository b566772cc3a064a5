"""The SIP of every call, both legs, is in the data folder after its end and can be shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

from typer.testing import CliRunner

from b2bua.cli.app import app
from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.office import office


@virtual_time
async def run_a_call(folder: Path) -> None:
    """Let 101 decline and 102 take a call, and stop the office right after its end."""
    async with office(folder) as run:
        await run.phone("101", Habit(refuses_with=486))
        await run.phone("102", Habit(answers_after=2.0))
        placed = await run.call_in("+48221230001")
        leg = await placed.answered(within=30)
        await asyncio.sleep(5)
        leg.hang_up("served")
        await run.stories()


def test_both_legs_of_a_call_are_shown_as_a_ladder_and_as_a_capture(tmp_path: Path) -> None:
    run_a_call(tmp_path)
    [data] = {path.parent.parent for path in tmp_path.rglob("*.sip")}
    config = tmp_path / "office.toml"
    capture = tmp_path / "call.pcap"
    listed = CliRunner().invoke(app, ["calls", str(config), "--ids"]).output
    call_id = listed.split()[0]
    assert (data / "trace" / f"{call_id}.sip").exists()
    arguments = ["calls", str(config), "--show", call_id[:8], "--sip", "--pcap", str(capture)]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    story, caller, piotr, _, parties, *arrows = shown.output.splitlines()
    assert call_id in story
    assert piotr.strip().startswith("Piotr Zieliński: PCMA")
    assert caller.strip().startswith("the caller: PCMA")
    assert parties.split()[1] == "b2bua"
    assert len(parties.split()) == 4
    assert sum("INVITE +SDP" in arrow for arrow in arrows) == 3
    assert any("486 Busy Here" in arrow for arrow in arrows)
    assert sum("200 OK (BYE)" in arrow for arrow in arrows) == 2
    assert capture.stat().st_size > 5000


def test_without_a_call_the_command_says_what_is_missing(tmp_path: Path) -> None:
    run_a_call(tmp_path)
    config = str(tmp_path / "office.toml")
    assert CliRunner().invoke(app, ["calls", config, "--sip"]).exit_code == 2
    gone = CliRunner().invoke(app, ["calls", config, "--show", "nobody"])
    assert (gone.exit_code, "has no call nobody" in gone.output) == (1, True)
    untraced = CliRunner().invoke(app, ["calls", config, "--show", "nobody", "--sip"])
    assert (untraced.exit_code, "no SIP trace of call nobody" in untraced.output) == (1, True)
