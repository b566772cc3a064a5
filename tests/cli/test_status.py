"""``b2bua status``, and ``b2bua explain`` with what people said: row S3."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b2bua.store import Store
from b2bua.store.running import running
from tests.cli.test_commands import office, says
from tests.harness.ics import event, ics


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return an office that has run before."""

    async def run() -> None:
        await (await Store.open(tmp_path / "data")).close()

    asyncio.run(run())
    return office(tmp_path)


def lines(text: str) -> dict[str, str]:
    """Return each person's line by their key."""
    return {line.split()[0]: line for line in text.splitlines()}


def test_s3_everybody_is_available_until_they_say_otherwise(config: str) -> None:
    listed = lines(says("status", config))
    assert list(listed) == ["anna", "piotr", "olena", "ivan"]
    assert listed["anna"] == "anna   101  Anna Nowak       offline  available"


def test_s3_a_status_is_said_with_end_and_reason_and_listed(config: str) -> None:
    said = says("status", config, "anna", "away", "--for", "10m", "--reason", "lunch")
    assert said.startswith("Anna Nowak is away until ")
    assert said.endswith(" (lunch)\n")
    assert "away until" in lines(says("status", config))["anna"]
    assert says("status", config, "101").rstrip().endswith("(lunch)")
    says("status", config, "101", "available")
    assert says("status", config, "anna").endswith("  available\n")


def test_s3_a_time_of_day_is_the_next_one(config: str) -> None:
    past = datetime.now(UTC) - timedelta(hours=2)
    said = says("status", config, "piotr", "off-duty", "--until", f"{past:%H:%M}")
    assert f"{past:%M}" in said  # the demo's zone is whole hours from UTC
    assert "off duty until" in says("status", config, "piotr")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ana", "away"), "nobody is called ana; did you mean 'anna'?"),
        (("anna", "awya"), "'awya' is no status; did you mean 'away'?"),
        (("anna", "away", "--for", "soon"), "'soon' is no duration"),
        (("anna", "away", "--for", "9999999999d"), "--for"),
        (("anna", "away", "--for", "0s"), "that is over already"),
        (("anna", "away", "--until", "2001-01-01 12:00"), "that is over already"),
        (("anna", "away", "--until", "late"), "'late' is no moment"),
        (("anna", "away", "--for", "1m", "--until", "12:00"), "give either --for or --until"),
        (("anna", "away", "--reason", "x" * 101), "has more than 100 letters"),
        (("anna", "--for", "1m"), "what are they?"),
    ],
)
def test_s3_what_cannot_be_said_is_told_in_plain_words(
    config: str, arguments: tuple[str, ...], why: str
) -> None:
    told = says("status", config, *arguments, exit_code=2).replace("│", "")
    assert why in " ".join(told.split())
    assert "available" in says("status", config, "anna")


def test_s3_where_no_office_ever_ran_nothing_is_made(tmp_path: Path) -> None:
    path = office(tmp_path)
    assert "no office has ever run on the folder" in says("status", path, "anna", "away", exit_code=1)
    assert "available" in says("status", path, "anna")
    assert not (tmp_path / "data").exists()


def test_s3_an_office_that_runs_and_cannot_be_told_is_named(config: str, tmp_path: Path) -> None:
    with running(tmp_path / "data"):
        told = says("status", config, "anna", "away", exit_code=1)
    assert "it is kept, but the office that runs here could not be told" in told


def test_s3_explain_reckons_with_what_people_said_and_with_its_end(config: str) -> None:
    says("status", config, "anna", "meeting", "--for", "1h")
    told = says("explain", config, "--to", "+48221230001")
    assert "0:00 would ring Anna Nowak (101), but nobody takes calls then: goes on at once" in told
    assert "Anna Nowak (101) is in a meeting until" in told
    assert "0:20 would ring the mobile of Anna Nowak, but nobody takes calls then" in told
    told = says("explain", config, "--to", "+48221230001", "--at", "2031-11-24 12:00")
    assert "0:00 rings Anna Nowak (101) for 20 s" in told
    for agent in ("anna", "piotr", "olena"):
        says("status", config, agent, "off-duty")
    told = says("explain", config, "--to", "+48221230004")
    assert "queue sales: all its agents are offline or away, goes on at once" in told
    assert "Olena Kovalenko (103) is off duty" in told
    assert "rings +48600999888 for 30 s" in told


def test_s4_commands_know_the_calendars_of_people(config: str, tmp_path: Path) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    end = start + timedelta(hours=3)
    (tmp_path / "anna.ics").write_text(
        ics(event("Doctor", f"{start:%Y%m%dT%H%M%SZ}", f"{end:%Y%m%dT%H%M%SZ}"))
    )
    path = Path(config)
    text = path.read_text().replace("[person.anna]\n", '[person.anna]\ncalendar = "anna"\n')
    path.write_text(f'{text}\n[calendar.anna]\nfile = "{tmp_path / "anna.ics"}"\n')
    assert "in a meeting until" in says("status", config, "anna")
    assert "Anna Nowak (101) is in a meeting until" in says("explain", config, "--to", "+48221230001")
    says("status", config, "anna", "available")
    assert says("status", config, "anna").endswith("  available\n")


def test_s4_a_calendar_that_is_not_there_is_a_fault(config: str) -> None:
    path = Path(config)
    path.write_text(path.read_text().replace("[person.anna]\n", '[person.anna]\ncalendar = "ana"\n'))
    assert "person.anna.calendar: there is no calendar 'ana'" in says("status", config)
