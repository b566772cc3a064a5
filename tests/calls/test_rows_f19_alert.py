"""Row F19: whoever wants to know is told of each call that reached a backup, once, by mail and by web."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
import hmac
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from b2bua.config.load import load_config
from b2bua.demo.softphone import Habit
from b2bua.errors import ConfigError
from b2bua.store.database import FILE_NAME
from tests.harness.clock import virtual_time
from tests.harness.handler import Handler, always
from tests.harness.office import CALLER, MONDAY_NOON, NUMBER, Office, office

DIRECTOR = "+48600999888"
ALERT = """
[backup-alert]
emails = ["head@office.example"]
url = "https://chat.example/hooks/secret-path"
secret = "do-not-tell"

[person.maria]
name = "Maria Director"
mobile = "+48600999888"
"""
SALES = f"""
[[step]]
ring = ["101", "102"]
for = "5s"

[[step]]
ring = ["{DIRECTOR}"]
for = "20s"

[[step]]
voicemail = "sales"
{ALERT}
"""
MARKED = """
[[step]]
ring = ["101"]
for = "5s"

[[step]]
ring = ["+48600111222"]
for = "5s"

[[step]]
ring = ["103"]
for = "5s"
backup = true

[[step]]
voicemail = "sales"
"""


def alerts(demo: Office) -> list[EmailMessage]:
    """Return the mails to the head of the office that have left."""
    folder = demo.folder / "data" / "outbox"
    found = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("*.eml"))
    ]
    return [mail for mail in found if mail["To"] == "head@office.example"]


async def answered_by_director(demo: Office) -> None:
    """Let Anna miss a call, Piotr be off, and the director take it after 3 s."""
    await demo.phone("101")
    await demo.mobiles(Habit(answers_after=3))
    leg = await (await demo.call_in(NUMBER)).answered(within=20)
    await asyncio.sleep(10)
    leg.hang_up()
    await demo.stories()
    await asyncio.sleep(5)


@virtual_time(limit_s=600)
async def test_row_f19_a_call_that_the_backup_took_is_told_by_mail_with_who_missed_it(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SALES, http=always(200)) as demo:
        await answered_by_director(demo)
        [mail] = alerts(demo)
        assert mail["Subject"] == f"Answered on the backup: {CALLER} → {DIRECTOR} (Maria Director)"
        lines = mail.get_content().splitlines()
        assert f"From: {CALLER}" in lines
        assert f"Dialled number: {NUMBER}" in lines
        assert f"Backup: {DIRECTOR} (Maria Director)" in lines
        assert "Missed by: Piotr Zieliński (phone off), Anna Nowak (0:05)" in lines
        assert "Answered after: 0:08" in lines
        assert "Talked for: 0:10" in lines


@virtual_time(limit_s=600)
async def test_row_f19_a_server_is_told_the_same_signed_and_in_a_form_that_chats_show(tmp_path: Path) -> None:
    chat = always(200)
    async with office(tmp_path, scheme=SALES, http=chat) as demo:
        await answered_by_director(demo)
        [told], [request] = chat.asked, chat.requests
        assert told["text"].startswith(f"Answered on the backup: {CALLER} → {DIRECTOR} (Maria Director).")
        assert told["is_answered"] is True
        assert (told["answered_after_s"], told["talked_s"]) == (
            pytest.approx(8, abs=0.5),
            pytest.approx(10, abs=0.5),
        )
        assert [each["who"] for each in told["missed_by"]] == ["Piotr Zieliński", "Anna Nowak"]
        assert told["missed_by"][1]["rang_s"] == pytest.approx(5, abs=0.2)
        assert (told["caller"], told["dialled"]) == (CALLER, NUMBER)
        text = f"{request.headers['X-B2bua-Timestamp']}.POST./hooks/secret-path.".encode() + request.content
        expected = hmac.new(b"do-not-tell", text, hashlib.sha256).hexdigest()
        assert request.headers["X-B2bua-Signature"] == f"sha256={expected}"


@virtual_time(limit_s=600)
async def test_row_f19_a_call_that_even_the_backup_missed_is_told_once_beside_its_message(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=SALES, http=always(200)) as demo:
        await demo.phone("101")
        await demo.mobiles()
        leg = await (await demo.call_in(NUMBER)).answered(within=60)
        await asyncio.sleep(20)
        leg.hang_up()
        await demo.stories()
        await asyncio.sleep(5)
        [mail] = alerts(demo)
        assert mail["Subject"].startswith("Not even the backup answered")
        assert "Answered after" not in mail.get_content()


@virtual_time(limit_s=600)
async def test_row_f19_a_call_that_sales_took_is_not_told(tmp_path: Path) -> None:
    chat = always(200)
    async with office(tmp_path, scheme=SALES, http=chat) as demo:
        await demo.phone("101", Habit(answers_after=1))
        leg = await (await demo.call_in(NUMBER)).answered(within=10)
        await asyncio.sleep(2)
        leg.hang_up()
        await demo.stories()
        await asyncio.sleep(60)
        assert (alerts(demo), chat.requests) == ([], [])


@virtual_time(limit_s=3600)
async def test_row_f19_a_server_that_is_down_is_told_later_and_once_and_the_mail_does_not_wait(
    tmp_path: Path,
) -> None:
    answers: list[int] = [500, 503, 200]
    chat = Handler(lambda _: answers.pop(0))
    async with office(tmp_path, scheme=SALES, http=chat) as demo:
        await answered_by_director(demo)
        assert len(alerts(demo)) == 1
        await asyncio.sleep(900)
        assert (len(chat.requests), answers) == (3, [])
        assert len({request.headers["Idempotency-Key"] for request in chat.requests}) == 1
        assert len(alerts(demo)) == 1


def test_row_f19_what_was_not_told_before_a_restart_is_told_after_it(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    @virtual_time(limit_s=600)
    async def first() -> None:
        async with office(tmp_path, scheme=SALES, http=always(500)) as demo:
            await answered_by_director(demo)

    @virtual_time(limit_s=600)
    async def again() -> None:
        chat = always(200)
        async with office(tmp_path, scheme=SALES, http=chat, at=MONDAY_NOON.replace(hour=15)) as demo:
            await asyncio.sleep(400)
            asked.extend(chat.asked)
            assert len(alerts(demo)) == 1

    first()
    again()
    [told] = asked
    assert told["caller"] == CALLER


def test_row_f19_a_call_in_which_the_program_died_on_the_backup_is_told_at_the_next_start(
    tmp_path: Path,
) -> None:
    asked: list[dict[str, Any]] = []

    @virtual_time(limit_s=600)
    async def dies() -> None:
        async with office(tmp_path, scheme=SALES, http=always(200)) as demo:
            await demo.phone("101")
            await demo.mobiles(Habit(answers_after=3))
            await (await demo.call_in(NUMBER)).answered(within=20)
            await asyncio.sleep(2)
            copy_of_crash(demo, tmp_path / "crashed")

    @virtual_time(limit_s=600)
    async def starts() -> None:
        chat = always(200)
        async with office(tmp_path / "crashed", scheme=SALES, http=chat) as demo:
            await asyncio.sleep(5)
            asked.extend(chat.asked)
            assert len(alerts(demo)) == 1

    dies()
    starts()
    [told] = asked
    assert (told["is_answered"], told["talked_s"]) == (True, None)
    assert [each["who"] for each in told["missed_by"]] == ["Piotr Zieliński", "Anna Nowak"]


def copy_of_crash(demo: Office, folder: Path) -> None:
    """Leave in ``folder`` what a power cut at this instant would leave on the disk."""
    (folder / "data").mkdir(parents=True)
    for path in (demo.folder / "data").glob(f"{FILE_NAME}*"):
        (folder / "data" / path.name).write_bytes(path.read_bytes())


@virtual_time(limit_s=600)
async def test_row_f19_a_step_that_is_marked_is_the_backup_and_no_other(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=MARKED + ALERT, http=always(200)) as demo:
        await demo.phone("101")
        await demo.phone("103", Habit(answers_after=1))
        mobiles = await demo.mobiles(Habit(answers_after=2))
        leg = await (await demo.call_in(NUMBER)).answered(within=20)
        leg.hang_up()
        await demo.stories()
        await asyncio.sleep(5)
        assert alerts(demo) == []  # the number outside took it, and is not the backup
        mobiles.habit = Habit()
        leg = await (await demo.call_in(NUMBER)).answered(within=20)
        leg.hang_up()
        await demo.stories()
        await asyncio.sleep(5)
        [mail] = alerts(demo)
        assert "Backup: Olena Kovalenko" in mail.get_content()
        assert "Missed by: Anna Nowak (0:05), +48600111222 (0:05)" in mail.get_content()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("", "nobody is told: give emails, a url or both"),
        ('emails = "a@office.example"\nsecret = "s"', "secret belongs to a url"),
        ('url = "ftp://office.example"', "is no web address"),
        ('email = "a@office.example"', "did you mean 'emails'?"),
    ],
)
def test_row_f19_an_alert_that_tells_nobody_is_an_error(tmp_path: Path, table: str, why: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f"[backup-alert]\n{table}\n")
    with pytest.raises(ConfigError, match="backup-alert") as caught:
        load_config(path)
    assert why in str(caught.value)
