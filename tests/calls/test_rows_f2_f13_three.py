"""Rows F2 and F13: three dead phones cost what one costs, and looking names up is no ringing time."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from b2bua.demo.softphone import Habit
from b2bua.sip.transport.hop import Hop
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, Office, office

PHONES = {"101": 5101, "102": 5102, "103": 5103}
THREE = {
    "together": '[[step]]\nring = ["101", "102", "103"]\nmode = "together"\nfor = "20s"\n',
    "in-turn": '[[step]]\nring = ["101", "102", "103"]\nmode = "in-turn"\nfor = "20s"\n',
    "staggered": '[[step]]\nring = ["101", "102", "103"]\nmode = "staggered"\nfor = "20s"\n',
    "one step each": "".join(f'[[step]]\nring = ["{each}"]\nfor = "20s"\n' for each in PHONES),
}
BACKUP = '[[step]]\nring = ["+48600999888"]\nfor = "30s"\n[[step]]\nvoicemail = "sales"\n'


async def seconds_to_the_backup(demo: Office) -> float:
    mobiles = await demo.mobiles(Habit(answers_after=1))
    began = demo.now
    await demo.call_in(NUMBER)
    return (await mobiles.invited(within=30)).at - began


@pytest.mark.parametrize("ringing", THREE)
@pytest.mark.parametrize(
    ("dead", "limit_s"), [("unregistered", 1.0), ("sockets closed", 1.0), ("packets dropped", 5.0)]
)
def test_row_f13_f14_three_dead_phones_reach_the_backup_in_the_time_of_one(
    tmp_path: Path, ringing: str, dead: str, limit_s: float
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=THREE[ringing] + BACKUP) as demo:
            for extension, port in PHONES.items():
                host = f"10.1.1.{extension}"
                if dead != "unregistered":
                    await demo.phone(extension, host=host)
                if dead == "sockets closed":
                    demo.network.release(Hop("udp", host, port))
                if dead == "packets dropped":
                    demo.network.blackhole(host)
            assert await seconds_to_the_backup(demo) < limit_s

    tell()


@virtual_time(limit_s=600)
async def test_row_f2_the_time_begins_with_the_invite_and_not_while_the_name_is_looked_up(
    tmp_path: Path,
) -> None:
    loop = asyncio.get_running_loop()

    async def slowly(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        await asyncio.sleep(0.6)  # callers wait for no more than 0.7 s
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("10.7.7.7", port))]

    loop.getaddrinfo = slowly  # type: ignore[method-assign, assignment]
    scheme = '[[step]]\nring = ["sip:sales@pbx.example:5066"]\nfor = "20s"\n'
    async with office(tmp_path, scheme=scheme + BACKUP) as demo:
        await demo.softphone("another PBX", 5066, host="10.7.7.7")
        mobiles = await demo.mobiles()
        began = demo.now
        await demo.call_in(NUMBER)
        backup = await mobiles.invited(within=30)
        [invited], [cancelled] = (demo.times(method, to_port=5066) for method in ("INVITE", "CANCEL"))
        assert invited - began > 0.5
        assert cancelled - invited == pytest.approx(20.0, abs=0.05)
        assert 0 <= backup.at - cancelled < 0.2


@virtual_time(limit_s=600)
async def test_row_f13_the_others_are_rung_as_ever_when_one_was_dead(tmp_path: Path) -> None:
    """Also by the next caller, who does not wait for the dead one."""
    async with office(tmp_path, scheme=THREE["one step each"] + BACKUP) as demo:
        for extension in PHONES:
            await demo.phone(extension, host=f"10.1.1.{extension}")
        demo.network.blackhole("10.1.1.101")
        for count, waited in ((1, 4.0), (2, 0.0)):
            began = demo.now
            await demo.call_in(NUMBER)
            await asyncio.sleep(50)
            rung = [demo.times("INVITE", to_port=port, since=began)[count - 1] for port in (5102, 5103)]
            assert rung == pytest.approx([waited, waited + 20], abs=0.2)


@virtual_time(limit_s=600)
async def test_row_f13_three_dead_phones_hold_up_the_first_caller_alone(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=THREE["one step each"] + BACKUP) as demo:
        for extension in PHONES:
            await demo.phone(extension, host=f"10.1.1.{extension}")
            demo.network.blackhole(f"10.1.1.{extension}")
        mobiles = await demo.mobiles(Habit(answers_after=1))
        waited = []
        for count in range(1, 4):
            began = demo.now
            await demo.call_in(NUMBER)
            waited.append((await mobiles.invited(count, within=30)).at - began)
            await asyncio.sleep(10)
        assert waited == pytest.approx([4.6, 0.0, 0.0], abs=0.1)


@virtual_time(limit_s=600)
async def test_row_f13_a_slow_phone_that_was_doubted_is_rung_again_within_seconds(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=THREE["one step each"] + BACKUP) as demo:
        await demo.phone("101", host="10.1.1.101")
        demo.network.blackhole("10.1.1.101")
        piotr = await demo.phone("102", host="10.1.1.102")
        demo.network.blackhole("10.1.1.102")
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(4.4)
        demo.network.blackhole("10.1.1.102", on=False)
        await asyncio.sleep(7)
        assert not piotr.invitations or not piotr.invitations[0].leg.is_up  # too late for this call
        await call.close()
        rung_before = len(piotr.invitations)
        await demo.call_in(NUMBER)
        await piotr.invited(rung_before + 1, within=1)
