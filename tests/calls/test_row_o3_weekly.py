"""Row O3: on Monday somebody is told how the week went, and that many more callers were missed."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b2bua.config.load import load_config
from b2bua.errors import ConfigError
from b2bua.store import CallOutcome, NewCall, Store
from tests.cli.test_commands import office as office_file
from tests.cli.test_commands import says
from tests.harness.clock import virtual_time
from tests.harness.office import Office, new_database, office

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""8:00 in Warsaw."""
PROMISE, TALKED = CallOutcome.PROMISE, CallOutcome.TALKED


def told(*emails: str, more: str = "") -> Callable[[str], str]:
    """Return what lets these get the report."""
    return lambda text: f"{text}\n[weekly-report]\nemails = {list(emails)}\n{more}".replace("'", '"')


async def two_weeks(folder: Path, end: datetime, *, before: int = 10, missed: int = 14) -> None:
    """Let 40 callers a week have called, of whom so many were missed; nobody within two hours of its begin.

    That moves by an hour when clocks change, and here by the seconds between two commands.
    """
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "b2bua.sqlite").write_bytes(await asyncio.to_thread(new_database))

    async def call(store: Store, week: int, index: int, outcome: CallOutcome) -> None:
        at = end - timedelta(days=7 * week) + timedelta(hours=index * 4, seconds=1)
        name = f"{week}-{index}"
        await store.journal.begin(NewCall(name, f"+4850060{week}{index:03}", "", "+48221230001", "demo", at))
        await store.journal.end(name, outcome, at=at)

    async with await Store.open(folder / "data") as store:
        weeks = ((2, before), (1, missed))
        calls = [(w, index, PROMISE if index < n else TALKED) for w, n in weeks for index in range(40)]
        await asyncio.gather(*(call(store, *each) for each in calls))


def mails(demo: Office) -> list[tuple[str, str]]:
    """Return subject and text of the mails that were sent."""
    found = []
    for path in sorted((demo.folder / "data" / "outbox").glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = mail.get_body(("plain",))
        found.append((str(mail["Subject"]), body.get_content() if body else ""))
    return found


@virtual_time(limit_s=3600)
async def test_row_o3_on_monday_the_week_is_told_with_what_was_missed_up_40_percent(tmp_path: Path) -> None:
    await two_weeks(tmp_path, MONDAY)
    at = MONDAY - timedelta(minutes=10)
    async with office(tmp_path, at=at, change=told("care@office.example", "head@office.example")) as demo:
        await asyncio.sleep(9 * 60)
        assert [subject for subject, _ in mails(demo) if "week" in subject] == []
        await demo.until(lambda: len(mails(demo)) == 2, within=180)
        [(subject, text), _] = mails(demo)
        assert subject == "Calls of the week: 40, missed: 14 (+40%)"
        assert "Calls from outside: 40 (+0%); the week before: 40" in text
        assert "Callers whom nobody served: 14 (+40%); the week before: 10" in text
        assert "Many more callers were missed than in the week before." in text
        assert "Still owed a call: 14" in text
    async with office(tmp_path, at=MONDAY + timedelta(hours=1), change=told("care@office.example")) as demo:
        await asyncio.sleep(200)
        assert len(mails(demo)) == 2  # once, over restarts


@virtual_time(limit_s=3600)
async def test_row_o3_a_report_that_was_due_while_the_office_was_off_comes_at_the_start(
    tmp_path: Path,
) -> None:
    await two_weeks(tmp_path, MONDAY, before=10, missed=11)
    async with office(tmp_path, at=MONDAY + timedelta(days=1), change=told("care@office.example")) as demo:
        await demo.until(lambda: len(mails(demo)) == 1, within=30)
        [(subject, text)] = mails(demo)
        assert subject == "Calls of the week: 40, missed: 11 (+10%)"
        assert "Many more" not in text


@virtual_time(limit_s=3600)
async def test_row_o3_an_office_that_has_just_begun_has_no_week_to_tell_of(tmp_path: Path) -> None:
    async with office(tmp_path, at=MONDAY + timedelta(days=1), change=told("care@office.example")) as demo:
        await asyncio.sleep(200)
        assert mails(demo) == []


@pytest.mark.parametrize("at", ["monday 08:00", "mon", "mon 25:00", "mon 24:00", "08:00"])
def test_row_o3_what_is_no_moment_of_the_week_is_refused(tmp_path: Path, at: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f'[weekly-report]\nemails = "a@office.example"\nat = "{at}"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert f"weekly-report.at: '{at}' is no moment of the week" in str(caught.value)


def test_row_o3_the_terminal_tells_the_last_seven_days(tmp_path: Path) -> None:
    asyncio.run(two_weeks(tmp_path, datetime.now(UTC) + timedelta(hours=1)))
    lines = says("weekly", office_file(tmp_path)).splitlines()
    assert lines[3] == "Callers whom nobody served: 14 (+40%); the week before: 10"
