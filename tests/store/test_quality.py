"""The sound of each party in the journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from b2bua.store import CallOutcome, Store
from b2bua.store.quality import LegQuality, leg_in_words
from tests.store.conftest import NOON, after, new_call


def leg(who: str = "Anna Nowak", **numbers: object) -> LegQuality:
    measured: dict[str, object] = {
        "answered_at": NOON,
        "seconds": 60.0,
        "codec": "PCMA",
        "is_encrypted": False,
        "packets": 2994,
        "lost": 6,
        "jitter_ms": 3.8,
        "sent": 3000,
        "mos": 4.3,
    }
    return LegQuality(who=who, is_caller=who == "the caller", **{**measured, **numbers})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measured", "line"),
    [
        (leg(), "Anna Nowak: PCMA, 0.2 % lost, jitter 4 ms, MOS 4.3"),
        (
            leg(is_encrypted=True, round_trip_ms=48.2),
            "Anna Nowak: PCMA encrypted, 0.2 % lost, jitter 4 ms, round trip 48 ms, MOS 4.3",
        ),
        (
            leg("the caller", packets=0, lost=0, mos=None),
            "the caller: PCMA, nothing was heard from the caller",
        ),
        (leg(packets=0, lost=0, mos=None, seconds=1.0), "Anna Nowak: PCMA"),
        (
            leg(remote_lost=150),
            "Anna Nowak: PCMA, 0.2 % lost, jitter 4 ms, MOS 4.3, 5.0 % of what we sent did not arrive",
        ),
        (
            leg("the caller", silent_s=17.6),
            "the caller: PCMA, 0.2 % lost, jitter 4 ms, nothing came in the last 18 s, MOS 4.3",
        ),
        (leg(silent_s=1.9), "Anna Nowak: PCMA, 0.2 % lost, jitter 4 ms, MOS 4.3"),
        (leg(sent=0), "Anna Nowak: PCMA, 0.2 % lost, jitter 4 ms, MOS 4.3, nothing was sent there"),
    ],
)
def test_one_party_is_one_plain_line(measured: LegQuality, line: str) -> None:
    assert leg_in_words(measured) == line


async def test_the_sound_of_each_party_is_read_back_with_the_call(store: Store) -> None:
    legs = (
        leg("the caller", packets=0, mos=None),
        leg(answered_at=after(4), round_trip_ms=12.5, remote_lost=1, silent_s=17.6),
    )
    await store.journal.begin(new_call())
    for each in reversed(legs):  # whoever was called leaves first
        store.journal.measure("c1", each)
    await store.journal.end("c1", CallOutcome.TALKED, at=after(60))
    told = await store.journal.call("c1")
    assert told is not None
    assert told.legs == legs


async def test_it_is_written_in_the_transaction_that_ends_the_call(store: Store, tmp_path: Path) -> None:
    await store.journal.begin(new_call())
    with sqlite3.connect(tmp_path / "b2bua.sqlite") as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON call_legs BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    connection.close()
    store.journal.measure("c1", leg())
    with pytest.raises(IntegrityError, match="no room"):
        await store.journal.end("c1", CallOutcome.TALKED, at=after(60))
    [told] = await store.journal.calls()
    assert told.outcome is None


async def test_a_party_that_stays_after_the_journaled_end_is_kept_too(store: Store) -> None:
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.MESSAGE, at=after(60))
    store.journal.measure("c1", leg("the caller"))
    await store.journal.begin(new_call("c2"))  # written after what was queued before
    told = await store.journal.call("c1")
    assert told is not None
    assert told.legs == (leg("the caller"),)


async def test_calls_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    for call_id in ("ab1", "ab2", "cd3", "c_4"):
        await store.journal.begin(new_call(call_id))
    assert await store.journal.named("cd") == ["cd3"]
    assert await store.journal.named("c_") == ["c_4"]
    assert len(await store.journal.named("ab")) == 2
    assert await store.journal.named("nobody") == []
