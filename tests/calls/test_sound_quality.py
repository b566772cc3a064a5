"""How the sound of each party was stands in the journal, and `b2bua calls --show` tells it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from b2bua.call.leg import Leg
from b2bua.cli.app import app
from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallStory
from b2bua.store.quality import leg_in_words
from media.commands import Tone
from tests.calls.test_transfer import refer
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, TO_ANNA, Office, office

ANSWERS = Habit(answers_after=1.0)
TALKS = [Tone((400.0,), 1.0)]


async def story_of(run: Office) -> CallStory:
    [call] = await run.stories()
    told = await run.server.store.journal.call(call.call.call_id)
    assert told is not None
    return told


async def talk(run: Office, *, is_caller_heard: bool = True, seconds: float = 20.0) -> tuple[Leg, Leg]:
    """Let a customer and 101 talk, and the customer hang up."""
    anna = await run.phone("101", ANSWERS)
    caller = await (await run.call_in(NUMBER)).answered(within=20)
    phone = (await anna.invited(within=5)).leg
    phone.loop(TALKS)
    if is_caller_heard:
        caller.loop(TALKS)
    await asyncio.sleep(seconds)
    caller.hang_up()
    return caller, phone


def lose_one_in(count: int, run: Office, *, of_port: int) -> None:
    """Let every ``count``-th packet from the phone at that RTP port be lost."""
    seen = [0]

    def is_lost(_packet: bytes, source: tuple[str, int], _destination: tuple[str, int]) -> bool:
        if source[1] != of_port:
            return False
        seen[0] += 1
        return seen[0] % count == 0

    run.rtp.drop = is_lost


@virtual_time
async def test_caller_and_callee_are_measured_at_the_end_of_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        await talk(run)
        caller, anna = (await story_of(run)).legs
        assert (anna.who, anna.is_caller, anna.codec, anna.is_encrypted) == (
            "Anna Nowak",
            False,
            "PCMA",
            False,
        )
        assert (caller.who, caller.is_caller) == ("the caller", True)
        for each in (anna, caller):
            assert each.packets == pytest.approx(1000, abs=20)
            assert each.lost == 0
            assert each.seconds == pytest.approx(20, abs=1.5)
            assert each.round_trip_ms == pytest.approx(2, abs=1)
            assert each.mos is not None
            assert each.mos >= 4.3
        await run.settled()


@virtual_time
async def test_packets_that_were_lost_are_told_and_lower_the_score(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        lose_one_in(10, run, of_port=30002)
        await talk(run)
        legs = (await story_of(run)).legs
        [hurt] = [each for each in legs if each.lost]
        assert hurt.loss == pytest.approx(0.1, abs=0.01)
        assert hurt.mos is not None
        assert hurt.mos < 3.8


@virtual_time
async def test_a_party_that_was_not_heard_any_more_at_the_end_is_told_with_how_long(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        anna = await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        phone = (await anna.invited(within=5)).leg
        phone.loop(TALKS)
        caller.loop(TALKS)
        await asyncio.sleep(5)
        phone.media.stop()
        await asyncio.sleep(12)
        caller.hang_up()
        heard, lost = (await story_of(run)).legs
        assert heard.silent_s < 0.5
        assert lost.silent_s == pytest.approx(12, abs=0.5)
        assert "nothing came in the last 12 s" in leg_in_words(lost)


@virtual_time
async def run_one_way(folder: Path) -> None:
    async with office(folder, scheme=TO_ANNA) as run:
        await talk(run, is_caller_heard=False)
        await run.stories()


def test_one_way_audio_is_said_in_words(tmp_path: Path) -> None:
    run_one_way(tmp_path)
    shown = CliRunner().invoke(app, ["calls", str(tmp_path / "office.toml"), "--show", "last"])
    assert shown.exit_code == 0, shown.output
    story, caller, anna = shown.output.splitlines()
    assert "talked with Anna Nowak" in story
    assert anna.strip().startswith("Anna Nowak: PCMA, 0.0 % lost, jitter ")
    assert "MOS 4.4" in anna
    assert "nothing was sent there" in anna
    assert "nothing was heard from the caller" in caller


@virtual_time
async def test_after_a_transfer_everybody_who_answered_is_in_the_story(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        anna, piotr = await run.phone("101", ANSWERS), await run.phone("102", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        first = (await anna.invited(within=5)).leg
        await asyncio.sleep(2)
        assert await refer(first, "102").result == 200
        second = (await piotr.invited(within=5)).leg
        second.loop(TALKS)
        await asyncio.sleep(5)
        caller.hang_up()
        legs = (await story_of(run)).legs
        assert [each.who for each in legs] == ["the caller", "Anna Nowak", "Piotr Zieliński"]
        assert legs[1].is_unheard
        assert legs[2].packets > 200


@virtual_time
async def test_whoever_leaves_a_message_is_measured_too(tmp_path: Path) -> None:
    async with office(tmp_path) as run:
        caller = await (await run.call_in("+48221230005")).answered(within=20)
        caller.loop(TALKS)
        await asyncio.sleep(60)
        caller.hang_up()
        await run.stories()
        await asyncio.sleep(1)
        [measured] = (await story_of(run)).legs
        assert measured.is_caller
        assert measured.packets > 2500


@virtual_time
async def test_a_call_that_nobody_answered_has_no_sound_to_tell_of(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        await run.phone("101")
        placed = await run.call_in(NUMBER)
        await asyncio.sleep(5)
        await placed.close()
        assert (await story_of(run)).legs == ()
