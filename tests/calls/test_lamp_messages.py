"""The lamp of a phone goes on with a message and off with its hearing (RFC 3842, RFC 6665)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.cli.messages import mark_heard
from b2bua.sip.message import Request
from b2bua.store import Store
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import MONDAY_NOON, NUMBER, SERVER, Office, office
from tests.harness.watcher import lamp, watch

TO_SALES = """
[[step]]
voicemail = "sales"
"""
SUMMARY = "message-summary"


async def leave_message(demo: Office, number: str = NUMBER) -> None:
    """Call in, say something for three seconds, hang up, and wait for the outcome."""
    calls = len(await demo.server.store.journal.calls(limit=1000))
    await say_message(demo, number)
    await demo.stories_of(calls + 1)


async def say_message(demo: Office, number: str = NUMBER) -> None:
    """Call in, say something for three seconds and hang up."""
    caller = await (await demo.call_in(number)).answered(within=10)
    await asyncio.sleep(40)  # the greeting and the beep
    caller.media.play([Tone((700.0,), 3.0)])
    await asyncio.sleep(3.5)
    caller.hang_up()


@virtual_time
async def test_rfc3842_5_2_a_phone_is_told_at_once_how_many_messages_wait_and_what_to_dial(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await leave_message(demo)
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        assert lit.last.request.content_type == "application/simple-message-summary"
        assert lit.last.request.body == (
            b"Messages-Waiting: yes\r\nMessage-Account: sip:*97@127.0.0.1\r\nVoice-Message: 1/0 (0/0)\r\n"
        )
        await lit.stop()
        await demo.settled()


@virtual_time
async def test_rfc3842_3_9_the_lamp_follows_a_message_and_its_hearing_within_a_tenth_of_a_second(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        assert (lit.last.messages, lit.last.is_lit) == ((0, 0), False)
        await leave_message(demo)
        told = await lit.until(lambda: lit.last.is_lit, within=1)
        assert told.messages == (1, 0)
        [story] = await demo.stories()
        assert story.ended_at is not None
        assert told.at - demo.started - (story.ended_at - MONDAY_NOON).total_seconds() < 0.1
        [message] = await demo.server.store.messages.latest()
        await demo.server.store.messages.hear(message.id, at=message.began_at)
        told = await lit.until(lambda: not lit.last.is_lit, within=0.1)
        assert told.messages == (0, 1)
        await demo.server.store.messages.delete(message.id, at=message.began_at)
        assert (await lit.next(within=0.1)).messages == (0, 0)
        await lit.stop()
        await demo.settled()


@virtual_time
async def test_rfc3842_a_call_that_left_nothing_or_silence_lights_no_lamp(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        caller = await (await demo.call_in(NUMBER)).answered(within=10)
        await asyncio.sleep(50)  # says nothing after the beep
        caller.hang_up()
        await demo.stories()
        await asyncio.sleep(30)
        assert [told.messages for told in lit.told] == [(0, 0)]


@virtual_time
async def test_the_lamp_goes_out_at_once_when_a_command_marks_a_message_as_heard(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await leave_message(demo)
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        [message] = await demo.server.store.messages.latest()
        assert lit.last.is_lit
        await mark_heard(demo.server.config, message.call_id[:6])
        told = await lit.until(lambda: not lit.last.is_lit, within=1)
        assert told.messages == (0, 1)


@virtual_time
async def test_what_a_process_marked_as_heard_that_could_not_tell_is_noticed_in_a_minute(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await leave_message(demo)
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        async with await Store.open(demo.folder / "data") as other:
            [message] = await other.messages.latest()
            await other.messages.hear(message.id, at=message.began_at)
        await lit.until(lambda: not lit.last.is_lit, within=60.1)


@virtual_time
async def test_rfc6665_4_2_1_3_only_a_phone_that_proves_who_it_is_is_told(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        stranger = await demo.softphone("stranger", 6001)  # from an address that is the trunk's
        bare = Request("SUBSCRIBE", "sip:101@127.0.0.1")
        for name, value in (("Event", SUMMARY), ("Contact", "<sip:x@127.0.0.1:6001>")):
            bare.headers.add(name, value)
        refused = await stranger.endpoint.request(bare, SERVER)
        assert (refused.status, "WWW-Authenticate" in refused.headers) == (401, True)
        wrong = await watch(stranger, "101", SUMMARY, password="guessed")
        assert wrong.response.result().status == 401
        await asyncio.sleep(40)
        assert demo.packets("NOTIFY") == []
        assert demo.leftovers() == {}


@virtual_time
async def test_rfc6665_4_2_1_3_too_many_wrong_passwords_are_answered_403(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        stranger = await demo.softphone("stranger", 6001)
        statuses = []
        for _ in range(14):
            guess = await watch(stranger, "101", SUMMARY, password="guessed")
            statuses.append(guess.response.result().status)
        assert (statuses[0], statuses[-1]) == (401, 403)


@pytest.mark.parametrize(
    ("target", "status"),
    [("101", 200), ("*97", 200), ("sales", 200), ("104", 403), ("ivan", 403), ("x", 404)],
)
@virtual_time
async def test_rfc6665_4_2_1_3_each_hears_of_mailboxes_that_are_theirs(
    tmp_path: Path, target: str, status: int
) -> None:
    async with office(tmp_path) as demo:
        phone = await demo.phone("101")
        watching = await watch(phone, "101", SUMMARY, target=target)
        assert watching.response.result().status == status


@virtual_time
async def test_whoever_is_mailed_of_a_mailbox_has_its_lamp_too(tmp_path: Path) -> None:
    mailed = 'extension = "104"\nemail = "Sales@office.example"\n'
    async with office(
        tmp_path, scheme=TO_SALES, change=lambda text: text.replace('extension = "104"\n', mailed)
    ) as demo:
        await demo.phone("104")
        lit = await lamp(demo, "104", SUMMARY)
        await leave_message(demo)
        assert (await lit.until(lambda: lit.last.is_lit, within=1)).messages == (1, 0)


@virtual_time
async def test_rfc6665_4_2_2_the_lamp_goes_on_although_the_notify_is_lost_at_first(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        for _ in range(3):
            demo.network.drop_next(lambda wire: wire.startswith(b"NOTIFY"))
        await leave_message(demo)
        await lit.until(lambda: lit.last.is_lit, within=5)
        await leave_message(demo)
        assert (await lit.until(lambda: lit.last.messages[0] == 2, within=1)).messages == (2, 0)


@virtual_time
async def test_rfc6665_4_2_2_a_phone_that_is_gone_is_dropped_and_costs_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_SALES) as demo:
        await demo.phone("101")
        lit = await lamp(demo, "101", SUMMARY)
        lit.answers_with = None
        await leave_message(demo)
        await demo.settled()
        assert len(demo.server.lamps.notifier) == 0


@virtual_time
async def test_rfc6665_4_4_1_after_a_restart_a_phone_subscribes_anew_and_its_lamp_is_right(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_SALES) as before:
        await before.phone("101")
        lit = await lamp(before, "101", SUMMARY)
        await leave_message(before)
        await lit.until(lambda: lit.last.is_lit, within=1)
        stopping = asyncio.create_task(before.server.endpoint.close())
        told = await lit.next(within=1)
        assert told.state == "terminated;reason=probation;retry-after=5"
        await stopping
    async with office(tmp_path, scheme=TO_SALES) as after:
        await after.phone("101", port=5111)  # its REGISTER is another one than before
        again = await lamp(after, "101", SUMMARY)
        assert again.last.messages == (1, 0)


@virtual_time
async def test_rfc6665_8_2_2_options_and_refusals_say_what_can_be_watched(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phone = await demo.softphone("asks", 6002)
        for method, status in (("OPTIONS", 200), ("PUBLISH", 405)):
            answer = await phone.endpoint.request(Request(method, "sip:127.0.0.1"), SERVER)
            assert (answer.status, answer.headers.get("Allow-Events")) == (status, "dialog, message-summary")
            assert "SUBSCRIBE" in answer.option_tags("Allow")
