"""One's own messages by phone: heard in turn, kept or deleted, and the lamp follows."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.sip.uri import parse_uri
from b2bua.store.calls import CallOutcome
from b2bua.store.messages import Message
from b2bua.store.story import story
from media.codecs.g711 import PCMA
from media.tones import tone
from media.wav import WavWriter
from tests.calls.test_lamp_messages import SUMMARY, TO_SALES, leave_message, say_message
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, SERVER, Office
from tests.harness.prompts import Ears, marked_office, names
from tests.harness.watcher import Watching, lamp

VOICE_HZ = 700.0


@dataclass
class Desk:
    """A person at a phone whose lamp is watched."""

    demo: Office
    ears: Ears
    phone: Softphone
    lit: Watching

    async def dial(self, number: str = "*97") -> CalleeLeg:
        """Return the call to one's messages, answered."""
        placed = await self.demo.call_from(self.phone, "101", number)
        return await placed.answered(within=2)

    def heard(self, leg: CalleeLeg) -> list[str]:
        """Return the prompts heard by now."""
        return names(self.ears.heard(leg.media))

    async def messages(self) -> list[Message]:
        """Return the messages, the oldest first."""
        return (await self.demo.server.store.messages.latest())[::-1]

    async def press(self, leg: CalleeLeg, key: str) -> None:
        """Press a key, once it can be heard."""
        leg.media.send_digits(key)
        await asyncio.sleep(0.3)


@asynccontextmanager
async def desk(folder: Path, *, messages: int, age_s: float = 0.0) -> AsyncIterator[Desk]:
    """Run an office in which so many messages wait for Anna, left a minute apart, the last so long ago."""
    async with marked_office(folder, scheme=TO_SALES) as (demo, ears):
        for _ in range(messages):
            await leave_message(demo)
        await asyncio.sleep(age_s)
        phone = await demo.phone("101")
        yield Desk(demo, ears, phone, await lamp(demo, "101", SUMMARY))


@virtual_time
async def test_one_hears_how_many_wait_and_each_with_its_caller_and_age_and_the_lamp_goes_off(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, messages=1, age_s=2 * 3600.0) as anna:
        leg = await anna.dial()
        voice_at = await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        said = anna.heard(leg)
        assert said[:3] == ["messages-you-have", "number-1", "message-new-one"]
        assert said[3:5] == ["message-from", "plus"]
        assert said[-3:] == ["number-2", "hour-many", "ago"]
        assert anna.lit.last.is_lit  # not heard to its end yet
        told = await anna.lit.until(lambda: not anna.lit.last.is_lit, within=10)
        assert 2.5 < told.at - voice_at < 4.5
        assert told.messages == (0, 1)
        await asyncio.wait({leg.ended}, timeout=60)
        assert anna.heard(leg)[-2:] == ["message-keys", "messages-end"]
        assert leg.ended.done()
        call = (await anna.demo.stories())[-1]
        assert (call.outcome, call.call.direction) == (CallOutcome.SELF_SERVED, "internal")
        assert "heard the message of +48500600700" in story(call)
        await anna.lit.stop()
        await anna.demo.settled()


@virtual_time
async def test_who_hangs_up_before_the_end_of_a_message_leaves_it_new(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=1) as anna:
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        leg.hang_up()
        await asyncio.sleep(30)
        assert anna.lit.last.messages == (1, 0)
        assert [message.heard_at for message in await anna.messages()] == [None]


@pytest.mark.parametrize("key", ["2", "#"])
@virtual_time
async def test_a_skipped_message_counts_as_heard_at_once_and_the_next_one_follows(
    tmp_path: Path, key: str
) -> None:
    async with desk(tmp_path, messages=2) as anna:
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        await anna.press(leg, key)
        assert anna.lit.last.messages == (1, 1)
        await anna.ears.until_prompt(leg.media, "message-from", within=2)
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        leg.hang_up()


@virtual_time
async def test_1_plays_a_message_again_without_its_introduction(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=1) as anna:
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        await anna.press(leg, "1")
        since = anna.demo.now
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=2)
        await asyncio.sleep(3)
        assert anna.ears.heard(leg.media, since=since) == []
        leg.hang_up()


@virtual_time
async def test_7_deletes_a_message_whose_recording_stays(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=2) as anna:
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        await anna.press(leg, "7")
        await anna.ears.until_prompt(leg.media, "message-deleted", within=2)
        assert anna.lit.last.messages == (1, 0)
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        leg.hang_up()
        first, second = await anna.messages()
        assert first.deleted_at is not None
        assert second.deleted_at is None
        assert first.path.is_file()
        assert "deleted the message of" in story((await anna.demo.stories())[-1])
        again = await anna.dial()
        await anna.ears.until_tone(again.media, VOICE_HZ, within=40)
        assert anna.heard(again)[:3] == ["messages-you-have", "number-1", "message-new-one"]
        again.hang_up()


