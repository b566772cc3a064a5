"""The office is restarted: phones that do not know of it are rung all the same, row D12."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, office

SCHEME = '[[step]]\nring = ["anna"]\n[[step]]\nvoicemail = "sales"'
PATH = ("<sip:127.0.0.1:5101;lr>", "<sip:edge@192.0.2.8;lr>")


@virtual_time
async def test_d12_a_phone_that_registered_before_a_restart_is_rung_after_it(tmp_path: Path) -> None:
    async with office(tmp_path) as before:
        await before.phone("101")
    async with office(tmp_path, scheme=SCHEME) as after:
        phone = await after.softphone("phone 101", 5101)
        phone.habit = Habit(answers_after=1.0)
        call = await after.call_in(NUMBER)
        await call.answered(within=10)
        assert len(phone.invitations) == 1


@virtual_time
async def test_a_talk_that_is_up_when_the_office_is_stopped_ends_with_its_length(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME) as before:
        await before.phone("101", Habit(answers_after=1.0))
        call = await (await before.call_in(NUMBER)).answered(within=10)
        await asyncio.sleep(65)
        await before.server.calls.end()
    assert call.ended.done()
    async with office(tmp_path) as after:
        (told,) = await after.stories()
        assert told.outcome is CallOutcome.TALKED
        assert story(told) == "talked with Anna Nowak for 1 min 5 s, until the office was stopped"


@virtual_time
async def test_rfc3327_calls_to_a_phone_behind_a_proxy_carry_its_path_as_route(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME) as town:
        phone = await town.phone("101")
        [binding] = town.server.bindings.live("anna", town.now)
        town.server.bindings.put(replace(binding, path=PATH), town.now)
        phone.habit = Habit(answers_after=1.0)
        call = await town.call_in(NUMBER)
        await call.answered(within=10)
        [invite, *_] = town.packets("INVITE", to_port=5101)
        assert parse_message(invite.wire).headers.values("Route") == list(PATH)
