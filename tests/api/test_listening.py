"""Rows V5 and R2: who has the link hears the recording at once, without logging in; nobody else does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import Path

import pytest

from b2bua.store.calls import CallOutcome, NewCall
from b2bua.store.links import FILE_NAME, Kept, Ticket
from b2bua.store.store import Store
from media.commands import Tone
from tests.api.test_api import TOKEN, Town, town
from tests.harness.hearing import FRAME_S, Hearing
from tests.harness.office import MONDAY_NOON, NUMBER, Office

SOUND = bytes(range(256)) * 40
WHAT_STANDS_AROUND = 'url = "https://pbx.office.example/"\n'
BOX = '[[step]]\nvoicemail = "sales"\n'
A_DAY = timedelta(days=1)
VOICE_HZ = 440.0


@dataclass
class Shelf:
    """An office that has a recording of each kind, and a listener without a token."""

    run: Town
    message: int
    recording: int

    def path(self, kind: Kept, row: int, *, until: datetime = MONDAY_NOON + A_DAY) -> str:
        signer = self.run.demo.server.store.signer
        return f"/listen/{signer.sign(Ticket(kind, row, until))}"

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        answer = await self.run.http.get(path, headers={"Authorization": "", **headers})
        return answer.status_code, answer.content


@asynccontextmanager
async def shelf(folder: Path, *, suffix: str = ".wav") -> AsyncIterator[Shelf]:
    async with town(folder, extra=WHAT_STANDS_AROUND) as run:
        yield await filled(run, folder, suffix)


async def filled(run: Town, folder: Path, suffix: str) -> Shelf:
    """Return the office with a message and a recording of ``SOUND``."""
    store, files = run.demo.server.store, (folder / "message.wav", folder / f"talk{suffix}")
    for path in files:
        await asyncio.to_thread(path.write_bytes, SOUND)
    for call_id in ("left", "talked"):
        await store.journal.begin(NewCall(call_id, "+48500600700", "", NUMBER, "demo", MONDAY_NOON))
    await store.messages.begin("left", "sales", files[0], MONDAY_NOON)
    message = store.messages.begun("left")
    await store.messages.finish("left", 3.0, MONDAY_NOON)
    recording = store.recordings.begin("talked", files[1], MONDAY_NOON)
    await store.recordings.finish(recording, 3.0, MONDAY_NOON)
    await store.journal.end("talked", CallOutcome.TALKED, at=MONDAY_NOON)
    return Shelf(run, message, recording)


# --- what is heard -----------------------------------------------------------------------------------------


async def test_row_v5_the_link_in_the_mail_is_heard_without_a_token(tmp_path: Path) -> None:
    async with town(tmp_path, scheme=BOX, extra=WHAT_STANDS_AROUND) as run:
        await leave_a_message(run.demo)
        mail = await mail_of(run.demo)
        [link] = re.findall(r"^https://pbx\.office\.example(/listen/\S+)$", mail, re.MULTILINE)
        assert "Listen at once (until 2026-12-23 12:0" in mail, "30 days, at the clock of the office"
        answer = await run.http.get(link, headers={"Authorization": ""})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        [message] = await run.demo.server.store.messages.latest()
        assert answer.content == await asyncio.to_thread(message.path.read_bytes)
        [heard] = Hearing.channels_of(BytesIO(answer.content))
        assert heard.seconds_of(VOICE_HZ) == pytest.approx(1.5, abs=2 * FRAME_S)
        assert (heard.gaps(), heard.clipping()) == ([], [])
        assert answer.headers["content-disposition"].startswith('inline; filename="message-2026-11-23-12-')
        assert message.heard_at is None, "programs that look into mails follow links too: the lamp stays on"


async def leave_a_message(demo: Office) -> None:
    leg = await (await demo.call_in(NUMBER)).answered(within=5)
    leg.media.send_digits("#")  # skips the greeting
    await asyncio.sleep(2)
    await leg.play([Tone((VOICE_HZ,), 1.5)])
    leg.hang_up()
    await demo.stories()


async def mail_of(demo: Office) -> str:
    async with asyncio.timeout(10):
        while not (found := list((demo.folder / "data" / "outbox").glob("*.eml"))):
            await asyncio.sleep(0.05)
    message = message_from_bytes(await asyncio.to_thread(found[0].read_bytes), policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("suffix", "content_type"), [(".wav", "audio/wav"), (".opus", "audio/ogg"), (".mp3", "audio/mpeg")]
)
async def test_row_v5_r2_a_browser_is_told_what_it_plays_and_can_seek(
    tmp_path: Path, suffix: str, content_type: str
) -> None:
    async with shelf(tmp_path, suffix=suffix) as shelf_:
        link, http = shelf_.path(Kept.RECORDING, shelf_.recording), shelf_.run.http
        whole = await http.get(link)
        assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, SOUND, content_type)
        assert whole.headers["accept-ranges"] == "bytes"
        assert (whole.headers["cache-control"], whole.headers["referrer-policy"]) == (
            "private, no-cache",
            "no-referrer",
        )
        part = await http.get(link, headers={"Range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, SOUND[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(SOUND)}"
        end = await http.get(link, headers={"Range": "bytes=-100"})
        assert (end.status_code, end.content) == (206, SOUND[-100:])
        rest = await http.get(link, headers={"Range": "bytes=9000-", "If-Range": whole.headers["etag"]})
        assert (rest.status_code, rest.content) == (206, SOUND[9000:])
        changed = await http.get(link, headers={"Range": "bytes=9000-", "If-Range": '"another"'})
        assert (changed.status_code, changed.content) == (200, SOUND)
        beyond = await http.get(link, headers={"Range": "bytes=99999-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(SOUND)}")
        head = await http.head(link)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(SOUND))
        assert (await http.post(link)).status_code == 405


# --- what is not -------------------------------------------------------------------------------------------


async def test_row_v5_a_link_that_was_tampered_with_is_forbidden_and_one_that_is_over_is_gone(
    tmp_path: Path,
) -> None:
    async with shelf(tmp_path) as shelf_:
        good = shelf_.path(Kept.MESSAGE, shelf_.message)
        assert (await shelf_.get(good))[0] == 200
        kind, row, until, signature = good.removeprefix("/listen/").split(".")
        tampered = [
            f"recording.{row}.{until}.{signature}",
            f"{kind}.{shelf_.recording}.{until}.{signature}",
            f"{kind}.{row}.{int(until) + 86400}.{signature}",
            f"{kind}.{row}.{until}.{signature[:-2]}AA",
            f"{kind}.{row}.{until}.",
            f"{kind}.{row}.{until}",
            f"{kind}.0{row}.{until}.{signature}",
            f"{kind}.{row}.{until}.{signature}.wav",
            "message",
            "%FF%FE.%00",
            "x" * 8000,
        ]
        for ticket in tampered:
            status, content = await shelf_.get(f"/listen/{ticket}")
            assert (status, content) == (403, b"This link is not valid. Please copy it again, whole.\n"), (
                ticket
            )
        over = shelf_.path(Kept.MESSAGE, shelf_.message, until=MONDAY_NOON - timedelta(seconds=1))
        assert await shelf_.get(over) == (410, b"This link has expired, or the recording was deleted.\n")


async def test_row_v5_no_path_leads_out_of_the_recordings_nor_past_the_tokens(tmp_path: Path) -> None:
    async with shelf(tmp_path) as shelf_:
        good = shelf_.path(Kept.MESSAGE, shelf_.message)
        for path in (
            "/listen/../v1/people",
            "/listen/..%2fv1%2fpeople",
            "/listen/%2e%2e/v1/people",
            "/listen//v1/people",
            "/listen/../../../../etc/passwd",
            "/listen/..%2f..%2f..%2fetc%2fpasswd",
            f"{good}/../../v1/people",
            "/listen/",
            "/listen",
            "/v1/people",
            "//listen/x",
        ):
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            answer = await shelf_.run.raw(head)
            status = answer.split(b" ", 2)[1]
            assert status in (b"401", b"403", b"404"), (path, answer)
            assert b"anna" not in answer
            assert b"root:" not in answer


async def test_v5_what_is_deleted_is_gone_and_what_is_not_complete_is_not_there(tmp_path: Path) -> None:
    async with shelf(tmp_path) as shelf_:
        store, demo = shelf_.run.demo.server.store, shelf_.run.demo
        link = shelf_.path(Kept.MESSAGE, shelf_.message)
        await asyncio.to_thread((tmp_path / "message.wav").unlink)
        assert (await shelf_.get(link))[0] == 404
        await asyncio.to_thread((tmp_path / "message.wav").mkdir)
        assert (await shelf_.get(link))[0] == 404, "a folder is no recording"
        await store.messages.delete(shelf_.message, at=MONDAY_NOON)
        assert (await shelf_.get(link))[0] == 410
        assert (await shelf_.get(shelf_.path(Kept.MESSAGE, 1)))[0] == 404
        await store.journal.begin(NewCall("up", "", "", NUMBER, "demo", MONDAY_NOON))
        begun = store.recordings.begin("up", tmp_path / "talk.wav", MONDAY_NOON)
        await store.journal.end("up", CallOutcome.TALKED, at=MONDAY_NOON)
        assert (await shelf_.get(shelf_.path(Kept.RECORDING, begun)))[0] == 404
        await demo.edit(lambda text: text.replace('language = "en"', 'language = "pl"'))
        assert "nie jest jeszcze gotowe" in (await shelf_.get(shelf_.path(Kept.RECORDING, begun)))[1].decode()


async def test_v5_links_are_good_over_a_restart_and_those_of_another_office_are_not(tmp_path: Path) -> None:
    until = datetime(2030, 1, 1, tzinfo=UTC)
    signed = []
    for folder in (tmp_path / "one", tmp_path / "one", tmp_path / "other"):
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        async with await Store.open(folder) as store:
            signed.append(store.signer.sign(Ticket(Kept.MESSAGE, 7, until)))
    assert signed[0] == signed[1] != signed[2]
    key = tmp_path / "one" / FILE_NAME
    assert key.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "one").glob(f"{FILE_NAME}*")] == [FILE_NAME]
    await asyncio.to_thread(key.write_text, "no key")
    async with await Store.open(tmp_path / "one") as store:
        assert store.signer.sign(Ticket(Kept.MESSAGE, 7, until)) not in signed, (
            "an office starts all the same"
        )


async def test_v5_an_interface_for_links_alone_needs_no_token_and_opens_nothing_else(tmp_path: Path) -> None:
    async with town(tmp_path, extra=WHAT_STANDS_AROUND, tokens=False) as run:
        shelf_ = await filled(run, tmp_path, ".wav")
        assert await shelf_.get(shelf_.path(Kept.MESSAGE, shelf_.message)) == (200, SOUND)
        for authorization in ("", "Bearer", f"Bearer {TOKEN}"):
            answer = await run.http.get("/v1/people", headers={"Authorization": authorization})
            assert answer.status_code == 401
