"""``b2bua staff``: row O2, who took, placed and missed how many calls."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from b2bua.store import CallOutcome, NewCall, Store
from b2bua.store.calls import CallEvent, EventKind
from tests.cli.test_commands import office, says

TALKED, RANG, OFFLINE = EventKind.TALKED, EventKind.RANG, EventKind.OFFLINE
NUMBER, CUSTOMER = "+48221230001", "+48500600700"
ANNA, PIOTR = "Anna Nowak", "Piotr Zieliński"
CALLS: tuple[tuple[str, str, str, tuple[tuple[EventKind, str, str, float, str], ...]], ...] = (
    ("in", CUSTOMER, NUMBER, ((TALKED, ANNA, "", 60.0, "anna"),)),
    ("in", CUSTOMER, NUMBER, ((RANG, ANNA, "no answer", 20.0, "anna"), (TALKED, PIOTR, "", 30.0, "piotr"))),
    ("in", CUSTOMER, NUMBER, ((RANG, ANNA, "no answer", 20.0, "anna"), (OFFLINE, PIOTR, "", 0.0, "piotr"))),
    # Anna has missed it at her desk, and takes it on her mobile; then it comes back to her from a transfer
    (
        "in",
        CUSTOMER,
        NUMBER,
        (
            (RANG, ANNA, "no answer", 20.0, "anna"),
            (TALKED, "Anna Nowak's mobile", "", 100.0, "mobile of anna"),
            (TALKED, ANNA, "", 20.0, "anna"),
        ),
    ),
    ("out", "102", CUSTOMER, ((TALKED, CUSTOMER, "", 3600.0, ""),)),
    ("out", "102", CUSTOMER, ((RANG, CUSTOMER, "busy", 3.0, ""),)),
    ("out", "call back", CUSTOMER, ((TALKED, PIOTR, "", 90.0, "piotr"),)),
    ("internal", "102", "101", ((TALKED, ANNA, "", 500.0, "anna"),)),
)
"""Direction, caller, number, and what happened: kind, who, detail, seconds, party."""


async def calls(folder: Path) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    async with await Store.open(folder / "data") as store:
        for index, (direction, caller, dialled, events) in enumerate(CALLS):
            await store.journal.begin(NewCall(f"c{index}", caller, "", dialled, "", at, direction))
            for kind, who, detail, seconds, party in events:
                store.journal.note(f"c{index}", CallEvent(at, kind, who, detail, seconds, party))
            await store.journal.end(f"c{index}", CallOutcome.TALKED, at=at)


def test_row_o2_the_report_has_what_each_took_placed_and_missed(tmp_path: Path) -> None:
    asyncio.run(calls(tmp_path))
    lines = says("staff", office(tmp_path)).splitlines()
    assert lines[:2] == [
        "Anna Nowak       took 2 calls, 3 min in all, 1 min 30 s each; missed 2",
        "Piotr Zieliński  took 2 calls, 2 min in all, 1 min each; placed 1 call, 1 h in all, 1 h each; "
        "missed 0; phone off for 1",
    ]
    assert lines[2].endswith("took 0 calls; missed 0")
    anna = json.loads(says("staff", office(tmp_path), "--json"))["people"][0]
    assert (anna["name"], anna["taken"], anna["taken_s"], anna["missed"]) == ("anna", 2, 180.0, 2)
