"""Row F7: one phone of somebody who has several is a target by itself, by a login of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit, Softphone
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.handler import always
from tests.harness.office import NUMBER, SERVER, Office, office
from tests.harness.watcher import watch

DEVICES = """
[person.anna.device.desk]

[person.anna.device.car]
login = "anna-car"
password = "for-the-car"
"""
TAKES_IT = Habit(answers_after=2)


def with_devices(text: str) -> str:
    return text + DEVICES


def without_devices(text: str) -> str:
    return text.replace(DEVICES, "")


def ring(*targets: str) -> str:
    listed = ", ".join(f'"{target}"' for target in targets)
    return f'[[step]]\nring = [{listed}]\nfor = "10s"\n\n[[step]]\nvoicemail = "sales"\n'


async def three_phones(demo: Office) -> dict[str, Softphone]:
    """Return Anna's phones: two with a login each, and one that has her own."""
    phones = {"own": await demo.phone("101", port=5101)}
    for name, port, login, password in (
        ("desk", 5111, "101-desk", "demo-101"),
        ("car", 5121, "anna-car", "for-the-car"),
    ):
        phones[name] = await demo.softphone(name, port)
        response = await phones[name].register(SERVER, login, password)
        assert response.status == 200, response.status
    return phones


def rung(phones: dict[str, Softphone]) -> list[str]:
    return [name for name, phone in phones.items() if phone.invitations]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("desk of anna", ["desk"]),
        ("desk of 101", ["desk"]),
        ("101-desk", ["desk"]),
        ("car of anna", ["car"]),
        ("anna-car", ["car"]),
        ("anna", ["own", "desk", "car"]),
        ("101", ["own", "desk", "car"]),
    ],
)
def test_row_f7_a_device_or_its_login_rings_that_phone_alone(
    tmp_path: Path, target: str, expected: list[str]
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=ring(target), change=with_devices) as demo:
            phones = await three_phones(demo)
            phones[expected[-1]].habit = TAKES_IT
            leg = await (await demo.call_in(NUMBER)).answered(within=5)
            await asyncio.sleep(3)
            leg.hang_up()
            assert rung(phones) == expected
            [call] = await demo.stories()
            who = "Anna Nowak" if len(expected) > 1 else f"Anna Nowak ({expected[0]})"
            assert story(call) == f"talked with {who} for 3 s"
            assert call.events[-1].party == "anna"
            await demo.settled()

    tell()


@virtual_time(limit_s=600)
async def test_row_f7_f13_a_device_that_is_off_costs_no_time_though_others_of_the_person_are_there(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ring("desk of anna"), change=with_devices) as demo:
        await demo.phone("101")
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        assert demo.now - began < 1
        await asyncio.sleep(1)
        leg.hang_up()
        [call] = await demo.stories()
        assert story(call).startswith("Anna Nowak (desk)'s phone was off")
        assert call.outcome is not CallOutcome.TALKED


@virtual_time(limit_s=600)
async def test_row_f7_a_device_beside_its_whole_person_is_rung_once(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("desk of anna", "anna"), change=with_devices) as demo:
        phones = await three_phones(demo)
        await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        assert [len(phone.invitations) for phone in phones.values()] == [1, 1, 1]


@virtual_time(limit_s=600)
async def test_row_f7_a_device_is_in_turn_with_others_and_its_person_missed_the_call(tmp_path: Path) -> None:
    scheme = ring("desk of anna", "102").replace('for = "10s"', 'for = "4s"\nmode = "in-turn"')
    async with office(tmp_path, scheme=scheme, change=with_devices) as demo:
        await three_phones(demo)
        piotr = await demo.phone("102", TAKES_IT)
        leg = await (await demo.call_in(NUMBER)).answered(within=10)
        assert "(missed by Anna Nowak)" in piotr.invitations[0].invite.request.from_.display
        leg.hang_up()


@virtual_time(limit_s=600)
async def test_row_f7_a_webhook_may_name_the_login_of_a_device(tmp_path: Path) -> None:
    scheme = '[[step]]\nwebhook = "where"\n\n[[step]]\nvoicemail = "sales"\n'
    scheme += '[webhook.where]\nurl = "https://handler.example/route"\n'
    async with office(
        tmp_path, scheme=scheme, change=with_devices, http=always({"sip": "101-desk"}, after=0.1)
    ) as demo:
        phones = await three_phones(demo)
        await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        assert rung(phones) == ["desk"]


@virtual_time(limit_s=600)
async def test_row_f7_a_device_calls_as_its_person_and_a_wrong_password_lets_nobody_in(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, change=with_devices) as demo:
        phones = await three_phones(demo)
        piotr = await demo.phone("102", TAKES_IT)
        await demo.call_from(phones["car"], "anna-car", "102", password="for-the-car")
        await asyncio.sleep(1)
        assert piotr.invitations[0].invite.request.from_.display == "Anna Nowak"
        stranger = await demo.softphone("stranger", 5131)
        assert (await stranger.register(SERVER, "anna-car", "demo-101")).status == 401


def test_row_f7_a_restart_knows_which_phone_is_which(tmp_path: Path) -> None:
    @virtual_time(limit_s=600)
    async def registers() -> None:
        async with office(tmp_path, change=with_devices) as demo:
            await three_phones(demo)

    @virtual_time(limit_s=600)
    async def is_rung() -> None:
        async with office(tmp_path, scheme=ring("desk of anna"), change=with_devices) as demo:
            phones = {
                name: await demo.softphone(name, port) for name, port in (("own", 5101), ("desk", 5111))
            }
            await demo.call_in(NUMBER)
            await asyncio.sleep(2)
            assert rung(phones) == ["desk"]

    registers()
    is_rung()


@virtual_time(limit_s=600)
async def test_row_f7_i15_a_device_that_is_taken_out_of_the_file_is_rung_no_more(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("anna"), change=with_devices) as demo:
        phones = await three_phones(demo)
        await demo.edit(without_devices)
        await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        assert rung(phones) == ["own"]
        assert (await phones["car"].register(SERVER, "anna-car", "for-the-car")).status == 403


@pytest.mark.parametrize("package", ["message-summary", "dialog"])
@virtual_time
async def test_row_f7_the_lamps_of_a_device_that_asks_for_its_own_login_are_those_of_its_person(
    tmp_path: Path, package: str
) -> None:
    async with office(tmp_path, change=with_devices) as demo:
        await three_phones(demo)
        for login in ("101-desk", "anna-car"):
            watching = await watch(demo.phones["101"], "101", package, target=login)
            assert watching.response.result().status == 200
