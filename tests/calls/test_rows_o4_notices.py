"""Rows O4, Q19, C9 and V6: each caller who was missed and each message is told to who wants to know."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
import hmac
import random
from email.message import EmailMessage
from pathlib import Path

import pytest

from b2bua.config.load import load_config
from b2bua.demo.softphone import CallRefused, Habit, PlacedCall
from b2bua.errors import ConfigError
from b2bua.store.calls import CallOutcome
from media.commands import Tone
from tests.calls.test_rows_f19_alert import copy_of_crash
from tests.harness.clock import virtual_time
from tests.harness.handler import always
from tests.harness.office import CALLER, NUMBER, Office, office

CALLS = 100
ALERT = """
[missed-alert]
emails = ["reception@office.example"]
url = "https://chat.example/hooks/missed"
secret = "do-not-tell"
"""
SCHEME = f"""
[[step]]
ring = ["101", "102"]
for = "5s"

[[step]]
voicemail = "sales"
{ALERT}
[api]
listen = "127.0.0.1:0"
url = "https://pbx.office.example"
"""


def told_chat(office: str) -> str:
    """Return the office with a server that is told of the messages to sales."""
    return office.replace(
        "[voicemail.sales]\n",
        '[voicemail.sales]\nurl = "https://chat.example/hooks/sales"\nsecret = "quiet"\n',
    )


def notices(demo: Office, to: str = "reception@office.example") -> list[EmailMessage]:
    """Return the mails to the reception that have left."""
    found = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((demo.folder / "data" / "outbox").glob("*.eml"))
    ]
    return [mail for mail in found if mail["To"] == to]


@virtual_time(limit_s=600)
async def test_row_o4_c9_a_caller_who_hangs_up_while_it_rings_is_told_of_within_5_s_by_mail_and_web(
    tmp_path: Path,
) -> None:
    chat = always(200)
    async with office(tmp_path, scheme=SCHEME, http=chat) as demo:
        await demo.phone("101")
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(3)
        await placed.close()
        hung_up_at = demo.now
        await demo.until(lambda: len(notices(demo)) + len(chat.requests) == 2, within=5)
        assert chat.times[0] - hung_up_at < 5
        [mail] = notices(demo)
        assert mail["Subject"] == f"Please call back: {CALLER}"
        assert f"Dialled number: {NUMBER}" in mail.get_content()
        assert "Anna Nowak" in mail.get_content(), "who was rung"
        assert f"tel:{CALLER}" in mail.get_content()
        [told], [request] = chat.asked, chat.requests
        assert (told["event"], told["caller"], told["dialled"]) == ("missed", CALLER, NUMBER)
        assert told["text"].startswith(f"Please call back: {CALLER}. ")
        assert "Anna Nowak" in told["story"]
        text = f"{request.headers['X-B2bua-Timestamp']}.POST./hooks/missed.".encode() + request.content
        expected = hmac.new(b"do-not-tell", text, hashlib.sha256).hexdigest()
        assert request.headers["X-B2bua-Signature"] == f"sha256={expected}"


async def _play(demo: Office, placed: PlacedCall, chance: random.Random) -> None:
    """Be a caller: hang up at any time, talk, leave a message, or nothing but silence."""
    if chance.random() < 0.3:
        await asyncio.sleep(chance.uniform(0.2, 5.0))
        await placed.close()
        return
    try:
        leg = await placed.answered(within=60)
    except CallRefused:
        return
    if chance.random() < 0.5:
        leg.media.send_digits("#")  # skips the greeting
        await asyncio.sleep(2)
        await leg.play([Tone((440.0,), 3.0)])
    await asyncio.sleep(chance.uniform(0.0, 3.0))
    leg.hang_up()


@virtual_time(limit_s=3600)
async def test_row_o4_of_100_calls_each_that_was_missed_is_told_once_and_no_other(tmp_path: Path) -> None:
    chat, chance = always(200), random.Random(4)
    async with office(tmp_path, scheme=SCHEME, http=chat) as demo:
        phone = await demo.phone("101")
        for number in range(CALLS):
            phone.habit = chance.choice([Habit(), Habit(answers_after=1.0), Habit(refuses_with=486)])
            placed = await demo.call_in(NUMBER, from_number=f"+48500{number:06}")
            await _play(demo, placed, chance)
            await demo.stories()
        await asyncio.sleep(5)
        stories = await demo.stories()
        missed = [story.call.caller for story in stories if story.outcome is CallOutcome.PROMISE]
        assert len(stories) == CALLS
        assert {story.outcome for story in stories} >= {CallOutcome.TALKED, CallOutcome.MESSAGE}
        assert sorted(each["caller"] for each in chat.asked) == sorted(missed)
        assert sorted(mail["Subject"].removeprefix("Please call back: ") for mail in notices(demo)) == sorted(
            missed
        )


@virtual_time(limit_s=600)
async def test_row_o4_a_call_of_a_colleague_that_nobody_took_is_not_told(tmp_path: Path) -> None:
    chat = always(200)
    async with office(tmp_path, scheme=SCHEME, http=chat) as demo:
        caller = await demo.phone("101")
        await demo.phone("102")
        placed = await demo.call_from(caller, "101", "102")
        await asyncio.sleep(2)
        await placed.close()
        await demo.stories()
        await asyncio.sleep(10)
        assert (chat.requests, notices(demo)) == ([], [])


def test_row_o4_d12_who_was_up_in_a_crash_is_told_of_at_the_next_start_and_each_address_once(
    tmp_path: Path,
) -> None:
    scheme = SCHEME.replace("reception@office.example", "sales@office.example")

    @virtual_time(limit_s=600)
    async def dies() -> None:
        async with office(tmp_path, scheme=scheme, http=always(200)) as demo:
            await demo.phone("101")
            placed = await demo.call_in(NUMBER)
            await asyncio.sleep(2)
            copy_of_crash(demo, tmp_path / "crashed")
            await placed.close()

    @virtual_time(limit_s=600)
    async def starts() -> None:
        chat = always(200)
        async with office(tmp_path / "crashed", scheme=scheme, http=chat) as demo:
            mailbox = demo.server.plan.default_mailbox
            assert "sales@office.example" in demo.server.config.emails_of(mailbox)
            await asyncio.sleep(5)
            assert [told["caller"] for told in chat.asked] == [CALLER]
            [mail] = notices(demo, to="sales@office.example")
            assert mail["Subject"] == f"Please call back: {CALLER}"

    dies()
    starts()


@virtual_time(limit_s=600)
async def test_row_v6_a_server_is_told_of_a_message_with_a_link_to_it_and_of_nothing_missed(
    tmp_path: Path,
) -> None:
    chat = always(200)
    async with office(tmp_path, scheme=SCHEME, change=told_chat, http=chat) as demo:
        leg = await (await demo.call_in(NUMBER)).answered(within=30)
        leg.media.send_digits("#")
        await asyncio.sleep(2)
        await leg.play([Tone((440.0,), 3.0)])
        leg.hang_up()
        left_at = demo.now
        await demo.until(lambda: bool(chat.requests), within=5)
        assert chat.times[0] - left_at < 5
        [told], [request] = chat.asked, chat.requests
        assert (told["event"], told["mailbox"], told["caller"]) == ("message", "sales", CALLER)
        assert 2.5 < told["seconds"] < 5
        assert told["link"].startswith("https://pbx.office.example/listen/")
        assert told["text"].endswith(told["link"])
        assert request.url.path == "/hooks/sales"
        assert "X-B2bua-Signature" in request.headers
        assert notices(demo) == []


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("[missed-alert]", "nobody is told: give emails, a url or both"),
        ('[missed-alert]\nurl = "ftp://office.example"', "is no web address"),
        ('[voicemail.x]\nmin = "8s"\nmax = "6s"', "min is longer than max, so that no message"),
        ('[voicemail.x]\nsecret = "s"', "secret belongs to a url"),
    ],
)
def test_row_o4_a_notice_that_tells_nobody_is_an_error(tmp_path: Path, table: str, why: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f"{table}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert why in str(caught.value)