@virtual_time
async def test_a_star_ends_it_whenever_it_is_pressed(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=1) as anna:
        for wait_s in (0.5, 8.0):
            leg = await anna.dial()
            await asyncio.sleep(wait_s)
            await anna.press(leg, "*")
            async with asyncio.timeout(2):
                await leg.ended
        assert anna.lit.last.messages == (1, 0)


@virtual_time
async def test_a_key_that_means_nothing_explains_the_keys_and_loses_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=1) as anna:
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        await anna.press(leg, "5")
        await anna.ears.until_prompt(leg.media, "message-keys", within=2)
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=20)
        assert anna.lit.last.messages == (1, 0)
        leg.hang_up()


@virtual_time
async def test_who_has_no_messages_is_told_so(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=0) as anna:
        leg = await anna.dial()
        await asyncio.wait({leg.ended}, timeout=30)
        assert anna.heard(leg) == ["messages-none-new", "messages-end"]


@virtual_time
async def test_a_message_that_comes_meanwhile_is_heard_too(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=1) as anna:
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        await anna.press(leg, "1")
        caller = await (await anna.demo.call_in(NUMBER)).answered(within=10)
        caller.hang_up()
        await anna.press(leg, "1")
        leaving = asyncio.create_task(say_message(anna.demo))
        while not leaving.done():
            await anna.press(leg, "1")
            await asyncio.sleep(1)
        await leaving
        await anna.press(leg, "2")
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        await asyncio.sleep(5)
        assert anna.lit.last.messages == (0, 2)
        leg.hang_up()


@virtual_time
async def test_a_recording_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    async with desk(tmp_path, messages=2) as anna:
        first, second = await anna.messages()
        await asyncio.to_thread(first.path.unlink)
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, VOICE_HZ, within=40)
        assert anna.lit.last.messages == (1, 1)
        assert second.path.is_file()
        leg.hang_up()


@virtual_time
async def test_nobody_outside_hears_messages_neither_by_dialling_nor_by_being_sent_there(
    tmp_path: Path,
) -> None:
    scheme = f'[[step]]\nring = ["101"]\n{TO_SALES}'
    async with marked_office(tmp_path, scheme=scheme) as (demo, ears):
        anna = await demo.phone("101", Habit(answers_after=1.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        leg = (await anna.invited(within=5)).leg
        await asyncio.sleep(1)
        assert leg.session is not None
        assert await leg.session.refer(parse_uri(f"sip:*97@{SERVER.host}")).result == 603
        assert caller.is_up
        caller.hang_up()
        outside = await demo.call_in("*97")
        await asyncio.sleep(5)
        assert not [one for one in names(ears.heard(outside.leg.media)) if one.startswith("messages")]
        await outside.close()


def _with_number(number: str, text: str) -> str:
    return text.replace("[office]\n", f'[office]\nvoicemail-number = "{number}"\n', 1)


@virtual_time
async def test_another_number_can_be_chosen_or_none(tmp_path: Path) -> None:
    for number, other in (("8000", "*97"), ("", "*97")):
        folder = tmp_path / (number or "none")
        folder.mkdir()
        change = functools.partial(_with_number, number)
        async with marked_office(folder, change=change) as (demo, _):
            anna = await demo.phone("101")
            if number:
                await (await demo.call_from(anna, "101", number)).answered(within=2)
            with pytest.raises(CallRefused):
                await (await demo.call_from(anna, "101", other)).answered(within=40)


@virtual_time
async def test_6_and_4_leap_forward_and_back_in_a_message_and_beyond_its_end_it_is_heard(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, messages=1) as anna:
        [message] = await anna.messages()
        parts = [tone((hz,), 5.0, 8000) for hz in (500.0, 620.0, 800.0)]
        with WavWriter(message.path, 8000) as writer:
            writer.append(PCMA().encode(np.concatenate(parts)))
        leg = await anna.dial()
        await anna.ears.until_tone(leg.media, 500.0, within=40)
        for key, hz in (("6", 620.0), ("6", 800.0), ("4", 620.0), ("4", 500.0), ("4", 500.0), ("6", 620.0)):
            await anna.press(leg, key)
            await anna.ears.until_tone(leg.media, hz, within=0.5)
        assert anna.lit.last.is_lit
        await anna.press(leg, "6")
        await anna.press(leg, "6")
        await anna.ears.until_prompt(leg.media, "message-keys", within=2)
        assert not anna.lit.last.is_lit
        leg.hang_up()
