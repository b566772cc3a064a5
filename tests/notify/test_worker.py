"""Row V5: mail goes out within seconds, and later when the server was down."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from structlog.testing import capture_logs

from b2bua.notify import FolderDelivery, MailWorker, NotDeliveredError, SmtpDelivery, SmtpSettings, worker
from b2bua.notify.delivery import Delivery
from b2bua.notify.worker import retry_after
from b2bua.store import NewMail, QueuedMail, Store, writer
from tests.harness.clock import virtual_time
from tests.harness.mail_server import Inbox, mail_server

AT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
MAIL = NewMail("anna@example.com", "Wiadomość", "Treść\n.\nkoniec")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def running(mail_worker: MailWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(mail_worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()


async def all_sent(store: Store) -> None:
    async with asyncio.timeout(10):
        while await store.outbox.waiting():
            await asyncio.sleep(0.02)


def smtp(port: int, **settings: Any) -> SmtpDelivery:
    return SmtpDelivery(SmtpSettings("127.0.0.1", "b2bua@office.example", port, timeout_s=5.0, **settings))


async def test_v5_new_mail_wakes_the_worker_and_arrives_whole(
    store: Store, port: int, tmp_path: Path
) -> None:
    recording = tmp_path / "c1.wav"
    recording.write_bytes(bytes(range(256)) * 400)
    inbox = Inbox()
    with mail_server(inbox, port):
        async with running(MailWorker(store.outbox, smtp(port))):
            await asyncio.sleep(0.1)  # it has looked into the empty outbox and sleeps
            await store.outbox.post(
                [NewMail("anna@example.com", "Wiadomość", "Treść\n.\nkoniec", recording, "v.wav")],
                at=datetime.now(UTC),
            )
            await all_sent(store)
    [arrived] = inbox.mails
    assert arrived["Subject"] == "Wiadomość"
    [text, audio] = arrived.iter_parts()  # type: ignore[attr-defined]
    assert text.get_content().startswith("Treść\r\n.\r\nkoniec\r\n")
    assert audio.get_content() == recording.read_bytes()


async def test_v5_a_server_that_was_down_gets_the_mail_when_it_is_up(
    store: Store, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_RETRY_S", 0.1)
    monkeypatch.setattr(worker, "SHORTEST_SLEEP_S", 0.05)
    inbox = Inbox()
    await store.outbox.post([MAIL], at=datetime.now(UTC))
    async with running(MailWorker(store.outbox, smtp(port))):
        async with asyncio.timeout(10):
            while (await store.outbox.waiting())[0].attempts < 2:
                await asyncio.sleep(0.02)
        [waiting] = await store.outbox.waiting()
        assert waiting.last_error
        with mail_server(inbox, port):
            await all_sent(store)
    assert [mail["Subject"] for mail in inbox.mails] == ["Wiadomość"]


async def test_one_address_that_is_refused_does_not_hold_up_the_others(store: Store, port: int) -> None:
    inbox = Inbox()
    refused = NewMail("nobody@example.com", "x", "y")
    with mail_server(inbox, port):
        await store.outbox.post([refused, MAIL], at=AT)
        await MailWorker(store.outbox, smtp(port), now=lambda: AT).send_due()
    assert [mail["To"] for mail in inbox.mails] == ["anna@example.com"]
    [waiting] = await store.outbox.waiting()
    assert waiting.mail.recipient == "nobody@example.com"
    assert "550 no such person" in waiting.last_error


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_a_server_that_wants_a_login_gets_it(store: Store, port: int) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        is_right = (data.login, data.password) == (b"office", b"secret")
        return AuthResult(success=is_right, handled=False)

    inbox = Inbox()
    with mail_server(inbox, port, authenticator=check, auth_required=True, auth_require_tls=False):
        await store.outbox.post([MAIL], at=AT)
        wrong = MailWorker(store.outbox, smtp(port, username="office", password="guess"), now=lambda: AT)
        await wrong.send_due()
        [waiting] = await store.outbox.waiting()
        assert "535" in waiting.last_error
        later = waiting.next_try_at
        right = MailWorker(store.outbox, smtp(port, username="office", password="secret"), now=lambda: later)
        await right.send_due()
    assert len(inbox.mails) == 1


async def test_required_starttls_is_not_given_up_in_silence(store: Store, port: int) -> None:
    with mail_server(Inbox(), port):
        await store.outbox.post([MAIL], at=AT)
        await MailWorker(store.outbox, smtp(port, starttls=True), now=lambda: AT).send_due()
    [waiting] = await store.outbox.waiting()
    assert "STARTTLS" in waiting.last_error


def test_the_password_is_not_printed() -> None:
    assert "secret" not in repr(SmtpSettings("h", "s@h", username="u", password="secret"))


async def test_v5_without_a_server_the_mail_is_a_file(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    await store.outbox.post([MAIL], at=AT)
    await MailWorker(store.outbox, FolderDelivery(folder), now=lambda: AT).send_due()
    assert await store.outbox.waiting() == []
    [file] = folder.iterdir()
    assert file.suffix == ".eml"
    assert message_from_bytes(file.read_bytes(), policy=default)["Subject"] == "Wiadomość"


async def test_a_folder_that_cannot_be_written_is_tried_again(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    folder.write_text("a file where the folder should be")
    await store.outbox.post([MAIL], at=AT)
    mail_worker = MailWorker(store.outbox, FolderDelivery(folder), now=lambda: AT)
    await mail_worker.send_due()
    [waiting] = await store.outbox.waiting()
    assert (waiting.attempts, waiting.next_try_at) == (1, AT + timedelta(seconds=5))
    assert await mail_worker.send_due() == 0


async def test_a_mail_whose_sending_cannot_be_noted_now_is_not_sent_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.1)
    await store.outbox.post([MAIL], at=AT)
    delivery = DownUntil(0.0)
    mail_worker = MailWorker(store.outbox, delivery, now=lambda: AT)
    other = sqlite3.connect(tmp_path / "b2bua.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await mail_worker.send_due() == 1
    assert await mail_worker.send_due() == 0
    other.close()
    await all_sent(store)
    assert len(delivery.tried_at) == 1


async def test_what_the_database_refuses_is_told_without_its_sql(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b2bua.sqlite")) as other:
        other.execute("DROP TABLE outbox")
    with capture_logs() as told:
        async with running(MailWorker(store.outbox, DownUntil(0.0), now=lambda: AT)), asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.02)
    assert told[0]["event"] == "cannot read the outbox; trying again"
    assert told[0]["why"] == "no such table: outbox"


class DownUntil:
    """A server that answers from a given moment of the loop's clock on."""

    def __init__(self, up_at: float) -> None:
        self.up_at = up_at
        self.tried_at: list[float] = []

    async def deliver(self, queued: QueuedMail) -> str:
        now = asyncio.get_running_loop().time()
        self.tried_at.append(now)
        if now < self.up_at:
            raise NotDeliveredError("connection refused")
        return "server"


