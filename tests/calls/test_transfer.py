"""Transfers by phones of the office: blind and attended (RFC 3515, RFC 3891, RFC 5589)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit
from b2bua.sip.replaces import Replaces
from b2bua.sip.session import OutgoingReferral
from b2bua.sip.uri import parse_uri
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.office import NUMBER, SERVER, TO_ANNA, Office, office, reinvite

ANSWERS = Habit(answers_after=1.0)
CALLER_HZ, PIOTR_HZ = 1700.0, 1400.0


def refer(leg: Leg, number: str, *, replaces: Replaces | None = None) -> OutgoingReferral:
    """Let a phone that talks over ``leg`` ask for a transfer to ``number``."""
    assert leg.session is not None
    return leg.session.refer(parse_uri(f"sip:{number}@{SERVER.host}"), replaces=replaces)


def dialog_of(leg: Leg) -> Replaces:
    """Return how the office knows the dialog that a phone's ``leg`` is the other end of."""
    assert leg.session is not None
    dialog = leg.session.dialog
    return Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag)


async def transferred_voices(caller: Leg, other: Leg, folder: Path) -> None:
    """Check that ``caller`` and ``other`` hear each other."""
    recordings = [leg.media.record(folder / f"{index}.wav") for index, leg in enumerate((caller, other))]
    caller.media.play([Tone((CALLER_HZ,), 2.0)])
    other.media.play([Tone((PIOTR_HZ,), 2.0)])
    await asyncio.sleep(2.5)
    heard = [Hearing.of_file((await recording.stop()).path) for recording in recordings]
    assert deaf(Party("caller", CALLER_HZ, heard[0]), Party("other", PIOTR_HZ, heard[1]), for_s=1.9) == []
    assert [(each.gaps(), each.clipping()) for each in heard] == [([], []), ([], [])]


