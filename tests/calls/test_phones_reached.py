"""Where a registered phone is looked for."""

from __future__ import annotations

from pathlib import Path

from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import Habit
from media.client import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import SERVER, office
from tests.harness.prompts import Ears


@virtual_time(limit_s=600)
async def test_a_phone_that_registers_from_one_port_and_listens_on_another_rings(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        registering = await demo.softphone("registers only", 5301)
        listening = await demo.softphone("listens", 5302)
        listening.habit = Habit(answers_after=1.0)
        response = await registering.register(SERVER, "101", "demo-101", contact="<sip:101@127.0.0.1:5302>")
        assert response.status == 200
        call = await demo.call_in("+48221230001")
        leg = await call.answered(within=5)
        assert len(listening.invitations) == 1
        assert registering.invitations == []
        leg.hang_up()


@virtual_time(limit_s=600)
async def test_a_phone_behind_nat_rings_over_the_flow_it_registered_on(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phone = await demo.softphone("behind NAT", 5301)
        phone.habit = Habit(answers_after=1.0)
        response = await phone.register(SERVER, "101", "demo-101", contact="<sip:101@192.168.7.7:5060>")
        assert response.status == 200
        call = await demo.call_in("+48221230001")
        await call.answered(within=5)
        assert len(phone.invitations) == 1


SOUND = "127.0.0.2"
"""Where the sound of every phone comes from: the router, for one behind NAT."""


class Inside(SoundProfile):
    """Of a phone that knows its private address alone, and says so in SDP."""

    def address_toward(self, peer: str, *, own: str) -> str:
        return "192.168.7.7"


@virtual_time(limit_s=600)
async def test_a_phone_behind_nat_hears_at_once_by_the_address_that_it_registered_from(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        phone = await demo.softphone("behind NAT", 5301, host=SOUND)
        phone.habit, phone.profile = Habit(answers_after=1.0), Inside()
        response = await phone.register(SERVER, "101", "demo-101", contact="<sip:101@192.168.7.7:5060>")
        assert response.status == 200
        caller = await (await demo.call_in("+48221230001")).answered(within=5)
        answerer = phone.invitations[0].leg
        ears = Ears(demo.rtp, lambda: demo.now)
        for leg in (caller, answerer):
            leg.media.play([Tone((440.0,), 5.0)])
        for leg in (caller, answerer):
            await ears.until_tone(leg.media, 440.0, within=0.3)
        assert b"c=IN IP4 192.168.7.7" in demo.packets("SIP/2.0 200", to_port=SERVER.port)[-1].wire
        caller.hang_up()
        await demo.settled()
