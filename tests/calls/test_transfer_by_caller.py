"""Transfers by the phone that placed the call, and of two who had called us (RFC 3515, RFC 5589)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Headers, Request, parse_message
from b2bua.sip.replaces import Replaces
from b2bua.sip.uri import parse_uri
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from media.commands import Tone
from tests.calls.test_transfer import ANSWERS, CALLER_HZ, dialog_of, refer, transferred_voices
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, NUMBER, SERVER, TO_ANNA, Office, office, reinvite

OUTSIDE = "+48600999777"
OTHER_OUTSIDE = "+48600999778"


async def called(demo: Office, phone: Softphone, number: str) -> Leg:
    """Return Anna's leg of a call that she placed and that was answered."""
    leg = await (await demo.call_from(phone, "101", number)).answered(within=10)
    await asyncio.sleep(1)
    return leg


# --- blind --------------------------------------------------------------------------------------------------


@virtual_time
async def test_rfc5589_6_who_placed_a_call_sends_the_colleague_on_and_is_let_go(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        olena = await demo.phone("103", Habit(answers_after=3.0))
        first = await called(demo, anna, "102")
        ours = refer(first, "103")
        ringing = await olena.invited(within=5)
        assert ringing.invite.request.from_.uri.user == "102"
        assert await ours.result == 200
        await asyncio.wait_for(first.ended, 1)
        assert demo.server.occupancy.is_free("anna", demo.now)
        assert not demo.server.occupancy.is_free("piotr", demo.now)
        assert not demo.server.occupancy.is_free("olena", demo.now)
        await transferred_voices(piotr.invitations[0].leg, ringing.leg, tmp_path)
        ringing.leg.hang_up()
        await asyncio.wait_for(piotr.invitations[0].over, 1)
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        talked = [event.who for event in call.events if event.kind is EventKind.TALKED]
        assert talked == ["Piotr Zieliński", "Olena Kovalenko"]
        await demo.settled()


@virtual_time
async def test_rfc5589_6_who_placed_a_call_to_the_outside_sends_that_party_on(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        mobiles = await demo.mobiles(ANSWERS)
        first = await called(demo, anna, OUTSIDE)
        far = (await mobiles.invited(within=1)).leg
        ours = refer(first, "102")
        second = await piotr.invited(within=5)
        assert second.invite.request.from_.uri.user == OUTSIDE
        assert await ours.result == 200
        await asyncio.wait_for(first.ended, 1)
        assert demo.server.channels.in_use("demo-out") == 1
        await transferred_voices(far, second.leg, tmp_path)
        far.hang_up()
        await asyncio.wait_for(second.over, 1)
        assert demo.server.channels.in_use("demo-out") == 0
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time
async def test_rfc5589_6_two_numbers_outside_are_joined_through_the_trunk(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, mobiles = await demo.phone("101"), await demo.mobiles(ANSWERS)
        first = await called(demo, anna, OUTSIDE)
        assert await refer(first, OTHER_OUTSIDE).result == 200
        legs = [(await mobiles.invited(number, within=1)).leg for number in (1, 2)]
        await asyncio.wait_for(first.ended, 1)
        assert demo.server.channels.in_use("demo-out") == 2
        assert demo.server.occupancy.is_free("anna", demo.now)
        await transferred_voices(legs[0], legs[1], tmp_path)
        legs[0].hang_up()
        await asyncio.wait_for(legs[1].ended, 1)
        assert demo.server.channels.in_use("demo-out") == 0
        (call,) = await demo.stories()
        talked = [event.who for event in call.events if event.kind is EventKind.TALKED]
        assert talked == [OUTSIDE, OTHER_OUTSIDE]
        await demo.settled()


@virtual_time
async def test_rfc5589_6_a_target_that_fails_gives_the_party_back_to_who_placed_the_call(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        mobiles = await demo.mobiles(Habit(refuses_with=486))
        first = await called(demo, anna, "102")
        await reinvite(first, "sendonly")
        ours = refer(first, OUTSIDE)
        await mobiles.invited(within=5)
        assert await ours.result == 486
        assert first.is_up
        assert not demo.server.occupancy.is_free("anna", demo.now)
        await reinvite(first, "sendrecv")
        await transferred_voices(piotr.invitations[0].leg, first, tmp_path)
        assert await refer(first, OTHER_OUTSIDE).result == 486  # and may try again
        piotr.invitations[0].leg.hang_up()
        await demo.stories()
        await demo.settled()


@pytest.mark.parametrize(("number", "remains"), [("102", False), (OUTSIDE, True)])
def test_rfc5589_6_when_target_and_transferor_are_gone_the_outside_may_leave_a_message(
    number: str, remains: bool, tmp_path: Path
) -> None:
    @virtual_time
    async def tell() -> None:
        async with office(tmp_path) as demo:
            anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
            mobiles = await demo.mobiles()
            habits = [ANSWERS, Habit(refuses_with=486, refuses_after=3.0)]
            mobiles.choose_habit = lambda invite: habits[OTHER_OUTSIDE in str(invite.request.uri)]
            first = await called(demo, anna, number)
            refer(first, OTHER_OUTSIDE)
            await asyncio.sleep(1)
            first.hang_up()
            await asyncio.sleep(5)
            party = (piotr if number == "102" else mobiles).invitations[0].leg
            assert party.is_up is remains
            if remains:
                await asyncio.sleep(30)
                party.media.play([Tone((CALLER_HZ,), 5.0)])
                await asyncio.sleep(6)
                party.hang_up()
            (call,) = await demo.stories()
            assert ("left a message" in story(call)) is remains
            await demo.settled()

    tell()


@virtual_time
async def test_rfc5589_6_a_party_that_hangs_up_on_the_way_stops_the_ringing(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        olena = await demo.phone("103")
        first = await called(demo, anna, "102")
        ours = refer(first, "103")
        ringing = await olena.invited(within=5)
        await asyncio.sleep(1)
        piotr.invitations[0].leg.hang_up()
        await asyncio.wait_for(ringing.over, 1)
        assert await ours.result == 487
        await asyncio.wait_for(first.ended, 1)
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time
async def test_rfc5589_6_who_was_sent_on_may_send_on_themselves(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        olena, ivan = await demo.phone("103", ANSWERS), await demo.phone("104", ANSWERS)
        first = await called(demo, anna, "102")
        assert await refer(first, "103").result == 200
        await asyncio.sleep(1)
        assert await refer(piotr.invitations[0].leg, "104").result == 200  # the party in custody
        await asyncio.sleep(1)
        await transferred_voices(olena.invitations[0].leg, ivan.invitations[0].leg, tmp_path)
        assert demo.server.occupancy.is_free("piotr", demo.now)
        olena.invitations[0].leg.hang_up()
        await demo.stories()
        await demo.settled()


# --- where to -----------------------------------------------------------------------------------------------


@virtual_time
async def test_rfc5589_6_a_caller_is_sent_to_the_queue_and_the_transferor_let_go_at_once(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102", Habit(answers_after=8.0))
        caller, first = await demo.talk_with(anna)
        anna.habit = Habit(refuses_with=486)
        ours = refer(first, "+48221230004")
        assert await asyncio.wait_for(ours.result, 1) == 200
        await asyncio.wait_for(first.ended, 1)
        second = await piotr.invited(within=10)
        await asyncio.sleep(9)
        await transferred_voices(caller, second.leg, tmp_path)
        caller.hang_up()
        (call,) = await demo.stories()
        assert "in the queue sales" in story(call)
        assert "talked with Piotr" in story(call)
        await demo.settled()


@virtual_time
async def test_rfc5589_6_a_caller_is_sent_to_the_voicemail(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", ANSWERS)
        caller, first = await demo.talk_with(anna)
        assert await asyncio.wait_for(refer(first, "+48221230005").result, 1) == 200
        await asyncio.wait_for(first.ended, 1)
        await asyncio.sleep(25)
        caller.media.play([Tone((CALLER_HZ,), 5.0)])
        await asyncio.sleep(6)
        caller.hang_up()
        (call,) = await demo.stories()
        assert "left a message" in story(call)
        await demo.settled()


@virtual_time
async def test_rfc3966_digits_after_the_number_reach_the_menu_and_not_those_pressed_before(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, olena = await demo.phone("101", ANSWERS), await demo.phone("103", ANSWERS)
        caller, first = await demo.talk_with(anna)
        caller.media.send_digits("0")  # to Anna, who may have asked for it
        await asyncio.sleep(1)
        assert first.session is not None
        first.session.refer(parse_uri("tel:+48221230006,103"))
        second = await olena.invited(within=5)
        await asyncio.sleep(2)
        await transferred_voices(caller, second.leg, tmp_path)
        caller.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3966_digits_after_a_number_outside_are_sent_once_it_answers(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, mobiles = await demo.phone("101", ANSWERS), await demo.mobiles(ANSWERS)
        caller, first = await demo.talk_with(anna)
        assert first.session is not None
        first.session.refer(parse_uri(f"tel:{OUTSIDE};postd=42"))
        far = (await mobiles.invited(within=5)).leg
        assert [await far.digit(5.0) for _ in "42"] == ["4", "2"]
        caller.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3515_nobody_is_sent_to_a_pick_up_code(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", ANSWERS)
        caller, first = await demo.talk_with(anna)
        for code in ("*8", "*8102"):
            assert await refer(first, code).result == 603
        assert caller.is_up
        assert first.is_up


@virtual_time
async def test_rfc3892_2_1_colleagues_learn_who_sent_the_caller_and_the_outside_does_not(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102", ANSWERS)
        mobiles = await demo.mobiles(ANSWERS)
        for target, phone, shown in (("102", piotr, "<sip:101@127.0.0.1>"), (OUTSIDE, mobiles, None)):
            caller = await (await demo.call_in(NUMBER)).answered(within=20)
            first = anna.invitations[-1].leg
            await asyncio.sleep(1)
            assert first.session is not None
            first.session.refer(
                parse_uri(f"sip:{target}@127.0.0.1"),
                headers=(("Referred-By", '<sip:101@127.0.0.1>;cid="20398823.2UWQFN309shb3@x"'),),
            )
            invitation = await phone.invited(within=5)
            assert invitation.invite.request.headers.get("Referred-By") == shown
            await asyncio.sleep(2)
            caller.hang_up()
            await asyncio.sleep(1)


# --- attended -----------------------------------------------------------------------------------------------


@virtual_time
async def test_rfc5589_7_two_callers_from_outside_are_joined(tmp_path: Path) -> None:
    for is_first_named in (False, True):
        folder = tmp_path / str(is_first_named)
        folder.mkdir()
        async with office(folder, scheme=TO_ANNA) as demo:
            anna = await demo.phone("101", ANSWERS)
            callers, legs = [], []
            for number in (1, 2):
                placed = await demo.call_in(NUMBER, from_number=f"+4850060070{number}")
                callers.append(await placed.answered(within=10))
                legs.append((await anna.invited(number, within=1)).leg)
                await asyncio.sleep(1)
                await reinvite(legs[-1], "sendonly")
            await reinvite(legs[1], "sendrecv")
            one, other = legs if is_first_named else legs[::-1]
            assert await refer(one, "x", replaces=dialog_of(other)).result == 200
            await asyncio.wait_for(asyncio.gather(*(leg.ended for leg in legs)), 1)
            await asyncio.sleep(0.5)
            assert demo.server.channels.in_use("demo") == 2
            assert demo.server.occupancy.is_free("anna", demo.now)
            await transferred_voices(callers[0], callers[1], folder)
            callers[0].hang_up()
            await asyncio.wait_for(callers[1].ended, 1)
            assert demo.server.channels.in_use("demo") == 0
            told = await demo.stories_of(2)
            assert [call.outcome for call in told] == [CallOutcome.TALKED] * 2
            joined = [event.who for call in told for event in call.events if event.kind is EventKind.TALKED]
            assert sorted(joined) == [
                f"+4850060070{1 if one is legs[1] else 2}",
                "Anna Nowak",
                "Anna Nowak",
            ]
            await demo.settled()


@virtual_time
async def test_rfc5589_7_a_dead_one_of_two_callers_who_were_joined_is_noticed(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", ANSWERS)
        callers = []
        for number in (1, 2):
            callers.append(await (await demo.call_in(NUMBER)).answered(within=10))
            await anna.invited(number, within=1)
            await asyncio.sleep(1)
        legs = [invitation.leg for invitation in anna.invitations]
        assert await refer(legs[0], "x", replaces=dialog_of(legs[1])).result == 200
        for caller in callers:
            caller.media.play([Tone((CALLER_HZ,), 100.0)])
        await asyncio.sleep(5)
        await callers[0].media.close()
        await asyncio.sleep(20)
        assert callers[1].is_up
        await asyncio.wait_for(callers[1].ended, 20)  # 30 s after the last sound of the other
        await demo.stories_of(2)
        await demo.settled()


@virtual_time
async def test_rfc5589_7_a_number_outside_is_joined_with_a_caller(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, mobiles = await demo.phone("101", ANSWERS), await demo.mobiles(ANSWERS)
        caller, first = await demo.talk_with(anna)
        second = await called(demo, anna, OUTSIDE)
        assert await refer(first, "x", replaces=dialog_of(second)).result == 200
        await asyncio.wait_for(asyncio.gather(first.ended, second.ended), 1)
        far = mobiles.invitations[0].leg
        assert demo.server.channels.in_use("demo-out") == 1
        await transferred_voices(caller, far, tmp_path)
        far.hang_up()
        await asyncio.wait_for(caller.ended, 1)
        await demo.stories_of(2)
        await demo.settled()


@virtual_time
async def test_rfc5589_7_of_two_whom_one_had_called_each_may_transfer_on(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        olena, ivan = await demo.phone("103", ANSWERS), await demo.phone("104", ANSWERS)
        first, second = await called(demo, anna, "102"), await called(demo, anna, "103")
        assert await refer(first, "103", replaces=dialog_of(second)).result == 200
        await asyncio.wait_for(asyncio.gather(first.ended, second.ended), 1)
        await asyncio.sleep(1)
        assert await refer(olena.invitations[0].leg, "104").result == 200
        await asyncio.sleep(1)
        await transferred_voices(piotr.invitations[0].leg, ivan.invitations[0].leg, tmp_path)
        piotr.invitations[0].leg.hang_up()
        await demo.stories_of(2)
        await demo.settled()


@virtual_time
async def test_rfc5589_7_calls_of_two_phones_and_one_call_with_itself_are_not_joined(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102")
        await demo.phone("103", ANSWERS)
        caller, first = await demo.talk_with(anna)
        other = await (await demo.call_from(piotr, "102", "103")).answered(within=5)
        await asyncio.sleep(1)
        assert await refer(other, "x", replaces=dialog_of(first)).result == 603
        assert await refer(first, "x", replaces=dialog_of(first)).result == 603
        assert caller.is_up
        assert other.is_up
        caller.hang_up()
        other.hang_up()
        await demo.stories_of(2)
        await demo.settled()


# --- the journal's SIP --------------------------------------------------------------------------------------


@virtual_time
async def test_the_sip_of_who_picked_up_is_kept_with_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101")
        olena = await demo.phone("103")
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(1)
        second = await (await demo.call_from(olena, "103", "*8")).answered(within=1)
        await placed.answered(within=1)
        second.hang_up()
        await demo.stories()
        await asyncio.sleep(5)
        (record,) = (demo.server.config.office.data / "trace").iterdir()
        text = await asyncio.to_thread(record.read_text)
        assert second.session is not None
        assert second.session.call_id in text


@virtual_time
async def test_rfc5589_7_a_caller_is_sent_to_a_colleague_whose_phone_rings_yet(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102")
        caller, first = await demo.talk_with(anna)
        asking = await demo.call_from(anna, "101", "102")
        rang = await piotr.invited(within=5)
        await asyncio.sleep(1)
        ringing = parse_message(demo.packets("SIP/2.0 180", to_port=5101)[-1].wire)
        early = Replaces(ringing.call_id, to_tag=ringing.to.tag or "", from_tag=ringing.from_.tag or "")
        piotr.habit = ANSWERS
        ours = refer(first, "102", replaces=early)
        await asyncio.wait_for(rang.over, 1)
        with pytest.raises(CallRefused, match="487"):
            await asking.answered(within=1)
        second = await piotr.invited(2, within=1)
        assert second.invite.request.from_.uri.user == CALLER
        assert await ours.result == 200
        await transferred_voices(caller, second.leg, tmp_path)
        caller.hang_up()
        told = await demo.stories_of(2)
        assert [call.outcome for call in told] == [CallOutcome.TALKED, CallOutcome.UNANSWERED]
        await demo.settled()


@virtual_time
async def test_rfc5589_7_nobody_ends_the_ringing_call_of_a_colleague_by_a_transfer(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna, piotr = await demo.phone("101", ANSWERS), await demo.phone("102")
        await demo.phone("103"), await demo.phone("104", ANSWERS)
        await (await demo.call_in(NUMBER)).answered(within=20)
        first = (await anna.invited(within=5)).leg
        asking = await demo.call_from(piotr, "102", "103")
        await asyncio.sleep(1)
        ringing = parse_message(demo.packets("SIP/2.0 180", to_port=5102)[-1].wire)
        theirs = Replaces(ringing.call_id, to_tag=ringing.to.tag or "", from_tag=ringing.from_.tag or "")
        assert await refer(first, "104", replaces=theirs).result == 200
        assert [status for _, status in asking.statuses] == [180]
        await asking.close()


@virtual_time
async def test_rfc5589_6_who_was_let_go_holds_no_port_until_the_end_of_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", ANSWERS)
        await demo.phone("102", ANSWERS)
        caller, first = await demo.talk_with(anna)
        assert await refer(first, "102").result == 200
        await asyncio.sleep(2)
        assert demo.server.engine.legs == 2
        caller.hang_up()
        await demo.stories()
        await demo.settled()


@virtual_time
async def test_rfc3515_a_refer_outside_of_a_call_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        headers = Headers([("Refer-To", "<sip:102@127.0.0.1>"), ("To", "<sip:102@127.0.0.1>")])
        request = Request("REFER", "sip:102@127.0.0.1", headers)
        response = await anna.endpoint.request(request, SERVER, credentials=Credentials("101", "demo-101"))
        assert (response.status, response.reason) == (403, "Only Within a Call")
