"""Row R14: who asks on the web to be called at once; our people ring, and who takes it is put through."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from b2bua.call.call import Call
from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit, Invitation, Softphone
from b2bua.sip.message import parse_message
from b2bua.store.callbacks import WEB, NewCallback
from b2bua.store.calls import CallOutcome, CallStory, NewCall
from b2bua.store.story import story
from tests.calls.confirming import dialled, press
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, Office, assert_both_hear, office

CUSTOMER = "+48600100299"
ANSWERS = Habit(answers_after=2.0)
IN_TURN = """
[[step]]
ring = ["101", "102"]
mode = "in-turn"
for = "15s"
[[step]]
ring = ["mobile of anna"]
for = "20s"
[[step]]
voicemail = "sales"
"""


async def asks(demo: Office, *, scheme: str = "") -> None:
    """Let a visitor ask to be called now."""
    store, now = demo.server.store, demo.server.attendance.clock()
    number = "" if scheme else NUMBER
    call = NewCall("web-1", CUSTOMER, "Jan", number, "", now, direction=WEB, source="google")
    new = NewCallback("id-1", call, "", "print")
    await store.callbacks.add(new)
    demo.server.call_now(new, scheme)


async def over(demo: Office) -> CallStory:
    """Return the story of the attempt, which is over."""
    async with asyncio.timeout(300):
        await demo.server.calls_over()
    return (await demo.stories())[-1]


async def is_owed(demo: Office) -> bool:
    promises = await demo.server.store.promises.open()
    assert [promise.caller for promise in promises] in ([], [CUSTOMER])
    return bool(promises)


async def takes(phone: Softphone, *, count: int = 1) -> Invitation:
    """Let somebody who has answered press 1."""
    await press(phone, "1", after=1, count=count)
    return phone.invitations[count - 1]


@virtual_time(limit_s=900)
async def test_row_r14_who_takes_it_hears_the_number_and_talks_with_the_customer(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", ANSWERS)
        outside = await demo.mobiles(Habit(answers_after=3.0))
        await asks(demo)
        rung = await anna.invited(within=2)
        shown = parse_message(demo.packets("INVITE", to_port=5101)[0].wire).headers.get("From")
        assert "google: +48600100299 Jan" in (shown or "")
        assert await piotr.invited(within=20)
        assert rung.over.done(), "in turn"
        assert outside.invitations == [], "the customer is not called before somebody is there"
        taken = await takes(piotr)
        customer = await outside.invited(within=3)
        assert dialled(customer.invite) == CUSTOMER
        await demo.until(lambda: customer.leg.is_answered, within=5)
        await assert_both_hear(customer.leg, taken.leg, tmp_path)
        [call] = list(demo.server.serving.roll)
        assert call.identity.call_id == "web-1-now"
        assert await is_owed(demo), "they still talk"
        customer.leg.hang_up()
        told = await over(demo)
        assert (told.outcome, told.call.direction, told.call.source) == (CallOutcome.TALKED, "out", "google")
        assert story(told).startswith("rang Anna Nowak 15 s, no answer; ")
        assert f"talked with {CUSTOMER} for" in story(told)
        assert not await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_a_mailbox_that_answers_is_not_put_through_and_the_next_one_rings(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        await demo.phone("102", ANSWERS)  # answers by itself, and nobody presses a key
        outside = await demo.mobiles(ANSWERS)
        await asks(demo)
        await takes(outside)
        customer = await outside.invited(2, within=5)
        assert [dialled(each.invite) for each in outside.invitations] == ["+48600100200", CUSTOMER]
        await demo.until(lambda: customer.leg.is_answered, within=5)
        await asyncio.sleep(2)
        customer.leg.hang_up()
        told = await over(demo)
        assert "answered, but nobody pressed 1" in story(told)
        assert told.outcome is CallOutcome.TALKED
        assert not await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
@pytest.mark.parametrize("status", [486, 404, 603, 503])
async def test_row_r14_a_customer_who_is_not_reached_is_still_owed_a_call(
    tmp_path: Path, status: int
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna = await demo.phone("101", ANSWERS)
        outside = await demo.mobiles(Habit(refuses_with=status, refuses_after=1))
        await asks(demo)
        taken = await takes(anna)
        await outside.invited(within=5)
        told = await over(demo)
        await demo.until(taken.over.done, within=1)
        assert (told.outcome, told.why) == (CallOutcome.UNANSWERED, "the customer was not reached")
        assert await is_owed(demo)
        assert len(demo.packets("INVITE", to_port=5102)) == 0, "nobody else is bothered"
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_without_a_way_out_or_anybody_there_the_promise_stays(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        await asks(demo)  # neither a phone nor the network of the mobiles is there
        told = await over(demo)
        assert (told.outcome, told.why) == (CallOutcome.UNANSWERED, "nobody of ours took it")
        anna = await demo.phone("101", ANSWERS)
        call = replace((await demo.stories())[0].call, call_id="web-2")
        demo.server.call_now(NewCallback("id-2", call, "", "x"), "")
        await takes(anna)
        told = await over(demo)
        assert told.why == "the customer was not reached"
        assert await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_who_hangs_up_at_any_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, outside = await demo.phone("101", ANSWERS), await demo.mobiles()
        await asks(demo)
        asked = await anna.invited(within=2)
        await demo.until(lambda: asked.leg.is_answered, within=3)
        asked.leg.hang_up()  # while she hears who it is: the next one rings
        mobile = await outside.invited(within=40)
        assert dialled(mobile.invite) == "+48600100200"
        told = await over(demo)
        assert "hung up without pressing 1" in story(told)
        call = replace((await demo.stories())[0].call, call_id="web-2")
        demo.server.call_now(NewCallback("id-2", call, "", "x"), "")
        taken = await takes(anna, count=2)
        customer = await outside.invited(2, within=5)
        taken.leg.hang_up()  # while the customer rings
        assert (await over(demo)).outcome is CallOutcome.UNANSWERED
        await demo.until(customer.over.done, within=1)
        assert await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_the_free_agents_of_a_queue_ring_together(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phones = [await demo.phone(extension) for extension in ("101", "102", "103")]
        await asks(demo, scheme="queue")
        for phone in phones:
            await phone.invited(within=2)
        told = await over(demo)
        assert {event.who for event in told.events} == {"Anna Nowak", "Piotr Zieliński", "Olena Kovalenko"}
        assert story(told).endswith(" 20 s, no answer")
        assert await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_an_office_that_stops_meanwhile_keeps_the_promise(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna = await demo.phone("101")
        await asks(demo)
        await anna.invited(within=2)
        await demo.server.calls.end()
        told = (await demo.stories())[-1]
        assert (told.outcome, told.why) == (CallOutcome.UNANSWERED, "the office was stopped")
        assert await is_owed(demo)
        demo.server.call_now(NewCallback("id-2", told.call, "", "x"), "")
        assert list(demo.server.serving.roll) == []


@virtual_time(limit_s=900)
async def test_row_r14_a_talk_with_the_customer_goes_on_while_the_office_waits_to_stop(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna = await demo.phone("101", ANSWERS)
        outside = await demo.mobiles(Habit(answers_after=3.0))
        await asks(demo)
        await takes(anna)
        customer = (await outside.invited(within=3)).leg
        await demo.until(lambda: customer.is_answered, within=5)
        stopped = asyncio.create_task(demo.server.wind_down(asyncio.Event()))
        await asyncio.sleep(5)
        assert customer.is_up
        customer.hang_up()
        await asyncio.wait_for(stopped, 2)
        assert (await demo.stories())[-1].outcome is CallOutcome.TALKED


@virtual_time(limit_s=900)
async def test_row_r14_who_has_pressed_1_on_a_mobile_already_is_not_asked_twice(tmp_path: Path) -> None:
    scheme = '[[step]]\nring = ["mobile of anna"]\nconfirm = true\n[[step]]\nvoicemail = "sales"\n'
    async with office(tmp_path, scheme=scheme) as demo:
        outside = await demo.mobiles(ANSWERS)
        await asks(demo)
        await takes(outside)
        customer = await outside.invited(2, within=5)
        assert dialled(customer.invite) == CUSTOMER
        await demo.until(lambda: customer.leg.is_answered, within=5)
        await asyncio.sleep(1)
        customer.leg.hang_up()
        told = await over(demo)
        assert (told.outcome, len(outside.invitations)) == (CallOutcome.TALKED, 2)
        assert [event.party for event in told.events if event.who == CUSTOMER] != []
        await demo.settled()


# --- the customer calls meanwhile --------------------------------------------------------------------------


@virtual_time(limit_s=900)
@pytest.mark.parametrize("is_being_called", [False, True])
async def test_row_r14_a_customer_who_calls_meanwhile_is_connected_to_who_takes_it(
    tmp_path: Path, is_being_called: bool
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, outside = await demo.phone("101", ANSWERS), await demo.mobiles()
        await asks(demo)
        if is_being_called:
            taken = await takes(anna)
            called = await outside.invited(within=5)
        placed = await demo.call_in(NUMBER, from_number=CUSTOMER)
        if not is_being_called:
            taken = await takes(anna)
        leg = await placed.answered(within=10)
        await assert_both_hear(leg, taken.leg, tmp_path)
        assert len(anna.invitations) == 1, "she is not rung once more"
        if is_being_called:
            await demo.until(called.over.done, within=1)
        assert len(outside.invitations) == is_being_called
        leg.hang_up()
        told = {one.call.caller: one for one in await demo.stories()}
        assert told[CUSTOMER].outcome is CallOutcome.TALKED
        assert "talked with Anna Nowak" in story(told[CUSTOMER])
        assert told["web form"].why == "they called the office themselves"
        assert not await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_a_customer_who_calls_while_nobody_takes_it_goes_their_way(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102")
        await asks(demo)
        await anna.invited(within=2)
        placed = await demo.call_in(NUMBER, from_number=CUSTOMER)
        await piotr.invited(within=20)
        await anna.invited(2, within=20)
        anna.invitations[1].leg.answer()
        leg = await placed.answered(within=5)
        assert len(piotr.invitations) == 1, "no step more was rung for the wish alone"
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_a_customer_who_calls_and_hangs_up_is_called_all_the_same(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, outside = await demo.phone("101", ANSWERS), await demo.mobiles(Habit(answers_after=1.0))
        await asks(demo)
        for _ in range(2):
            placed = await demo.call_in(NUMBER, from_number=CUSTOMER)
            await asyncio.sleep(0.5)
            await placed.close()
        await takes(anna)
        customer = await outside.invited(within=5)
        await demo.until(lambda: customer.leg.is_answered, within=5)
        await asyncio.sleep(1)
        customer.leg.hang_up()
        assert (await over(demo)).outcome is CallOutcome.PROMISE  # of who hung up; the list is by beginning
        assert not await is_owed(demo)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_who_called_twice_meanwhile_is_connected_the_second_time(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna = await demo.phone("101", ANSWERS)
        await asks(demo)
        placed = await demo.call_in(NUMBER, from_number=CUSTOMER)
        await asyncio.sleep(0.5)
        await placed.close()
        placed = await demo.call_in(NUMBER, from_number=CUSTOMER)
        taken = await takes(anna)
        leg = await placed.answered(within=5)
        await asyncio.sleep(2)
        taken.leg.hang_up()
        await asyncio.wait_for(leg.ended, 5)
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_a_second_call_by_the_line_of_who_talks_goes_its_way(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, outside = await demo.phone("101", ANSWERS), await demo.mobiles(Habit(answers_after=1.0))
        await asks(demo)
        await takes(anna)
        customer = await outside.invited(within=5)
        await demo.until(lambda: customer.leg.is_answered, within=5)
        placed = await demo.call_in(NUMBER, from_number=CUSTOMER)  # a colleague of theirs, by the same line
        await anna.invited(2, within=1)
        await placed.close()
        customer.leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=900)
async def test_row_r14_a_call_that_comes_in_the_instant_in_which_the_customer_answers_goes_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        anna, outside = await demo.phone("101", ANSWERS), await demo.mobiles(Habit(answers_after=3.0))
        await asks(demo)
        await anna.invited(within=2)
        attempt = demo.server.serving.ring_now._attempts[CUSTOMER]
        call_customer, meet, instant = attempt._call_customer, attempt.meet, asyncio.Event()

        async def called(staff: Call) -> Leg | None:
            leg = await call_customer(staff)
            instant.set()
            await asyncio.sleep(0)  # the other call's turn; this one's comes before it hears of it
            return leg

        async def met(call: Call) -> bool:
            await instant.wait()
            return await meet(call)

        monkeypatch.setattr(attempt, "meet", met)
        monkeypatch.setattr(attempt, "_call_customer", called)
        taken = await takes(anna)
        customer = await outside.invited(within=5)
        placed = await demo.call_in(NUMBER, from_number=CUSTOMER)
        await demo.until(lambda: customer.leg.is_answered, within=5)
        await anna.invited(2, within=1)
        assert taken.leg.is_up
        await placed.close()
        customer.leg.hang_up()
        await demo.settled()
