"""Row S3: who is away is passed by, in schemes and queues alike, and is back by themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.people.status import Availability, Source, Status
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, SERVER, Office, office
from tests.harness.prompts import marked_office, names

QUEUE = "+48221230004"
TAKES = Habit(answers_after=1.0)
ANNA_THEN_PIOTR = """
[[step]]
ring = ["101"]
for = "20s"

[[step]]
ring = ["mobile of anna"]
for = "20s"

[[step]]
ring = ["102"]
for = "20s"

[[step]]
voicemail = "sales"
"""


async def dial(demo: Office, phone: Softphone, code: str) -> None:
    """Let a phone dial a code and listen to the end."""
    extension = phone.name.removeprefix("phone ")
    leg = await (await demo.call_from(phone, extension, code)).answered(within=2)
    await asyncio.wait_for(leg.ended, 15)


def invited(demo: Office, extension: str) -> int:
    return len(demo.packets("INVITE", to_port=5000 + int(extension)))


async def state(demo: Office, person: str = "anna") -> Availability:
    return demo.server.attendance.presence.status(person).state


@virtual_time
async def test_row_s3_star_45_is_not_rung_and_back_by_itself_at_the_end(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ANNA_THEN_PIOTR) as demo:
        anna, _ = await demo.phone("101", TAKES), await demo.phone("102", TAKES)
        mobiles = await demo.mobiles(TAKES)
        await dial(demo, anna, "*45*30")
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        assert demo.times("INVITE", to_port=5102, since=began)[0] < 0.15, "no ring time is lost"
        leg.hang_up()
        assert invited(demo, "101") == 0
        assert mobiles.invitations == []
        [_, told] = await demo.stories()
        assert story(told).startswith("Anna Nowak was away until 12:30; talked with Piotr Zieliński")
        await asyncio.sleep(30 * 60)
        await anna.register(SERVER, "101", "demo-101")
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        assert invited(demo, "101") == 1
        leg.hang_up()
        await demo.settled()


@virtual_time
async def test_row_s3_each_digit_says_another_status_and_the_phone_hears_which(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        anna = await demo.phone("101")
        for code, prompt in (
            ("*451", "status-away"),
            ("*452", "status-do-not-disturb"),
            ("*453*90", "status-meeting"),
            ("*454", "status-off-duty"),
            ("*45", "status-available"),
            ("*45", "status-away"),
            ("*450", "status-available"),
            ("*459", "invalid"),
            ("*453*0", "invalid"),
        ):
            leg = await (await demo.call_from(anna, "101", code)).answered(within=2)
            await asyncio.wait_for(leg.ended, 15)
            assert names(ears.heard(leg.media)) == [prompt], code
            expected = prompt.removeprefix("status-") if prompt != "invalid" else "available"
            assert (await state(demo)).value == expected
        stories = await demo.stories()
        assert {told.outcome for told in stories} == {CallOutcome.SELF_SERVED}
        assert story(stories[2]) == "said: Anna Nowak is in a meeting until 13:30"
        assert not demo.packets("INVITE", to_port=MOBILES[1]), "no code goes to the trunk"


@virtual_time
async def test_row_s3_a_restart_does_not_forget_it(tmp_path: Path) -> None:
    async with office(tmp_path) as before:
        await dial(before, await before.phone("101"), "*454")
    async with office(tmp_path, scheme=ANNA_THEN_PIOTR) as after:
        anna = await after.softphone("phone 101", 5101)  # whose registration is not forgotten either
        anna.habit = TAKES
        await after.phone("102", TAKES)
        await (await after.call_in(NUMBER)).answered(within=3)
        assert invited(after, "101") == 0


@virtual_time(limit_s=900)
async def test_row_s3_a_queue_offers_nothing_to_who_is_away_and_the_next_call_to_who_is_back(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", TAKES)
        await dial(demo, anna, "*453")
        await (await demo.call_in(QUEUE)).answered(within=1)
        await piotr.invited(within=1)
        waiting = await (await demo.call_in(QUEUE, from_number="+48500600701")).answered(within=1)
        await asyncio.sleep(30)
        assert invited(demo, "101") == 0
        await dial(demo, anna, "*450")
        back = demo.now
        await asyncio.sleep(1)
        assert demo.times("INVITE", to_port=5101, since=back)[0] < 0.3
        waiting.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=900)
async def test_row_s3_a_queue_whose_agents_are_all_off_duty_is_offline_also_for_those_who_wait(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102")
        backup = await demo.mobiles(Habit(answers_after=2.0))
        await dial(demo, piotr, "*454")
        caller = await (await demo.call_in(QUEUE)).answered(within=1)
        await asyncio.sleep(10)
        assert backup.invitations == []
        went = demo.now
        await dial(demo, anna, "*454")
        await backup.invited(within=5)
        assert demo.now - went < 15
        await asyncio.sleep(5)
        caller.hang_up()
        told = (await demo.stories())[1]
        assert "in the queue sales, everybody there is offline or away" in story(told)
        await demo.call_in(QUEUE, from_number="+48500600701")
        await asyncio.sleep(0.5)
        assert len(backup.invitations) == 2, "at once"


@virtual_time
async def test_row_s3_a_colleague_rings_who_is_away_but_not_who_must_not_be_disturbed(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna, piotr = await demo.phone("101", TAKES), await demo.phone("102")
        await dial(demo, anna, "*453")
        leg = await (await demo.call_from(piotr, "102", "101")).answered(within=3)
        leg.hang_up()
        assert invited(demo, "101") == 1
        await dial(demo, anna, "*452")
        leg = await (await demo.call_from(piotr, "102", "101")).answered(within=1)
        await asyncio.sleep(15)
        leg.hang_up()
        assert invited(demo, "101") == 1
        *_, told = await demo.stories()
        assert story(told).startswith("Anna Nowak was not to be disturbed; ")
        assert "message" in story(told)


@virtual_time
async def test_row_s3_who_goes_away_before_their_turn_is_passed_by(tmp_path: Path) -> None:
    scheme = '[[step]]\nring = ["102", "101", "103"]\nmode = "in-turn"\nfor = "20s"\n'
    async with office(tmp_path, scheme=scheme + '[[step]]\nvoicemail = "sales"\n') as demo:
        anna, _, olena = (await demo.phone("101"), await demo.phone("102"), await demo.phone("103", TAKES))
        placed = await demo.call_in(NUMBER)
        began = demo.now
        await asyncio.sleep(10)
        await dial(demo, anna, "*45")
        leg = await placed.answered(within=25)
        assert demo.times("INVITE", to_port=5103, since=began) == [20.0]
        assert invited(demo, "101") == 0
        leg.hang_up()
        assert len(olena.invitations) == 1
        told = (await demo.stories())[0]
        assert story(told).startswith(
            "rang Piotr Zieliński 20 s, no answer; Anna Nowak was away; talked with Olena"
        )
        await demo.settled()


@virtual_time
async def test_row_s3_another_program_is_heard_within_a_second(tmp_path: Path) -> None:
    from b2bua.cli.status import Wish, say

    async with office(tmp_path, scheme=ANNA_THEN_PIOTR) as demo:
        await demo.phone("101", TAKES)
        await demo.phone("102", TAKES)
        in_a_year = datetime.now(UTC) + timedelta(days=365)  # the clock was wrong then
        await demo.server.attendance.presence.say("anna", Status(Availability.AWAY, in_a_year))
        await say(demo.server.config, Wish("101", "available", "", "", ""))
        await asyncio.sleep(0.5)
        assert await state(demo) is Availability.AVAILABLE
        assert demo.server.attendance.presence.status("anna").source is Source.COMMAND


@virtual_time
async def test_row_s3_nobody_dials_for_somebody_else(tmp_path: Path) -> None:
    """Neither a caller from outside nor one whom a phone transfers to a code changes anything."""
    async with office(tmp_path) as demo:
        await demo.phone("101", TAKES)
        placed = await demo.call_in("*454")
        await asyncio.sleep(25)
        assert await state(demo) is Availability.AVAILABLE
        await placed.close()
        stranger = await demo.softphone("stranger", 7777, host="10.1.1.1")
        with pytest.raises(CallRefused):
            await (await demo.call_from(stranger, "101", "*454", password="wrong")).answered(within=3)
        assert await state(demo) is Availability.AVAILABLE
