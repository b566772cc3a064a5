"""Row Q13: how many callers were there at once, so that an owner knows whether the channels are enough."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from b2bua.store import CallOutcome, NewCall, Store
from b2bua.store.crowding import Peak, Span, peaks
from b2bua.store.recovery import INTERRUPTED
from tests.cli.test_commands import office, says

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def minute(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def test_row_q13_the_peak_of_each_trunk_is_when_most_were_there() -> None:
    spans = [
        Span("a", minute(0), minute(5)),
        Span("a", minute(5), minute(9)),  # comes when the first one goes
        Span("a", minute(6), minute(7)),
        Span("a", minute(8), minute(8)),
        Span("b", minute(3), minute(4)),
    ]
    assert peaks(spans) == {"a": Peak(2, minute(6)), "b": Peak(1, minute(3))}
    assert peaks([]) == {}


def test_row_q13_trunks_tells_how_many_called_at_once_beside_the_channels(tmp_path: Path) -> None:
    now = datetime.now(UTC)

    async def three_calls() -> None:
        async with await Store.open(tmp_path / "data") as store:
            for name, begin, end, why in (("a", 60, 20, ""), ("b", 50, 10, ""), ("c", 55, 1, INTERRUPTED)):
                call = NewCall(
                    name, "+48500600700", "", "+48221230001", "demo", now - timedelta(minutes=begin)
                )
                await store.journal.begin(call)
                over = now - timedelta(minutes=end)
                await store.journal.end(name, CallOutcome.TALKED, at=over, why=why)

    asyncio.run(three_calls())
    path = Path(office(tmp_path))
    path.write_text(path.read_text().replace("[trunk.demo]\n", "[trunk.demo]\nchannels = 2\n"))
    told = says("trunks", str(path)).splitlines()
    assert "; 2 callers at once at most in 7 days (" in told[1]
    assert told[1].endswith(", of 2 channels")
    assert "at once" not in told[2]
