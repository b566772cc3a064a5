"""Row R2: the CRM's record of a call leads to its sound, once, also when the program dies in between."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from b2bua.demo.softphone import Habit
from b2bua.store.database import FILE_NAME
from b2bua.store.links import Kept
from media.commands import Tone
from tests.calls.test_rows_r_records import (
    GENERIC,
    PIPEDRIVE,
    RECORDED,
    Records,
    copy,
    known,
    talk,
    ticked,
    told,
)
from tests.harness.clock import virtual_time
from tests.harness.office import MONDAY_NOON, NUMBER, TO_ANNA, Answers, Office, office
from tests.harness.pipedrive import Pipedrive

REACHED = '\n[api]\nlisten = "127.0.0.1:0"\nurl = "https://pbx.office.example/b2bua/"\n'
LINK = re.compile(r"https://pbx\.office\.example/b2bua/listen/([\w.-]+)")
A_YEAR = '[crm]\nlink-lifetime = "365d"\n'
BY_LINK = {
    "pipedrive": PIPEDRIVE.replace('recording-url = "https://office.example/rec/{file}"\n', "") + REACHED,
    "http": GENERIC.replace(
        'file = "{recording}"', 'file = "{recording}", said = "{message}", all = "{links}"'
    )
    + REACHED,
}
KINDS = pytest.mark.parametrize("kind", ["pipedrive", "http"])


def a_crm(kind: str) -> Pipedrive | Records:
    return known() if kind == "pipedrive" else Records()


def told_text(crm: Pipedrive | Records) -> str:
    """Return the one record of a call."""
    [record] = crm.call_logs if isinstance(crm, Pipedrive) else crm.of("call")
    return json.dumps(record)


async def leave(demo: Office) -> None:
    """Leave a message."""
    leg = await (await demo.call_in(NUMBER)).answered(within=30)
    leg.media.send_digits("#")  # skips the greeting
    await asyncio.sleep(2)
    await leg.play([Tone((440.0,), 3.0)])
    leg.hang_up()


@virtual_time(limit_s=600)
@KINDS
async def test_row_r2_the_record_of_a_message_leads_to_the_message(tmp_path: Path, kind: str) -> None:
    crm = a_crm(kind)
    async with office(tmp_path, scheme=TO_ANNA + BY_LINK[kind], http=crm) as demo:
        await leave(demo)
        await told(demo)
        [message] = await demo.server.store.messages.latest()
        tickets = set(LINK.findall(told_text(crm)))
        assert len(tickets) == 1, "all fields have the same"
        ticket = demo.server.store.signer.read(tickets.pop(), now=MONDAY_NOON)
        assert (ticket.kind, ticket.row) == (Kept.MESSAGE, message.id)
        assert timedelta(days=30) <= ticket.until - MONDAY_NOON < timedelta(days=30, minutes=1)
        if isinstance(crm, Records):
            [call] = crm.of("call")
            assert call["file"] == call["said"] == call["all"]


@virtual_time(limit_s=600)
@KINDS
async def test_row_r2_the_record_of_a_talk_leads_to_its_recording_for_as_long_as_the_crm_wants(
    tmp_path: Path, kind: str
) -> None:
    crm = a_crm(kind)
    scheme = TO_ANNA + BY_LINK[kind].replace("[crm]\n", A_YEAR) + RECORDED
    async with office(tmp_path, scheme=scheme, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await told(demo)
        [story] = await demo.stories()
        [recording] = await demo.server.store.recordings.of_call(story.call.call_id)
        [ticket] = {
            demo.server.store.signer.read(one, now=MONDAY_NOON) for one in LINK.findall(told_text(crm))
        }
        assert (ticket.kind, ticket.row) == (Kept.RECORDING, recording.id)
        assert ticket.until - MONDAY_NOON > timedelta(days=365)
        if isinstance(crm, Records):
            [call] = crm.of("call")
            assert "said" not in call, "nobody left a message"


@virtual_time(limit_s=600)
@KINDS
async def test_row_r2_where_nobody_outside_reaches_the_office_the_file_is_named(
    tmp_path: Path, kind: str
) -> None:
    crm = a_crm(kind)
    async with office(tmp_path, scheme=TO_ANNA + BY_LINK[kind].replace(REACHED, ""), http=crm) as demo:
        await leave(demo)
        await told(demo)
        [message] = await demo.server.store.messages.latest()
        assert str(message.path) in told_text(crm)


@virtual_time(limit_s=600)
async def test_row_r2_silence_is_no_message_to_listen_to(tmp_path: Path) -> None:
    crm = Records()
    async with office(tmp_path, scheme=TO_ANNA + BY_LINK["http"], http=crm) as demo:
        leg = await (await demo.call_in(NUMBER)).answered(within=30)
        leg.media.send_digits("#")
        await asyncio.sleep(10)
        leg.hang_up()
        await told(demo)
        assert LINK.findall(told_text(crm)) == []


@virtual_time(limit_s=3600)
async def test_row_r2_what_is_sent_again_under_the_same_key_is_the_same_to_the_byte(tmp_path: Path) -> None:
    crm, bodies = Records(loses_first_answers=True), {}

    async def watched(request: httpx.Request) -> httpx.Response:
        if key := request.headers.get("Idempotency-Key"):
            bodies.setdefault(key, []).append(request.content)
        return await crm(request)

    async with office(tmp_path, scheme=TO_ANNA + ticked(BY_LINK["http"]), http=watched) as demo:
        await leave(demo)
        await told(demo, within=900)
    assert len(bodies) == 4
    for twice in bodies.values():
        first, second = twice
        assert first == second, "a CRM refuses a key that comes with another content"


# --- a crash between two steps -----------------------------------------------------------------------------


@dataclass
class Doomed:
    """A CRM before which the office dies: at its ``at``-th question, before or after that was done."""

    crm: Pipedrive | Records
    save: Callable[[], None]
    """Keeps what was on the office's disk at that moment."""
    at: int
    is_done: bool
    asked: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.asked < self.at:
            return await self.crm(request)
        if self.asked == self.at:
            if self.is_done:
                await self.crm(request)
            await asyncio.to_thread(self.save)
        raise httpx.ReadError("the office is no more", request=request)


