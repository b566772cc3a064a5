"""``kill -9`` of the media worker in the middle of calls: nobody is lost, most miss half a second."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import CallRefused, Habit
from b2bua.errors import NotAcceptable
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from media.memory import MemoryRtpNetwork
from media.sdp.crypto import SrtpPolicy
from media.sdp.model import SessionDescription
from tests.calls.test_transfer import dialog_of, refer
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import NUMBER, TO_ANNA, Office, assert_both_hear, office, reinvite

START_S = 0.6
"""How long a worker takes to start."""
MENU, QUEUE, VOICEMAIL = "+48221230003", "+48221230004", "+48221230005"
VOICE_HZ = 1700.0


async def talking(demo: Office) -> tuple[Leg, Leg]:
    """Return the caller's end and the phone's end of a conversation."""
    anna = await demo.phone("101", Habit(answers_after=1))
    caller = await (await demo.call_in(NUMBER)).answered(within=5)
    return caller, anna.invitations[0].leg


def steal(rtp: MemoryRtpNetwork, *addresses: tuple[str, int]) -> None:
    """Let another program have the ports before the next worker wants them."""
    for address in addresses:
        rtp.bind(address, lambda content, source: None)


def office_ports(*legs: Leg) -> list[tuple[str, int]]:
    """Return where the office hears each of ``legs``, which are the far ends."""
    addresses = [leg.media.agreement.remote for leg in legs if leg.media.agreement is not None]
    return [address for address in addresses if address is not None]


async def crash_and_steal(demo: Office, *legs: Leg) -> None:
    """Let the worker die, and its ports for ``legs`` be gone when the next one starts."""
    ports = office_ports(*legs)
    demo.crash_media()
    steal(demo.rtp, *ports)
    await asyncio.sleep(START_S)


@virtual_time(limit_s=600)
async def test_two_who_talk_hear_each_other_again_and_nobody_is_told_of_it(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=START_S) as demo:
        caller, phone = await talking(demo)
        await assert_both_hear(caller, phone, tmp_path, name="-before")
        sent = len(demo.network.log)
        demo.crash_media()
        await asyncio.sleep(START_S + 0.2)
        await assert_both_hear(caller, phone, tmp_path, name="-after")
        assert len(demo.network.log) == sent
        caller.hang_up()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_call_outlives_two_workers_and_digits_work_afterwards(tmp_path: Path) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        caller = await (await demo.call_in(MENU)).answered(within=5)
        for _ in range(2):
            await asyncio.sleep(1)
            demo.crash_media()
        await asyncio.sleep(2)
        caller.media.send_digits("1")
        await anna.invited(within=5)
        await asyncio.sleep(2)
        await assert_both_hear(caller, anna.invitations[0].leg, tmp_path)


@virtual_time(limit_s=600)
async def test_of_three_deaths_within_a_minute_only_those_die_who_saw_all_and_are_said_to_have_lost_the_sound(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        await demo.phone("101", Habit(answers_after=None))
        early = [await (await demo.call_in(each)).answered(within=5) for each in (MENU, QUEUE)]
        for _ in range(2):
            demo.crash_media()
            await asyncio.sleep(START_S + 1)
        late = await (await demo.call_in(MENU)).answered(within=5)
        demo.crash_media()
        await asyncio.wait({leg.ended for leg in early})
        await asyncio.sleep(START_S + 1)
        assert late.is_up
        late.hang_up()
        menu, queue, last = (story(call) for call in await demo.stories())
        assert menu == "the sound was lost; call back"
        assert "waited 3 s in the queue sales, the sound was lost; " in queue
        assert "hung up" in last
        assert not any("hung up" in each for each in (menu, queue))
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_prompt_goes_on_where_the_worker_died(tmp_path: Path) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        caller = await (await demo.call_in(MENU)).answered(within=5)
        recording = caller.media.record(tmp_path / "whole.wav")
        await asyncio.sleep(4)
        whole = Hearing.of_file((await recording.stop()).path)
        caller.hang_up()
        caller = await (await demo.call_in(MENU)).answered(within=5)
        recording = caller.media.record(tmp_path / "cut.wav")
        await asyncio.sleep(1.5)
        demo.crash_media()
        await asyncio.sleep(2.5)
        cut = Hearing.of_file((await recording.stop()).path)
    after = cut.between(2.5 + START_S, 3.25 + START_S).pcm.tolist()
    assert max(after) > 5000
    starts = [2.5 + number * 0.02 for number in range(-5, 6)]
    assert any(whole.between(start, start + 0.75).pcm.tolist() == after for start in starts)


@virtual_time(limit_s=600)
async def test_v7_a_message_keeps_what_was_said_before_and_after(tmp_path: Path) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        caller = await (await demo.call_in(VOICEMAIL)).answered(within=5)
        caller.media.send_digits("#")
        await asyncio.sleep(1.5)
        for hertz in (900.0, 1400.0):
            await caller.play([Tone((hertz,), 2.0)])
            if hertz == 900.0:
                demo.crash_media()
                await asyncio.sleep(START_S + 0.1)
        caller.media.send_digits("#")
        await asyncio.sleep(3)
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.MESSAGE
        (path,) = (tmp_path / "data" / "voicemail").rglob("*.wav")
        hearing = Hearing.of_file(path)
        [before], [after] = hearing.spans_of(900.0), hearing.spans_of(1400.0)
        assert before.seconds > 1.4
        assert after.seconds > 1.8
        assert before.until <= after.at
        assert hearing.clipping() == []


@virtual_time(limit_s=600)
async def test_rfc3264_8_3_1_where_the_ports_are_gone_a_reinvite_tells_both_far_ends_others(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=START_S) as demo:
        caller, phone = await talking(demo)
        before = office_ports(caller, phone)
        await crash_and_steal(demo, caller, phone)
        await asyncio.sleep(0.5)
        assert not set(before) & set(office_ports(caller, phone))
        await assert_both_hear(caller, phone, tmp_path)
        caller.hang_up()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        await demo.settled()


@pytest.mark.parametrize("party", [0, 1])
@virtual_time(limit_s=600)
async def test_a_far_end_that_refuses_to_follow_ends_the_talk_and_the_caller_is_owed_a_call_back(
    tmp_path: Path, party: int
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=START_S) as demo:
        legs = await talking(demo)
        session = legs[party].session
        assert session is not None
        session.on_offer = refuse
        await crash_and_steal(demo, *legs)
        async with asyncio.timeout(3):
            await asyncio.wait({leg.ended for leg in legs}, return_when=asyncio.ALL_COMPLETED)
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.PROMISE
        assert "talked with Anna Nowak" in story(call)
        assert "until the sound was lost" in story(call)
        await demo.settled()


def refuse(_offer: bytes) -> bytes:
    raise NotAcceptable("not now")


@virtual_time(limit_s=600)
async def test_a_listener_who_cannot_follow_is_owed_a_call_back(tmp_path: Path) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        caller = await (await demo.call_in(QUEUE)).answered(within=5)
        assert caller.session is not None
        caller.session.on_offer = refuse
        await crash_and_steal(demo, caller)
        async with asyncio.timeout(3):
            await asyncio.wait({caller.ended})
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.PROMISE


@virtual_time(limit_s=600)
async def test_rfc3261_14_1_a_far_end_that_holds_at_the_same_moment_follows_a_little_later(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=START_S) as demo:
        caller, phone = await talking(demo)
        await crash_and_steal(demo, caller, phone)
        await reinvite(phone, "sendrecv")
        await asyncio.sleep(5)
        assert demo.packets("SIP/2.0 491")
        await assert_both_hear(caller, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_a_caller_who_still_rings_is_answered_at_the_new_address(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=START_S) as demo:
        anna = await demo.phone("101", Habit(answers_after=4))
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        ports = [leg.address for leg in demo.server.engine.slots[0].legs.values()]
        demo.crash_media()
        steal(demo.rtp, *ports)
        caller = await call.answered(within=8)
        await asyncio.sleep(1)
        phone = anna.invitations[0].leg
        assert not set(ports) & set(office_ports(caller, phone))
        await assert_both_hear(caller, phone, tmp_path)
        assert len(demo.packets("INVITE", to_port=5101)) == 2  # the phone's address went out with the first
        assert len(demo.packets("INVITE", from_port=5060)) == 2


@pytest.mark.parametrize("is_stolen", [False, True])
@virtual_time(limit_s=600)
async def test_sound_before_the_answer_goes_on_too_or_where_the_ports_are_gone_with_the_answer(
    tmp_path: Path, is_stolen: bool
) -> None:
    async with office(tmp_path, worker_starts_in=START_S) as demo:
        anna = await demo.phone("101")
        mobiles = await demo.mobiles(Habit(plays_early=(Tone((VOICE_HZ,), 1.0),), answers_after=6))
        call = await demo.call_from(anna, "101", "600 100 300")
        recording = call.leg.media.record(tmp_path / "early.wav")
        await asyncio.sleep(2)
        ports = [leg.address for leg in demo.server.engine.slots[0].legs.values()]
        demo.crash_media()
        if is_stolen:
            steal(demo.rtp, *ports)
        caller = await call.answered(within=8)
        early_s = Hearing.of_file((await recording.stop()).path).seconds_of(VOICE_HZ)
        assert (early_s < 2.4) if is_stolen else (early_s > 5.0)  # of 6 s
        await asyncio.sleep(1)
        await assert_both_hear(caller, mobiles.invitations[0].leg, tmp_path)


@virtual_time(limit_s=600)
async def test_srtp_begins_with_new_keys_in_the_next_worker(tmp_path: Path) -> None:
    def secured(text: str) -> str:
        return text.replace("[sip]\n", '[sip]\nsrtp = "required"\n')

    async with office(tmp_path, scheme=TO_ANNA, change=secured, worker_starts_in=START_S) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        anna.profile = SoundProfile(srtp=SrtpPolicy.REQUIRED)
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        phone = anna.invitations[0].leg
        await assert_both_hear(caller, phone, tmp_path, name="-before")
        demo.crash_media()
        await asyncio.sleep(START_S + 1)
        await assert_both_hear(caller, phone, tmp_path, name="-after")
        first, second = (
            SessionDescription.parse(packet.wire.partition(b"\r\n\r\n")[2]).media[0].attribute("crypto")
            for packet in demo.packets("INVITE", to_port=5101)
        )
        assert first != second


@virtual_time(limit_s=600)
async def test_callers_who_come_while_there_is_no_worker_are_served_by_the_next(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=START_S) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        demo.crash_media()
        caller = await (await demo.call_in(NUMBER)).answered(within=3)
        await assert_both_hear(caller, anna.invitations[0].leg, tmp_path)
        caller.hang_up()


@virtual_time(limit_s=600)
async def test_callers_are_owed_a_call_back_when_no_other_worker_starts_in_3_s(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, worker_starts_in=3.5) as demo:
        await demo.phone("101")
        call = await demo.call_in(NUMBER)
        waiting = await (await demo.call_in(QUEUE)).answered(within=5)
        demo.crash_media()
        gone = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        await gone.close()
        with pytest.raises(CallRefused, match="503"):
            await call.answered(within=2.1)
        assert not waiting.is_up
        stories = await demo.stories()
        assert [each.outcome for each in stories] == [CallOutcome.PROMISE] * 3
        assert story(stories[2]) == "hung up before there was sound for them; call back"


@virtual_time(limit_s=600)
async def test_one_of_two_workers_takes_only_its_own_calls_along(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, workers=2, worker_starts_in=START_S) as demo:
        caller, phone = await talking(demo)
        waiting = await (await demo.call_in("+48221230007")).answered(within=5)
        slots = demo.server.engine.slots
        assert [slot.load for slot in slots] == [2, 1]
        await asyncio.sleep(5)  # by then it was said that this is an echo
        waiting.loop([Tone((VOICE_HZ,), 1.0)])
        await asyncio.sleep(0.5)
        recording = waiting.media.record(tmp_path / "echo.wav")
        await asyncio.sleep(1)
        demo.crash_media(0)
        await asyncio.sleep(2)
        echo = Hearing.of_file((await recording.stop()).path)
        assert echo.seconds_of(VOICE_HZ) > 2.9
        assert echo.gaps() == []
        await assert_both_hear(caller, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_rfc3264_8_3_1_a_transfer_between_two_workers_moves_one_of_the_two_by_reinvite(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, workers=2) as demo:
        anna = await demo.phone("101")
        piotr, olena = [await demo.phone(number, Habit(answers_after=1)) for number in ("102", "103")]
        first = await (await demo.call_from(anna, "101", "102")).answered(within=10)
        second = await (await demo.call_from(anna, "101", "103")).answered(within=10)
        assert [slot.load for slot in demo.server.engine.slots] == [2, 2]
        assert await refer(first, "103", replaces=dialog_of(second)).result == 200
        await asyncio.sleep(1)
        assert sorted(slot.load for slot in demo.server.engine.slots) == [0, 2]
        invites = [len(demo.packets("INVITE", to_port=port)) for port in (5102, 5103)]
        assert sorted(invites) == [1, 2]
        await assert_both_hear(piotr.invitations[0].leg, olena.invitations[0].leg, tmp_path)
