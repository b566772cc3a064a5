"""Row Q7: the office's own messages at their set interval, between music and the place in the queue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.calls.test_rows_q_queue import everybody_talks, queue_with, waiting
from tests.harness.clock import virtual_time
from tests.harness.prompts import Heard, marked_office, names

OWN = ("queue-thanks", "closed")
MESSAGES = {"messages": '["queue-thanks", "closed"]', "messages-every": '"20s"', "max-wait": '"180s"'}


def told(heard: list[Heard], since: float, *prompts: str) -> list[float]:
    """Return after how many seconds each of ``prompts`` began."""
    return [each.at - since for each in heard if each.prompt in prompts]


@virtual_time(limit_s=900)
async def test_row_q7_own_messages_are_heard_at_every_interval_in_turn(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=queue_with(**MESSAGES)) as (demo, ears):
        await everybody_talks(demo)
        joined = demo.now
        caller = await waiting(demo)
        await asyncio.sleep(85)
        heard = ears.heard(caller.media)
        assert [each.prompt for each in heard if each.prompt in OWN] == [*OWN, *OWN]
        assert told(heard, joined, *OWN) == [pytest.approx(20 * n, abs=0.5) for n in (1, 2, 3, 4)]
        places = told(heard, joined, "position-next")[1:]
        assert [round(at) for at in places if abs(at - 60) > 5] == [15, 30, 45, 75]
        [after_the_message] = [at for at in places if abs(at - 60) <= 5]
        [message] = [each for each in heard if each.prompt in OWN and abs(each.at - joined - 60) < 1]
        assert after_the_message == pytest.approx(message.until - joined, abs=0.1)
        assert ears.longest_gap(caller.media, since=joined + 0.3, until=demo.now) < 0.05


@virtual_time(limit_s=900)
async def test_row_q7_what_is_due_with_a_message_does_not_come_into_the_whisper(tmp_path: Path) -> None:
    together = {"announce-every": '"20s"', "messages": '"closed"', "messages-every": '"20s"'}
    change = queue_with(whisper="true", **together)
    async with marked_office(tmp_path, change=change) as (demo, ears):
        talks = await everybody_talks(demo)
        caller = await waiting(demo)
        await ears.until_prompt(caller.media, "closed", within=25)
        talks["101"].leg.hang_up()
        agent = await demo.phones["101"].invited(2, within=2)
        whispered = await ears.until_prompt(agent.leg.media, "caller-waited", within=5)
        await asyncio.sleep(1)
        assert names(ears.heard(caller.media, since=whispered + 0.2)) == []
        assert ears.music(caller.media, since=whispered + 0.2)


@virtual_time(limit_s=900)
@pytest.mark.parametrize(("greeting", "heard"), [("", []), ("welcome", ["welcome"])])
async def test_row_q10_a_queue_has_its_own_greeting_or_none(
    greeting: str, heard: list[str], tmp_path: Path
) -> None:
    quiet = {"announce-position": "false", "announce-wait": "false", "greeting": f'"{greeting}"'}
    async with marked_office(tmp_path, change=queue_with(**quiet)) as (demo, ears):
        await everybody_talks(demo)
        caller = await waiting(demo)
        await asyncio.sleep(20)
        assert names(ears.heard(caller.media)) == heard
        assert ears.music(caller.media)
