"""Calendars on the command line: what ``check`` says of them, and what ``explain`` knows."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from b2bua.calendars.source import Copies
from b2bua.cli.app import app
from b2bua.config.load import load_config
from tests.harness.ics import event, ics

OFFICE = """
[office]
timezone = "Europe/Warsaw"
data = "{folder}/data"
default-scheme = "main"

[calendar.team]
{team}

[hours.office]
daily = "09:00-18:00"
closed-by = "team"

[voicemail.day]
emails = ["a@office.example"]

[[scheme.main.step]]
say = "welcome"
hours = "office"

[[scheme.main.step]]
voicemail = "day"
"""
TRIP = ics(event("Trip", "20301126"))


def office(folder: Path, team: str) -> Path:
    path = folder / "office.toml"
    path.write_text(OFFICE.format(folder=folder, team=team))
    return path


def says(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_s1_check_reads_each_calendar(tmp_path: Path) -> None:
    (tmp_path / "team.ics").write_text(TRIP)
    assert "calendar" not in says("check", office(tmp_path, f'file = "{tmp_path}/team.ics"'))


def test_s1_check_tells_of_a_file_that_is_no_calendar(tmp_path: Path) -> None:
    (tmp_path / "team.ics").write_text("hello")
    said = says("check", office(tmp_path, f'file = "{tmp_path}/team.ics"'))
    assert "office.toml:8: warning: calendar.team.file: is no calendar (" in said
    assert "; it is as if it had no events" in said


def test_s1_check_tells_of_an_event_that_is_left_out(tmp_path: Path) -> None:
    broken = event("Broken", "20301126T090000", "20301126T080000", "RRULE:FREQ=BOGUS")
    (tmp_path / "team.ics").write_text(ics(broken, event("Trip", "20301126")))
    said = says("check", office(tmp_path, f'file = "{tmp_path}/team.ics"'))
    assert "calendar.team.file: has events that cannot be understood: they are left out" in said


def test_s1_check_tells_of_a_dead_server_and_what_there_is_instead(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/team.ics"
        path = office(tmp_path, f'url = "{url}"')
        assert "calendar.team.url: refuses connections; it is as if it had no events" in says("check", path)
        config = load_config(path)
        Copies(config.office.data / "calendars").keep(config.calendars["team"], TRIP.encode())
        said = says("check", path)
        assert "calendar.team.url: refuses connections; the office goes on with what it read at 20" in said


def test_s1_explain_knows_a_calendar_that_is_a_file_or_was_read(tmp_path: Path) -> None:
    path = office(tmp_path, 'url = "https://calendar.invalid/team.ics"')
    asked = ("explain", path, "--to", "+48221230001", "--at", "2030-11-26 12:00")
    unknown = says(*asked)
    assert "calendar team was never read: it is as if it had no events" in unknown
    assert "says 'welcome'" in unknown
    config = load_config(path)
    Copies(config.office.data / "calendars").keep(config.calendars["team"], TRIP.encode())
    known = says(*asked)
    assert "skips scheme.main.step.1: office is closed then" in known
    assert "never read" not in known


def test_s1_check_tells_of_a_duty_that_names_nobody(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=count) for count in (10, 11, 12)]
    events = (
        event(title, f"{day:%Y%m%d}") for title, day in zip(("Anna", "Ana", "Piotr"), days, strict=True)
    )
    (tmp_path / "team.ics").write_text(ics(*events))
    path = office(tmp_path, f'file = "{tmp_path}/team.ics"')
    rota = '[person.anna]\nmobile = "+48600100200"\n[rota.night]\ncalendar = "team"\n'
    path.write_text(path.read_text().replace("[hours.office]", f"{rota}[hours.office]"))
    said = (
        f"rota.night.calendar: names no member in 'Ana' at {days[1]} 00:00 and 1 more: nobody is on duty then"
    )
    assert f"warning: {said}" in says("check", path)
