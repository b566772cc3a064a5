"""Where a registered phone is looked for."""

from __future__ import annotations

from pathlib import Path

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.office import SERVER, office


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
