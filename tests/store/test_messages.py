"""Rows V5, V7, V8, D12: a message, its call and its mail are one; half a message is still a message."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from b2bua.errors import WrongState
from b2bua.store import CallOutcome, EventKind, NewMail, Store, UnfinishedCall, Waiting, recorded_seconds
from media.wav import WavFormat, WavWriter
from tests.store.conftest import NOON, after, new_call


def alaw_wav(seconds: float, *, said: int = 0) -> bytes:
    """A WAV file of A-law whose header says ``said`` bytes, as one that nobody could finish."""
    fmt = struct.pack("<HHIIHHH", 6, 1, 8000, 8000, 1, 8, 0)
    fact = b"fact" + struct.pack("<II", 4, 0)
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + fact + b"data" + struct.pack("<I", said)
    return b"RIFF" + struct.pack("<I", 0) + b"WAVE" + chunks + b"\xd5" * round(seconds * 8000)


def mail(recording: Path | None = None) -> NewMail:
    return NewMail("anna@example.com", "A message", "of 14 s", recording, "voicemail.wav")


async def test_v5_message_mail_and_outcome_are_there_together(store: Store, tmp_path: Path) -> None:
    recording = tmp_path / "messages" / "c1.wav"
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", recording, after(10))
    [begun] = await store.messages.latest()
    assert begun.seconds is None
    await store.messages.finish("c1", 14.2, after(24), [mail(recording)])
    assert store.outbox.has_new.is_set()
    [message] = await store.messages.latest(box="sales")
    assert (message.path, message.seconds, message.caller) == (recording, 14.2, "+48500600700")
    [queued] = await store.outbox.due(after(24))
    assert queued.mail == mail(recording)
    [told] = await store.journal.calls()
    assert told.outcome is CallOutcome.MESSAGE
    assert [(event.kind, event.who, event.seconds) for event in told.events] == [
        (EventKind.MESSAGE, "sales", 14.2)
    ]
    with pytest.raises(WrongState):
        await store.journal.end("c1", CallOutcome.PROMISE, at=after(25))


async def test_v8_nothing_said_leaves_no_message_but_a_promise(store: Store, tmp_path: Path) -> None:
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", tmp_path / "c1.wav", after(10))
    await store.messages.discard("c1")
    await store.journal.end("c1", CallOutcome.PROMISE, at=after(11), why="hung up in the greeting")
    assert await store.messages.latest() == []
    assert len(await store.promises.open()) == 1


async def test_v8_a_silent_recording_is_flagged_and_may_end_as_a_promise(
    store: Store, tmp_path: Path
) -> None:
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", tmp_path / "c1.wav", after(10))
    await store.messages.finish("c1", 3.0, after(13), is_silent=True, outcome=CallOutcome.PROMISE)
    [message] = await store.messages.latest()
    assert message.is_silent
    assert len(await store.promises.open()) == 1


async def test_a_message_is_heard_when_it_is_heard_first(store: Store, tmp_path: Path) -> None:
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", tmp_path / "c1.wav", NOON)
    await store.messages.finish("c1", 3.0, after(3))
    [message] = await store.messages.latest()
    await store.messages.hear(message.id, at=after(60))
    await store.messages.hear(message.id, at=after(90))
    assert (await store.messages.latest())[0].heard_at == after(60)


async def test_only_a_begun_message_can_be_finished(store: Store, tmp_path: Path) -> None:
    with pytest.raises(WrongState):
        await store.messages.begin("c1", "sales", tmp_path / "c1.wav", NOON)
    await store.journal.begin(new_call())
    with pytest.raises(WrongState):
        await store.messages.finish("c1", 1.0, NOON)
    await store.messages.begin("c1", "sales", tmp_path / "c1.wav", NOON)
    with pytest.raises(WrongState):
        await store.messages.begin("c1", "sales", tmp_path / "c1.wav", NOON)


async def test_d12_v7_a_message_cut_short_by_a_crash_is_kept_and_mailed(tmp_path: Path) -> None:
    recording = tmp_path / "c1.wav"
    store = await Store.open(tmp_path)
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", recording, after(10))
    await store.close()
    recording.write_bytes(alaw_wav(20.0))

    def mails_for(call: UnfinishedCall) -> Sequence[NewMail]:
        return [mail(message.path) for message in call.messages]

    async with await Store.open(tmp_path) as store:
        [call] = await store.journal.recover(after(100), mails_for=mails_for)
        assert [(m.box, m.path, m.seconds) for m in call.messages] == [("sales", recording, 20.0)]
        [message] = await store.messages.latest()
        assert message.seconds == 20.0
        assert [queued.mail for queued in await store.outbox.due(after(100))] == [mail(recording)]
        assert store.outbox.has_new.is_set()
        assert len(await store.promises.open()) == 1


@pytest.mark.parametrize(("samples", "age_s"), [(b"", 60), (b"", 1), (b"\xd5", 60)])
async def test_d12_a_recording_in_which_nothing_came_is_deleted_unless_its_writer_may_live(
    samples: bytes, age_s: int, tmp_path: Path
) -> None:
    path = tmp_path / "c1.wav"
    store = await Store.open(tmp_path)
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", path, after(10))
    await store.close()
    with WavWriter(path, 8000, WavFormat.PCMA) as writer:
        writer.append(samples)
    assert path.stat().st_size >= 58
    changed_at = time.time() - age_s
    os.utime(path, (changed_at, changed_at))
    async with await Store.open(tmp_path) as store:
        [call] = await store.journal.recover(after(100))
        assert (call.messages[0].seconds is None) == (not samples)
        assert len(await store.messages.latest()) == len(samples)
        assert len(await store.promises.open()) == 1
    assert path.exists() == bool(samples or age_s < 15)


async def test_d12_a_begun_message_without_a_file_leaves_the_promise_alone(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    await store.journal.begin(new_call())
    await store.messages.begin("c1", "sales", tmp_path / "never.wav", after(10))
    await store.close()
    async with await Store.open(tmp_path) as store:
        [call] = await store.journal.recover(after(100))
        assert call.messages[0].seconds is None
        assert await store.messages.latest() == []
        assert len(await store.promises.open()) == 1


async def test_recordings_are_found_again_when_the_data_folder_was_moved(tmp_path: Path) -> None:
    before, now = tmp_path / "before", tmp_path / "now"
    async with await Store.open(before) as store:
        await store.journal.begin(new_call())
        await store.messages.begin("c1", "sales", before / "messages" / "c1.wav", NOON)
        await store.messages.finish("c1", 3.0, after(3), [mail(before / "messages" / "c1.wav")])
    before.rename(now)
    async with await Store.open(now) as store:
        assert (await store.messages.latest())[0].path == now / "messages" / "c1.wav"
        assert (await store.outbox.due(after(3)))[0].mail.attachment == now / "messages" / "c1.wav"


@pytest.mark.parametrize("said", [0, 160_000, 0xFFFFFFFF])
def test_the_length_of_a_recording_is_that_of_its_file_whatever_the_header_says(
    said: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(alaw_wav(1.5, said=said))
    assert recorded_seconds(path) == 1.5


@pytest.mark.parametrize("content", [b"", b"RIFF", alaw_wav(0.0), alaw_wav(1.0)[:30], b"not a recording" * 9])
def test_what_is_no_recording_has_no_length(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert recorded_seconds(path) is None


async def left_message(store: Store, folder: Path, call_id: str, *, at: float, box: str = "sales") -> int:
    """Let somebody leave a message of three seconds and return its key."""
    await store.journal.begin(new_call(call_id, at=after(at)))
    await store.messages.begin(call_id, box, folder / f"{call_id}.wav", after(at))
    await store.messages.finish(call_id, 3.0, after(at + 3))
    return next(one.id for one in await store.messages.latest() if one.call_id == call_id)


async def test_messages_wait_new_or_old_until_they_are_deleted_and_a_restart_forgets_nothing(
    tmp_path: Path,
) -> None:
    async with await Store.open(tmp_path) as store:
        first = await left_message(store, tmp_path, "c1", at=0)
        second = await left_message(store, tmp_path, "c2", at=10)
        await left_message(store, tmp_path, "c3", at=20, box="night")
        await store.messages.hear(first, at=after(60))
        assert await store.messages.waiting() == {"sales": Waiting(1, 1), "night": Waiting(1, 0)}
        await store.messages.delete(second, at=after(70))
    async with await Store.open(tmp_path) as store:
        assert await store.messages.waiting() == {"sales": Waiting(0, 1), "night": Waiting(1, 0)}
        deleted = next(one for one in await store.messages.latest() if one.id == second)
        assert (deleted.deleted_at, deleted.path) == (after(70), tmp_path / "c2.wav")


async def test_what_is_being_recorded_or_holds_nothing_but_silence_does_not_wait(
    store: Store, tmp_path: Path
) -> None:
    await store.journal.begin(new_call("c1"))
    await store.messages.begin("c1", "sales", tmp_path / "c1.wav", NOON)
    assert await store.messages.waiting() == {}
    await store.messages.finish("c1", 3.0, after(3), is_silent=True, outcome=CallOutcome.PROMISE)
    assert await store.messages.waiting() == {}
    assert await store.messages.to_hear(["sales"]) == []


async def test_one_listens_to_new_messages_first_and_to_the_oldest_of_them(
    store: Store, tmp_path: Path
) -> None:
    keys = [await left_message(store, tmp_path, f"c{number}", at=number * 10) for number in range(4)]
    await left_message(store, tmp_path, "other", at=5, box="night")
    await store.messages.hear(keys[1], at=after(60))
    heard = await store.messages.to_hear(["sales", "nothing"])
    assert [one.id for one in heard] == [keys[0], keys[2], keys[3], keys[1]]


async def test_whoever_asked_is_told_of_each_change_once_it_is_on_disk(store: Store, tmp_path: Path) -> None:
    seen: list[str] = []
    store.messages.on_change = lambda: seen.append("changed")
    key = await left_message(store, tmp_path, "c1", at=0)
    assert seen == ["changed"]
    await store.messages.hear(key, at=after(60))
    await store.messages.delete(key, at=after(61))
    assert len(seen) == 3