@virtual_time
async def test_rfc3515_a_blind_transfer_lets_the_caller_talk_with_the_next_and_frees_the_first(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102", Habit(answers_after=3.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=20)
        first = (await anna.invited(within=5)).leg
        await asyncio.sleep(2)
        told: list[int] = []
        ours = refer(first, "102")
        ours.on_progress = told.append
        second = await piotr.invited(within=5)
        assert caller.is_up
        assert await ours.result == 200
        assert told == [100]
        await asyncio.sleep(0.5)
        assert not first.is_up
        assert demo.server.occupancy.is_free("anna", demo.now)
        assert not demo.server.occupancy.is_free("piotr", demo.now)
        await transferred_voices(caller, second.leg, tmp_path)
        caller.hang_up()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        assert "talked with Anna Nowak" in story(call)
        assert "talked with Piotr Zieliński" in story(call)
        await demo.settled()


@virtual_time
async def test_rfc3515_a_transferred_caller_whom_nobody_takes_goes_on_to_the_voicemail_of_that_extension(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102")
        caller, first = await demo.talk_with(anna)
        refer(first, "102")
        await piotr.invited(within=5)
        await asyncio.sleep(0.2)
        first.hang_up()  # as phones do that do not wait for the end of it
        await asyncio.sleep(60)
        caller.media.play([Tone((CALLER_HZ,), 5.0)])
        await asyncio.sleep(6)
        caller.hang_up()
        (call,) = await demo.stories()
        assert "left a message" in story(call)
        await demo.settled()


@virtual_time
async def test_rfc3515_a_number_that_fails_gives_the_caller_back_to_who_transferred_them(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, mobiles = await demo.phone("101", ANSWERS), await demo.mobiles(Habit(refuses_with=486))
        caller = await (await demo.call_in(NUMBER)).answered(within=20)
        first = (await anna.invited(within=5)).leg
        await reinvite(first, "sendonly")
        await asyncio.sleep(1)
        ours = refer(first, "+48600999777")
        await mobiles.invited(within=5)
        assert await ours.result == 486
        assert first.is_up
        assert not demo.server.occupancy.is_free("anna", demo.now)
        await reinvite(first, "sendrecv")
        await transferred_voices(caller, first, tmp_path)
        first.hang_up()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time
async def test_rfc3515_when_the_transferor_left_and_nobody_is_there_the_caller_goes_on_in_the_scheme(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, _ = (
            await demo.phone("101", ANSWERS),
            await demo.mobiles(Habit(refuses_with=486, refuses_after=5)),
        )
        caller, first = await demo.talk_with(anna)
        refer(first, "+48600999777")
        await asyncio.sleep(1)
        first.hang_up()
        await asyncio.sleep(30)
        assert caller.is_up
        caller.hang_up()
        (call,) = await demo.stories()
        talked, rang, asked = story(call).split("; ")
        assert (talked, rang) == ("talked with Anna Nowak for 1 s", "rang +48600999777 5 s, busy")
        assert asked == "was asked to leave a message (sales)"
        await demo.settled()


@virtual_time
async def test_rfc3515_an_unknown_target_or_a_stranger_is_refused_and_they_talk_on(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", ANSWERS)
        caller, first = await demo.talk_with(anna)
        assert await refer(caller, "102").result == 603
        assert first.session is not None
        assert await first.session.refer(parse_uri("sip:127.0.0.1")).result == 603
        await transferred_voices(caller, first, tmp_path)
        first.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3515_a_caller_who_hangs_up_while_being_transferred_stops_the_ringing(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102")
        caller, first = await demo.talk_with(anna)
        ours = refer(first, "102")
        ringing = await piotr.invited(within=5)
        await asyncio.sleep(1)
        caller.hang_up()
        await asyncio.wait_for(ringing.over, 1)
        assert await ours.result == 487
        await asyncio.wait_for(first.ended, 1)
        await demo.stories()
        await demo.settled()


async def consulting(demo: Office) -> tuple[Leg, Leg, Leg, Leg]:
    """Return a customer's leg, Anna's leg of that call, her leg of a call to Piotr, and his."""
    anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102", ANSWERS)
    customer, first = await demo.talk_with(anna)
    await reinvite(first, "sendonly")
    second = await (await demo.call_from(anna, "101", "102")).answered(within=10)
    await asyncio.sleep(1)
    return customer, first, second, (await piotr.invited(within=1)).leg


@virtual_time
async def test_rfc3891_an_attended_transfer_connects_the_two_and_lets_the_transferor_go(
    tmp_path: Path,
) -> None:
    for is_first_named in (False, True):
        folder = tmp_path / str(is_first_named)
        folder.mkdir()
        async with office(folder, scheme=TO_ANNA) as demo:
            customer, first, second, piotr = await consulting(demo)
            one, other = (second, first) if is_first_named else (first, second)
            ours = refer(one, "102", replaces=dialog_of(other))
            assert await ours.result == 200
            await asyncio.wait_for(asyncio.gather(first.ended, second.ended), 1)
            await asyncio.sleep(0.5)
            assert demo.server.occupancy.is_free("anna", demo.now)
            assert not demo.server.occupancy.is_free("piotr", demo.now)
            await transferred_voices(customer, piotr, folder)
            piotr.hang_up()
            await asyncio.wait_for(customer.ended, 1)
            told = [story(call) for call in await demo.stories_of(2)]
            assert "talked with Anna Nowak" in told[0]
            assert "talked with Piotr Zieliński" in told[0]
            await demo.settled()


@virtual_time
async def test_rfc3891_who_had_called_both_can_connect_them(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        olena = await demo.phone("103", ANSWERS)
        first = await (await demo.call_from(anna, "101", "102")).answered(within=10)
        second = await (await demo.call_from(anna, "101", "103")).answered(within=10)
        await asyncio.sleep(1)
        assert await refer(first, "103", replaces=dialog_of(second)).result == 200
        await asyncio.wait_for(asyncio.gather(first.ended, second.ended), 1)
        legs = [(await phone.invited(within=1)).leg for phone in (piotr, olena)]
        await transferred_voices(legs[0], legs[1], tmp_path)
        assert demo.server.occupancy.is_free("anna", demo.now)
        assert not demo.server.occupancy.is_free("olena", demo.now)
        legs[0].hang_up()
        await asyncio.wait_for(legs[1].ended, 1)
        await demo.stories()
        await demo.settled()
