"""``b2bua menus`` and ``b2bua links``: rows I10 and I11."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b2bua.store import CallOutcome, NewCall, Store
from b2bua.store.calls import CallEvent, EventKind
from tests.cli.test_commands import office, says

PRESSED = {
    ("1",): 40,
    ("9", "2"): 25,
    ("2",): 5,
    ("ext 103",): 15,
    ("", ""): 10,
    ("9", "8"): 5,
}
"""What 100 callers pressed, one try after another: keys, an extension, or nothing."""


async def calls(folder: Path) -> None:
    """Let them all have called an hour ago."""
    at = datetime.now(UTC) - timedelta(hours=1)

    async def call(store: Store, call_id: str, tries: tuple[str, ...]) -> None:
        await store.journal.begin(NewCall(call_id, "+48500600700", "", "+48221230006", "demo", at))
        for keys in tries:
            kind = EventKind.EXTENSION if keys.startswith("ext") else EventKind.MENU
            store.journal.note(call_id, CallEvent(at, kind, "main", keys.removeprefix("ext ")))
        await store.journal.end(call_id, CallOutcome.TALKED, at=at)

    async with await Store.open(folder / "data") as store:
        callers = [tries for tries, count in PRESSED.items() for _ in range(count)]
        await asyncio.gather(*(call(store, f"c{index}", tries) for index, tries in enumerate(callers)))


def test_row_i11_the_share_of_each_option_is_what_100_callers_pressed(tmp_path: Path) -> None:
    asyncio.run(calls(tmp_path))
    assert says("menus", office(tmp_path)).splitlines() == [
        "menu main: 100 calls",
        "     40   40%  1: rings Anna Nowak (101) for 20 s",
        "     30   30%  2: queue sales",
        "     15   15%  extension 103: rings Olena Kovalenko (103) for 20 s",
        "     10   10%  pressed nothing",
        "      5    5%  8: is not offered",
    ]
    [menu] = json.loads(says("menus", office(tmp_path), "--json"))["menus"]
    assert menu["calls"] == sum(each["calls"] for each in menu["choices"]) == 100
    assert menu["choices"][2]["how"] == "extension"
    assert "tel:+48221230006,103  rings Olena Kovalenko (103) for 20 s  (15 calls)" in says(
        "links", office(tmp_path)
    )


def test_row_i11_the_shares_are_told_also_while_the_file_is_broken(tmp_path: Path) -> None:
    asyncio.run(calls(tmp_path))
    path = Path(office(tmp_path))
    path.write_text(path.read_text().replace('strategy = "roundrobin"', 'strategy = "any"'))
    assert "     30   30%  2\n" in says("menus", str(path))
    assert "queue.sales.strategy" in says("links", str(path), exit_code=2)


def test_row_i10_a_link_is_made_and_one_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    path = office(tmp_path)
    assert says("links", path, "22 123 00 06", "103").startswith("tel:+48221230006,103  rings Olena")
    [link] = json.loads(says("links", path, "+48221230006", "103", "--json"))["links"]
    assert link["html"] == '<a href="tel:+48221230006,103">+48221230006</a>'
    assert len(says("links", path, "+48221230003").splitlines()) == 4
    assert says("links", path, "22 123 00 03") == says("links", path, "+48221230003")


@pytest.mark.parametrize(
    ("number", "extension", "why"),
    [
        ("+48221230006", "555", "there is no extension 555; there are: 101, 102, 103, 104"),
        ("+48221230001", "103", "no menu of +48221230001 takes extensions"),
        ("+48229999999", "103", "+48229999999 is no number of this office"),
        ("+48229999999", "", "+48229999999 is no number of this office"),
    ],
)
def test_row_i10_why_a_link_would_lead_nowhere(tmp_path: Path, number: str, extension: str, why: str) -> None:
    assert why in says("links", office(tmp_path), number, extension, exit_code=1)