@virtual_time(limit_s=12 * 3600)
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@KINDS
async def test_row_r2_r3_a_crash_at_any_step_leaves_each_record_once(
    tmp_path: Path, kind: str, is_done: bool
) -> None:
    table = TO_ANNA + ticked(BY_LINK[kind])
    reached = [await crashed(tmp_path / str(at), kind, table, at, is_done=is_done) for at in range(1, 9)]
    assert reached.count(True) >= 5, "look-up, contact, deal, task and call"
    assert not reached[-1], "the last crash came when all was told"


async def crashed(folder: Path, kind: str, table: str, at: int, *, is_done: bool) -> bool:
    """Crash at the ``at``-th question and start again; return whether there was one."""
    await asyncio.to_thread(folder.mkdir)
    database, kept = folder / "data" / FILE_NAME, folder / "kept.sqlite"
    crm: Pipedrive | Records = Pipedrive() if kind == "pipedrive" else Records()
    doomed = Doomed(crm, lambda: copy(database, kept), at, is_done)
    async with office(folder, scheme=table, http=doomed) as before:
        await leave(before)
        await before.stories()
        await asyncio.sleep(4)
    if kept.exists():
        await asyncio.to_thread(copy, kept, database)
    await again(folder, table, crm)
    made = (
        [crm.persons, crm.deals, crm.activities, crm.call_logs]
        if isinstance(crm, Pipedrive)
        else [crm.of(each) for each in ("contact", "deal", "task", "call")]
    )
    assert [len(records) for records in made] == [1, 1, 1, 1], (at, is_done)
    assert len(set(LINK.findall(told_text(crm)))) == 1
    return kept.exists()


async def again(folder: Path, table: str, crm: Answers) -> None:
    async with office(folder, scheme=table, http=crm, at=MONDAY_NOON + timedelta(minutes=10)) as after:
        await told(after, within=900)
