"""Rows Q8 and D6: agents hear how long the caller has waited, who hears music until they are connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.call.caller import CallerLeg
from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from tests.calls.test_rows_q_queue import positions, queue_with, takes, waiting
from tests.harness.clock import virtual_time
from tests.harness.office import Office
from tests.harness.prompts import Ears, marked_office, names

AGENT_HZ, CALLER_HZ = 700.0, 1160.0
CONNECTED_WITHIN_S = 0.1


def whispering(language: str = "en", **settings: str) -> Callable[[str], str]:
    """Return what lets the queue's agents hear how long callers waited."""
    queue = queue_with(**{"whisper": "true", "max-wait": '"5m"', **settings})
    return lambda text: queue(text).replace('language = "en"', f'language = "{language}"', 1)


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent who has just taken the call of somebody who waited; both say a tone of their own."""

    caller: CalleeLeg
    agent: CallerLeg
    at: float
    """When, as the loop counts."""


async def answered(demo: Office, *, after: float, habit: Habit | None = None) -> Answered:
    """Let a caller wait for ``after`` seconds until the only agent, who talks till then, answers."""
    anna = await demo.phone("101", takes(0.2))
    busy = await waiting(demo, 90)
    await anna.invited(within=1)
    await asyncio.sleep(1)
    anna.habit = habit or takes(1.0)
    caller = await waiting(demo)
    joined = demo.now
    await asyncio.sleep(after - 1.0)
    busy.hang_up()
    agent = (await anna.invited(2, within=0.5)).leg
    await demo.until(lambda: agent.is_answered, within=3)
    at = demo.now
    assert at - joined == pytest.approx(after, abs=0.3)
    agent.loop([Tone((AGENT_HZ,), 1.0)])
    caller.loop([Tone((CALLER_HZ,), 1.0)])
    return Answered(caller, agent, at)


def assert_music_until(ears: Ears, leg: CalleeLeg, *, since: float, until: float) -> None:
    """Check that music was heard without a break, and nothing else."""
    music = ears.music(leg.media, since=since)
    assert music[0].at - since < 0.05
    assert music[-1].until == pytest.approx(until, abs=CONNECTED_WITHIN_S)
    assert all(later.at - earlier.until < 0.05 for earlier, later in pairwise(music))
    assert ears.heard(leg.media, since=since) == []


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        ("en", ["caller-waited", "number-2", "minute-many"]),
        ("pl", ["caller-waited", "number-2-feminine", "minute-few"]),
        ("ru", ["caller-waited", "number-2-feminine", "minute-few"]),
        ("uk", ["caller-waited", "number-2-feminine", "minute-few"]),
    ],
)
@virtual_time(limit_s=900)
async def test_row_q8_the_agent_hears_the_wait_and_the_caller_music_until_they_are_connected(
    language: str, spoken: list[str], tmp_path: Path
) -> None:
    change = whispering(language, **{"announce-every": '"41s"'})
    async with marked_office(tmp_path, change=change) as (demo, ears):
        talk = await answered(demo, after=120.0)
        await asyncio.sleep(8)
        whisper = ears.heard(talk.agent.media, since=talk.at)
        assert names(whisper) == spoken
        assert whisper[0].at - talk.at < CONNECTED_WITHIN_S
        over = whisper[-1].until
        assert ears.tone(talk.agent.media, CALLER_HZ)[0] - over < CONNECTED_WITHIN_S
        assert ears.tone(talk.caller.media, AGENT_HZ)[0] - over < CONNECTED_WITHIN_S
        assert ears.tone(talk.caller.media, AGENT_HZ)[0] >= over - 0.02
        assert_music_until(ears, talk.caller, since=talk.at + 0.05, until=over)
        talk.caller.hang_up()
        await asyncio.sleep(1)


@pytest.mark.parametrize("key_after", [0.1, 0.7])
@virtual_time(limit_s=900)
async def test_row_q8_any_key_of_the_agent_ends_the_whisper_and_connects(
    key_after: float, tmp_path: Path
) -> None:
    async with marked_office(tmp_path, change=whispering()) as (demo, ears):
        talk = await answered(demo, after=40.0)
        await asyncio.sleep(key_after)
        talk.agent.media.stop()
        pressed = demo.now
        talk.agent.media.send_digits("5")
        connected = await ears.until_tone(talk.agent.media, CALLER_HZ, within=2)
        assert connected - pressed < CONNECTED_WITHIN_S
        assert talk.agent.is_up
        await asyncio.sleep(3)
        assert ears.heard(talk.agent.media, since=connected) == []
        talk.agent.loop([Tone((AGENT_HZ,), 1.0)])
        await ears.until_tone(talk.caller.media, AGENT_HZ, within=0.2)
        talk.caller.hang_up()
        await asyncio.sleep(1)


@pytest.mark.parametrize("into_the_announcement", [0.3, 1.0])
@virtual_time(limit_s=900)
async def test_row_d6_the_answer_cuts_an_announcement_before_a_whisper_too(
    into_the_announcement: float, tmp_path: Path
) -> None:
    async with marked_office(tmp_path, change=whispering()) as (demo, ears):
        talk = await answered(demo, after=15.0 + into_the_announcement)
        await asyncio.sleep(10)
        assert ears.heard(talk.caller.media, since=talk.at - 0.2), "an announcement was under way"
        assert ears.heard(talk.caller.media, since=talk.at + CONNECTED_WITHIN_S) == []
        whisper = ears.heard(talk.agent.media, since=talk.at)
        assert_music_until(ears, talk.caller, since=talk.at + CONNECTED_WITHIN_S, until=whisper[-1].until)
        talk.caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q8_no_announcement_comes_into_the_whisper(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=whispering()) as (demo, ears):
        talk = await answered(demo, after=29.5)
        await asyncio.sleep(10)
        whisper = ears.heard(talk.agent.media, since=talk.at)
        assert talk.at + 0.5 < whisper[-1].until, "the time of an announcement passed meanwhile"
        assert_music_until(ears, talk.caller, since=talk.at + 0.05, until=whisper[-1].until)
        talk.caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q8_an_agent_who_hangs_up_while_being_told_leaves_the_caller_in_line(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path, change=whispering()) as (demo, ears):
        talk = await answered(demo, after=40.0)
        second = await waiting(demo, 1)
        await asyncio.sleep(1)
        left = demo.now
        talk.agent.hang_up()
        again = await demo.phones["101"].invited(3, within=7)
        assert again.at - left == pytest.approx(5.0, abs=0.5), "they rest like one who declined"
        await asyncio.sleep(30)
        talk.caller.hang_up()
        await asyncio.sleep(1)
        assert next(place for _, place in positions(ears.heard(second.media))) == 2
        second.hang_up()
        await demo.people_leave()
        await demo.settled()
        told = next(each for each in await demo.stories() if each.call.caller.endswith("600000"))
        assert told.outcome is CallOutcome.TALKED
        assert "hung up before the caller was connected" in story(told)


@virtual_time(limit_s=900)
async def test_row_q8_the_longest_wait_does_not_end_a_whisper(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=whispering(**{"max-wait": '"40s"'})) as (demo, ears):
        talk = await answered(demo, after=39.8)
        connected = await ears.until_tone(talk.caller.media, AGENT_HZ, within=8)
        assert connected - talk.at > 1.0, "the wait was over by then"
        talk.caller.hang_up()
        await asyncio.sleep(1)
        assert {each.outcome for each in await demo.stories()} == {CallOutcome.TALKED}


@virtual_time(limit_s=900)
async def test_row_q8_the_longest_wait_ends_the_wait_after_a_whisper_in_vain(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=whispering(**{"max-wait": '"40s"'})) as (demo, ears):
        talk = await answered(demo, after=39.8)
        await asyncio.sleep(1)
        left = demo.now
        talk.agent.hang_up()
        greeted = await ears.until_prompt(talk.caller.media, "voicemail-greeting-working", within=3)
        assert greeted - left < 0.5
        talk.caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_q8_a_caller_who_hangs_up_ends_the_whisper_and_frees_the_agent(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=whispering()) as (demo, _):
        talk = await answered(demo, after=40.0)
        await asyncio.sleep(1)
        gone = demo.now
        talk.caller.hang_up()
        await demo.until(lambda: not talk.agent.is_up, within=0.2)
        await waiting(demo, 1)
        assert (await demo.phones["101"].invited(3, within=0.5)).at - gone < 0.5
        await demo.people_leave()
        await demo.settled()
        told = next(each for each in await demo.stories() if each.call.caller.endswith("600000"))
        assert told.outcome is CallOutcome.PROMISE


@virtual_time(limit_s=900)
async def test_row_q8_without_whisper_they_are_connected_at_once(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=whispering(whisper="false")) as (demo, ears):
        talk = await answered(demo, after=40.0)
        assert await ears.until_tone(talk.caller.media, AGENT_HZ, within=1) - talk.at < CONNECTED_WITHIN_S
        await asyncio.sleep(5)
        assert ears.heard(talk.agent.media) == []
        talk.caller.hang_up()
        await asyncio.sleep(1)
