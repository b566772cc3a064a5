"""Calls that our own people place: to one another, to numbers outside, and those that are not theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit, PlacedCall
from b2bua.sip.message import parse_message
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import MOBILES, SERVER, assert_both_hear, office

FAR_HZ, RINGBACK_HZ = 1100.0, 425.0


def statuses(call: PlacedCall) -> list[int]:
    return [status for _, status in call.statuses]


@virtual_time(limit_s=600)
async def test_a_phone_calls_a_colleague_by_extension(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        piotr = await demo.phone("102", Habit(answers_after=2))
        call = await demo.call_from(anna, "101", "102")
        leg = await call.answered(within=4)
        assert statuses(call) == [180, 200]
        shown = parse_message(demo.packets("INVITE", to_port=5102)[0].wire).from_
        assert (shown.display, str(shown.uri)) == ("Anna Nowak", "sip:101@127.0.0.1")
        await assert_both_hear(leg, piotr.invitations[0].leg, tmp_path)
        piotr.invitations[0].leg.hang_up()
        await asyncio.sleep(0.1)
        assert not leg.is_up
        [call_story] = await demo.stories()
        assert call_story.call.direction == "internal"
        assert story(call_story) == "talked with Piotr Zieliński for 4 s"
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_phone_calls_out_and_hears_the_far_network_before_the_answer(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        await demo.mobiles(Habit(plays_early=(Tone((FAR_HZ,), 1.0),), rings_after=1, answers_after=5))
        call = await demo.call_from(anna, "101", "600 100 300")
        early = call.leg.media.record(tmp_path / "early.wav")
        leg = await call.answered(within=7)
        hearing = Hearing.of_file((await early.stop()).path)
        assert demo.packets("INVITE", to_port=MOBILES[1])[0].start_line.startswith("INVITE sip:+48600100300@")
        assert statuses(call) == [180, 183, 200]
        assert hearing.seconds_of(FAR_HZ) > 4.0  # of 5 s
        assert hearing.gaps() == []
        leg.hang_up()
        [call_story] = await demo.stories()
        assert call_story.call.direction == "out"
        assert call_story.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_busy_number_outside_is_busy_for_the_phone(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        await demo.mobiles(Habit(refuses_with=486, refuses_after=1))
        call = await demo.call_from(anna, "101", "+48600100300")
        with pytest.raises(CallRefused, match="486"):
            await call.answered(within=3)
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.UNANSWERED
        assert story(call_story) == "rang +48600100300 1 s, busy"
        await demo.settled()


@virtual_time(limit_s=600)
async def test_early_sound_followed_by_a_refusal_ends_in_that_refusal(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        early = Habit(plays_early=(Tone((FAR_HZ,), 1.0),), refuses_with=486, refuses_after=3)
        await demo.mobiles(early)
        call = await demo.call_from(anna, "101", "+48600100300")
        with pytest.raises(CallRefused, match="486"):
            await call.answered(within=5)
        assert statuses(call) == [180, 183, 486]
        await demo.settled()


@virtual_time(limit_s=600)
async def test_early_sound_followed_by_a_refusal_leads_to_the_next_step_with_ringing(tmp_path: Path) -> None:
    backup = '[[step]]\nring = ["+48600999888"]\n[[step]]\nring = ["102"]\n[[step]]\nvoicemail = "sales"\n'
    async with office(tmp_path, scheme=backup) as demo:
        anna = await demo.phone("101")
        await demo.phone("102", Habit(answers_after=12))
        await demo.mobiles(Habit(plays_early=(Tone((FAR_HZ,), 1.0),), refuses_with=503, refuses_after=4))
        call = await demo.call_from(anna, "101", "+48221239999")
        recording = call.leg.media.record(tmp_path / "heard.wav")
        leg = await call.answered(within=20)
        hearing = Hearing.of_file((await recording.stop()).path)
        [far], [ringback, *_] = hearing.spans_of(FAR_HZ), hearing.spans_of(RINGBACK_HZ)
        assert 0 <= ringback.at - far.until < 0.5
        assert leg.is_up
        leg.hang_up()
        [call_story] = await demo.stories()
        assert story(call_story).startswith(
            "rang +48600999888 4 s, the line could not put the call through; talked with"
        )
        await demo.settled()


@virtual_time(limit_s=600)
async def test_early_sound_takes_the_place_of_our_own_ringing_for_a_phone_that_was_answered(
    tmp_path: Path,
) -> None:
    backup = '[[step]]\nsay = "connected"\n[[step]]\nring = ["+48600999888"]\n[[step]]\nvoicemail = "sales"\n'
    async with office(tmp_path, scheme=backup) as demo:
        anna = await demo.phone("101")
        mobiles = await demo.mobiles(
            Habit(plays_early=(Tone((FAR_HZ,), 1.0),), rings_after=6, answers_after=9)
        )
        leg = await (await demo.call_from(anna, "101", "+48221239999")).answered(within=2)
        await mobiles.invited(within=10)
        recording = leg.media.record(tmp_path / "heard.wav")
        await asyncio.sleep(14)
        hearing = Hearing.of_file((await recording.stop()).path)
        ringback, [far] = hearing.spans_of(RINGBACK_HZ), hearing.spans_of(FAR_HZ)
        assert ringback[0].at < 1
        assert ringback[-1].until < 6.12 < far.at + 0.22
        assert far.seconds > 7.0
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_phone_without_the_right_password_gets_no_call_and_places_none(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        thief = await demo.softphone("thief", 5666)
        assert (await thief.register(SERVER, "101", "guessed")).status in (401, 403)
        call = await demo.call_in("+48221230001")
        await asyncio.sleep(1)
        assert thief.invitations == []
        await call.close()
        anna = await demo.phone("101")
        placed = await demo.call_from(anna, "101", "102", password="guessed")
        with pytest.raises(CallRefused, match=r"401|403"):
            await placed.answered(within=3)
        assert len(await demo.stories()) == 1


@virtual_time(limit_s=600)
async def test_a_caller_at_a_phone_who_gives_up_stops_the_far_end(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        mobiles = await demo.mobiles()
        call = await demo.call_from(anna, "101", "+48600100300")
        await asyncio.sleep(4)
        assert demo.server.channels.in_use("demo-out") == 1
        await call.close()
        await asyncio.sleep(0.1)
        assert not mobiles.invitations[0].leg.is_up
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.UNANSWERED
        await demo.settled()
