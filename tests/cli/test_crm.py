"""``b2bua crm``: row R2, what the CRM does not have."""

from __future__ import annotations

import asyncio
from pathlib import Path

from b2bua.store import CallOutcome, NewCall, Store
from tests.cli.test_commands import NOON, office, says


async def told(folder: Path, *failures: str) -> None:
    """Let there have been a call for each of ``failures``, which the CRM answered so (empty: not yet)."""
    async with await Store.open(folder / "data") as store:
        for number in range(len(failures)):
            name = f"c{number}"
            new = NewCall(name, f"+4850060070{number}", "", "+48221230001", "demo", NOON)
            await store.journal.begin(new, tells_crm=True)
            await store.journal.end(name, CallOutcome.TALKED, at=NOON)
        for due, failure in zip(await store.crm_records.waiting(), failures, strict=True):
            is_final = "422" in failure
            if failure:
                await store.crm_records.mark_failed(
                    due.id, error=failure, next_try_at=None if is_final else NOON
                )


def test_row_r2_what_the_crm_does_not_have_is_listed_and_sent_again(tmp_path: Path) -> None:
    asyncio.run(told(tmp_path, "the CRM answered 422: no", "the CRM answered 503", ""))
    path = office(tmp_path)
    *lines, cure = says("crm", path).splitlines()
    assert [line.split("  ")[1] for line in lines] == ["+48500600700", "+48500600701", "+48500600702"]
    assert [line.split("  ")[-1] for line in lines] == [
        "refused: the CRM answered 422: no",
        "tried once, next at 2026-11-23 13:00:00: the CRM answered 503",
        "is being sent",
    ]
    assert cure == "What was refused is sent again by: b2bua crm CONFIG --again"
    assert says("crm", path, "--again") == "3 calls to be sent again\n"
    assert "refused" not in says("crm", path)


def test_row_r2_a_crm_that_has_all_is_told_so(tmp_path: Path) -> None:
    asyncio.run(told(tmp_path))
    assert says("crm", office(tmp_path)) == "The CRM has all calls that it is told of.\n"
