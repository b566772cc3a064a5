"""Recordings of conversations in the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2bua.errors import WrongState
from b2bua.store import CallOutcome, Store
from media.wav import WavFormat, WavWriter
from tests.store.conftest import NOON, after, new_call


async def test_a_recording_is_kept_with_its_call_and_follows_its_file(store: Store, tmp_path: Path) -> None:
    await store.journal.begin(new_call())
    row = store.recordings.begin("c1", tmp_path / "recordings" / "c1.wav", NOON)
    await store.recordings.finish(row, 61.5, after(62))
    [kept] = await store.recordings.of_call("c1")
    assert (kept.path, kept.seconds, kept.error) == (tmp_path / "recordings" / "c1.wav", 61.5, "")
    assert await store.recordings.unconverted() == [kept]
    await store.recordings.move(row, tmp_path / "recordings" / "c1.opus")
    assert await store.recordings.unconverted() == []
    [kept] = await store.recordings.ended_before(after(63))
    assert kept.path == tmp_path / "recordings" / "c1.opus"
    await store.recordings.delete(row, after(100))
    assert await store.recordings.ended_before(after(63)) == []
    [kept] = await store.recordings.of_call("c1")
    assert kept.deleted_at == after(100)


async def test_what_is_being_written_is_neither_converted_nor_deleted(store: Store, tmp_path: Path) -> None:
    await store.journal.begin(new_call())
    row = store.recordings.begin("c1", tmp_path / "c1.wav", NOON)
    assert await store.recordings.unconverted() == await store.recordings.ended_before(after(9)) == []
    await store.recordings.finish(row, 1.0, after(1))
    assert await store.recordings.ended_before(after(1)) == []
    assert len(await store.recordings.ended_before(after(2))) == 1


async def test_after_a_crash_the_length_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "c1.wav"
    async with await Store.open(tmp_path) as store:
        await store.journal.begin(new_call())
        store.recordings.begin("c1", path, NOON)
        store.recordings.begin("c1", tmp_path / "never.wav", NOON)
    with WavWriter(path, 8000, WavFormat.PCMA, channels=2) as writer:
        writer.append(bytes(2 * 8000 * 3))
    async with await Store.open(tmp_path) as store:
        assert await store.recordings.recover(after(10)) == 2
        there, never = await store.recordings.of_call("c1")
        assert there.seconds == pytest.approx(3.0, abs=0.01)
        assert (never.seconds, never.ended_at) == (0.0, after(10))
        assert "ended" in there.error
        assert await store.recordings.recover(after(11)) == 0


async def test_a_recording_may_begin_after_the_journaled_end_and_never_without_a_call(
    store: Store, tmp_path: Path
) -> None:
    await store.journal.begin(new_call())
    await store.journal.end("c1", CallOutcome.MESSAGE, at=after(1))
    row = store.recordings.begin("c1", tmp_path / "late.wav", after(2))
    await store.recordings.finish(row, 1.0, after(3))
    assert len(await store.recordings.of_call("c1")) == 1
    with pytest.raises(WrongState):
        store.recordings.begin("c2", tmp_path / "x.wav", NOON)