@virtual_time
async def test_v5_ten_minutes_without_a_server_cost_at_most_five_more(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()

    def now() -> datetime:
        return AT + timedelta(seconds=loop.time() - started)

    delivery = DownUntil(started + 600)
    async with await Store.open(tmp_path) as store:
        await store.outbox.post([MAIL], at=now())
        checked: Delivery = delivery
        async with running(MailWorker(store.outbox, checked, now=now)):
            while await store.outbox.waiting():
                await asyncio.sleep(1)
    assert 600 <= delivery.tried_at[-1] - started <= 910
    assert len(delivery.tried_at) == 8


@virtual_time(limit_s=7200)
@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=3653)])
async def test_v5_a_mail_that_waits_does_not_wait_longer_when_the_clock_is_set_back(
    tmp_path: Path, back: timedelta
) -> None:
    loop = asyncio.get_running_loop()
    started, set_back = loop.time(), timedelta()

    def now() -> datetime:
        return AT - set_back + timedelta(seconds=loop.time() - started)

    delivery = DownUntil(started + 600)
    async with await Store.open(tmp_path) as store:
        await store.outbox.post([MAIL], at=now())
        checked: Delivery = delivery
        async with running(MailWorker(store.outbox, checked, now=now)):
            await asyncio.sleep(500)
            set_back = back
            while await store.outbox.waiting():
                await asyncio.sleep(1)
    assert 600 <= delivery.tried_at[-1] - started <= 910


@virtual_time
@pytest.mark.parametrize(("wish_s", "next_s"), [(1.0, 5), (900.0, 900), (86400.0, 3600)])
async def test_v5_a_server_that_wants_to_be_left_alone_is_for_an_hour_at_most(
    tmp_path: Path, wish_s: float, next_s: float
) -> None:
    class Busy:
        async def deliver(self, _: QueuedMail) -> str:
            raise NotDeliveredError("the server answered 429", again_after_s=wish_s)

    async with await Store.open(tmp_path) as store:
        await store.outbox.post([MAIL], at=AT)
        busy: Delivery = Busy()
        await MailWorker(store.outbox, busy, now=lambda: AT).send_due()
        [waiting] = await store.outbox.waiting()
        assert waiting.next_try_at == AT + timedelta(seconds=next_s)


def test_the_wait_doubles_and_is_capped() -> None:
    assert [retry_after(attempts) for attempts in (0, 1, 2, 6, 10_000)] == [5, 10, 20, 300, 300]
    assert retry_after(10_000, is_permanent=True) == 3600


class Faulty:
    """Falls over some mails, as by a fault of ours."""

    def __init__(self, behind: Delivery, *subjects: str) -> None:
        self._behind = behind
        self._subjects = subjects

    async def deliver(self, queued: QueuedMail) -> str:
        if queued.mail.subject in self._subjects:
            raise KeyError(queued.mail.subject)
        return await self._behind.deliver(queued)


async def test_v5_a_mail_that_we_cannot_handle_holds_up_no_other(store: Store, tmp_path: Path) -> None:
    async with running(MailWorker(store.outbox, Faulty(FolderDelivery(tmp_path / "out"), "broken"))):
        subjects = ("broken", "whole", "broken", "whole")
        mails = [NewMail("anna@example.com", subject, "…") for subject in subjects]
        await store.outbox.post(mails, at=datetime.now(UTC))
        async with asyncio.timeout(10):
            while len(await store.outbox.waiting()) > 2:
                await asyncio.sleep(0.02)
        waiting = await store.outbox.waiting()
        assert [(one.mail.subject, one.attempts >= 1) for one in waiting] == [("broken", True)] * 2


@virtual_time
async def test_v5_o4_a_fault_of_ours_ends_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await Store.open(tmp_path) as store:
        mark_sent, faults = store.outbox.mark_sent, [KeyError("next_try_at")]

        async def mark(mail: int, *, at: datetime, sent_to: str) -> bool:
            if faults:
                raise faults.pop()
            return await mark_sent(mail, at=at, sent_to=sent_to)

        monkeypatch.setattr(store.outbox, "mark_sent", mark)
        async with running(MailWorker(store.outbox, FolderDelivery(tmp_path / "out"))):
            await store.outbox.post([MAIL], at=datetime.now(UTC))
            async with asyncio.timeout(60):
                while await store.outbox.waiting():
                    await asyncio.sleep(1)
        assert not faults
