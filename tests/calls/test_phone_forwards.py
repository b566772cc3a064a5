"""Call forwarding that is set at a phone: its 302 is followed to whom the phone could call itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit
from b2bua.people.occupancy import Engagement
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, TO_ANNA, office

TOGETHER = TO_ANNA.replace('["101"]', '["101", "102"]\nmode = "together"')


def forwards(to: str, *, after: float = 0.0) -> Habit:
    """Return what a phone does whose calls are forwarded to ``to``."""
    return Habit(refuses_with=302, refuses_after=after, forwards_to=f"<sip:{to}@127.0.0.1:5060>")


@virtual_time
async def test_rfc3261_8_1_3_4_a_302_of_our_phone_rings_the_colleague_in_its_place(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", forwards("102"))
        piotr = await demo.phone("102", Habit(answers_after=2.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=4)
        assert demo.server.occupancy.engagement("piotr", demo.now) is Engagement.TALKING
        assert demo.server.occupancy.is_free("anna", demo.now)
        [sender] = piotr.invitations[0].invite.request.addresses("Diversion")
        assert (str(sender.uri), sender.parameter("reason")) == ("sip:101@127.0.0.1", "deflection")
        caller.hang_up()
        (told,) = await demo.stories()
        assert story(told).startswith(
            "rang Anna Nowak under 1 s, forwarded to Piotr Zieliński; talked with Piotr Zieliński"
        )
        await demo.settled()


@virtual_time
async def test_row_d5_a_phone_that_forwards_when_nobody_answers_reaches_the_mobile_which_confirms(
    tmp_path: Path,
) -> None:
    def confirming(text: str) -> str:
        return text.replace("[person.anna]\n", "[person.anna]\nmobile-confirm = true\n")

    async with office(tmp_path, scheme=TO_ANNA, change=confirming) as demo:
        await demo.phone("101", forwards("600100200", after=5.0))
        mobiles = await demo.mobiles(Habit(answers_after=1.0))
        placed = await demo.call_in(NUMBER)
        mobile = await mobiles.invited(within=7)
        assert mobile.invite.request.uri.startswith("sip:+48600100200@")
        await asyncio.sleep(3)
        assert not [status for _, status in placed.statuses if status >= 200]  # it may be a voicemail
        mobile.leg.media.send_digits("1")
        caller = await placed.answered(within=3)
        assert demo.server.occupancy.engagement("anna", demo.now) is Engagement.TALKING
        caller.hang_up()
        (told,) = await demo.stories()
        assert story(told).startswith("rang Anna Nowak 5 s, forwarded to Anna Nowak's mobile +48600100200; ")
        assert [event.party for event in told.events if event.kind == "talked"] == ["mobile of anna"]
        await demo.settled()


@virtual_time
async def test_nobody_rings_for_an_instant_whom_a_phone_forwards_to_at_the_end_of_the_step(
    tmp_path: Path,
) -> None:
    nobody_was_there = '[[step]]\nring = ["102"]\nfor = "9s"\nafter = ["offline"]\n\n'
    first, last = TO_ANNA.split("[[step]]\n")[1:]
    scheme = f"[[step]]\n{first}{nobody_was_there}[[step]]\n{last}"
    async with office(tmp_path, scheme=scheme) as demo:
        await demo.phone("101", forwards("102", after=19.7))
        piotr = await demo.phone("102", Habit())
        caller = await (await demo.call_in(NUMBER)).answered(within=25)
        assert not piotr.invitations
        caller.hang_up()
        (told,) = await demo.stories()
        assert story(told).startswith("rang Anna Nowak 20 s, no answer; ")


@virtual_time
async def test_an_agent_whose_phone_forwards_takes_the_callers_of_a_queue_there(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101", forwards("600100200"))
        mobiles = await demo.mobiles(Habit(answers_after=1.0))
        caller = await (await demo.call_in("+48221230004")).answered(within=2)
        mobile = (await mobiles.invited(within=3)).leg
        await demo.until(
            lambda: demo.server.occupancy.engagement("anna", demo.now) is Engagement.TALKING, within=3
        )
        second = await (await demo.call_in("+48221230004")).answered(within=2)
        await asyncio.sleep(5)
        assert len(mobiles.invitations) == 1  # who talks is offered no other caller
        caller.hang_up()
        await demo.until(lambda: not mobile.is_up, within=1)
        await mobiles.invited(2, within=5)
        second.hang_up()
        first, _ = await demo.stories()
        assert "talked with Anna Nowak's mobile" in story(first)
        await demo.settled()


@virtual_time
async def test_phones_that_forward_to_one_another_ring_once_each_and_the_next_step_follows(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = await demo.phone("101", forwards("102"))
        piotr = await demo.phone("102", forwards("101"))
        caller = await (await demo.call_in(NUMBER)).answered(within=4)  # by the voicemail
        assert (len(anna.invitations), len(piotr.invitations)) == (1, 1)
        caller.hang_up()
        (told,) = await demo.stories()
        assert "forwarded to Piotr Zieliński; rang Piotr Zieliński" in story(told)
        await demo.settled()


@virtual_time
async def test_who_rings_beside_a_phone_that_forwards_to_them_rings_once(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER) as demo:
        await demo.phone("101", forwards("102", after=1.0))
        piotr = await demo.phone("102", Habit(answers_after=3.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=4)
        assert len(piotr.invitations) == 1
        caller.hang_up()
        await demo.stories()


@virtual_time
async def test_whom_a_phone_forwards_to_is_taken_back_when_another_one_answers(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER) as demo:
        await demo.phone("101", forwards("+48700800900"))
        await demo.phone("102", Habit(answers_after=3.0))
        await demo.mobiles(Habit())
        caller = await (await demo.call_in(NUMBER)).answered(within=4)
        await asyncio.sleep(1)
        assert len(demo.packets("CANCEL", to_port=MOBILES[1])) == 1
        caller.hang_up()
        (told,) = await demo.stories()
        assert "rang +48700800900 3 s, somebody else took the call" in story(told)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_what_a_phone_may_not_forward_to_is_no_error_but_declined_and_says_why(tmp_path: Path) -> None:
    never = "follow-forwards = false"
    cases = (
        ("102", never, "rang Anna Nowak under 1 s, the forwarding set at their phone is not followed"),
        ("112", "", "their phone forwards to 112, which is nobody's phone"),  # nobody is there who needs help
        ("*97", "", "their phone forwards to *97, which is nobody's phone"),
        (NUMBER, "", f"their phone forwards to {NUMBER}, which is nobody's phone"),  # it would come back
        ("104", "", "forwards to Ivan Petrov, but no phone is registered"),
    )
    for index, (to, line, words) in enumerate(cases):
        folder = tmp_path / str(index)
        folder.mkdir()
        anna = f"[person.anna]\n{line}\n"
        async with office(
            folder, scheme=TO_ANNA, change=lambda text, anna=anna: text.replace("[person.anna]\n", anna)
        ) as demo:
            await demo.phone("101", forwards(to))
            await demo.phone("102", Habit())
            mobiles = await demo.mobiles(Habit())
            (await (await demo.call_in(NUMBER)).answered(within=4)).hang_up()
            (told,) = await demo.stories()
            assert words in story(told)
            assert "302" not in story(told)
            assert not [*mobiles.invitations, *demo.phones["102"].invitations]


@virtual_time
async def test_a_phone_that_forwards_to_who_calls_does_not_ring_them(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101", forwards("102"))
        piotr = await demo.phone("102", Habit())
        (await (await demo.call_from(piotr, "102", "101")).answered(within=4)).hang_up()
        (told,) = await demo.stories()
        assert "forwards to Piotr Zieliński, but it is the one that calls" in story(told)
        assert not piotr.invitations


@virtual_time
async def test_a_302_that_is_not_followed_is_no_order_to_our_phone_either(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101")
        await demo.mobiles(Habit(refuses_with=302, forwards_to="<sip:elsewhere.example>"))
        with pytest.raises(CallRefused) as refused:
            await (await demo.call_from(anna, "101", "+48700800900")).answered(within=4)
        assert refused.value.status == 480
