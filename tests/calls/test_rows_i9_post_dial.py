"""Row I9: the digits of a ``tel:+48221230006,103`` link reach extension 103, however they come."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.demo.softphone import Habit, Softphone
from b2bua.store.calls import EventKind
from b2bua.store.chosen import Choice, How, chosen_report
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, SERVER, Office
from tests.harness.prompts import marked_office, names

LINK = "+48221230006"
AT_ONCE = Habit(answers_after=1.0)
PRESS_AND_PAUSE_S = 0.2
KINDS = {
    "dtmf-relay": ("application/dtmf-relay", "Signal={}\r\nDuration=100\r\n"),
    "dtmf": ("application/dtmf", "{}"),
}


async def linked(demo: Office, uri: str | None = None) -> CalleeLeg:
    """Return a caller who followed the link and was answered."""
    return await (await demo.call_in(LINK, uri=uri)).answered(within=0.3)


async def press(caller: CalleeLeg, keys: str = "103") -> float:
    """Press ``keys`` as RFC 4733 events; return when the last one was down."""
    caller.media.send_digits(keys)
    await asyncio.sleep(PRESS_AND_PAUSE_S * (len(keys) - 1))
    return asyncio.get_running_loop().time()


@virtual_time(limit_s=600)
@pytest.mark.parametrize("pause", [0.0, 0.5, 2.0, 4.0])
async def test_row_i9_digits_after_the_answer_reach_103_within_a_second(pause: float, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, _):
        olena = await demo.phone("103", AT_ONCE)
        caller = await linked(demo)
        await asyncio.sleep(pause)
        last = await press(caller)
        assert (await olena.invited(within=1)).at - last < 0.2
        await asyncio.sleep(2)
        caller.hang_up()
        (only,) = await demo.stories()
        assert [event.detail for event in only.events if event.kind is EventKind.EXTENSION] == ["103"]
        # row I10: the link has been called once
        assert await demo.server.store.journal.extensions_dialled() == {(only.call.dialled, "103"): 1}
        assert list(chosen_report([only])) == ["main"]


@virtual_time(limit_s=600)
async def test_row_i11_who_hangs_up_in_the_menu_is_counted_there(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, _):
        caller = await linked(demo)
        await asyncio.sleep(2)
        caller.hang_up()
        (only,) = await demo.stories()
        assert chosen_report([only])["main"].choices == {Choice(How.HUNG_UP): 1}


@virtual_time(limit_s=600)
@pytest.mark.parametrize("pause", [0.0, 0.5, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(3))
async def test_row_i9_with_one_packet_in_ten_lost(seed: int, pause: float, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        ears.lose(0.1, seed=seed)
        olena = await demo.phone("103", AT_ONCE)
        caller = await linked(demo)
        await asyncio.sleep(pause)
        last = await press(caller)
        assert (await olena.invited(within=1)).at - last < 1
        caller.hang_up()
        (only,) = await demo.stories()
        assert [event.detail for event in only.events if event.kind is EventKind.EXTENSION] == ["103"]


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    "uri",
    [
        "sip:+48221230006,103@127.0.0.1",
        "sip:+48221230006%2C103@127.0.0.1",
        "sip:+48221230006,,103@127.0.0.1:5060",
        "sip:+48221230006;ext=103@127.0.0.1;user=phone",
        "sip:+48221230006@127.0.0.1;ext=103",
        "sip:+48221230006p103@127.0.0.1",
        "sip:+48221230006w103@127.0.0.1",
        "sip:48221230006PP103@127.0.0.1",
        "tel:+48221230006;ext=103",
        "tel:+48221230006;postd=pp103",
        "tel:+48-22-123-00-06,103",
    ],
)
async def test_row_i9_digits_in_the_request_uri_reach_103_without_the_menu(uri: str, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        olena = await demo.phone("103", AT_ONCE)
        began = demo.now
        caller = await linked(demo, uri)
        assert (await olena.invited(within=1)).at - began < 0.3
        await asyncio.sleep(2)
        assert names(ears.heard(caller.media)) == []
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.call.dialled == LINK


async def caller_with_info(demo: Office) -> tuple[Softphone, CalleeLeg]:
    """Return a trunk and its caller, who was answered by the menu."""
    trunk = await demo.softphone("trunk", 6900)
    placed = await trunk.call(SERVER, LINK, from_number=CALLER)
    return trunk, await placed.answered(within=0.3)


async def info(trunk: Softphone, caller: CalleeLeg, kind: str, key: str) -> None:
    """Press one key by SIP INFO within the caller's dialog; it is answered 200."""
    content_type, body = KINDS[kind]
    assert caller.session is not None
    request = caller.session.dialog.request("INFO", body=body.format(key).encode(), content_type=content_type)
    assert (await trunk.endpoint.request(request, SERVER)).status == 200


@virtual_time(limit_s=600)
@pytest.mark.parametrize("kind", KINDS)
async def test_row_i9_digits_by_sip_info_reach_103(kind: str, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, _):
        olena = await demo.phone("103", AT_ONCE)
        trunk, caller = await caller_with_info(demo)
        await asyncio.sleep(2)
        for key in "103":
            await info(trunk, caller, kind, key)
            await asyncio.sleep(PRESS_AND_PAUSE_S)
        await olena.invited(within=0.1)
        caller.hang_up()
        (only,) = await demo.stories()
        assert [event.detail for event in only.events if event.kind is EventKind.EXTENSION] == ["103"]


@virtual_time(limit_s=600)
@pytest.mark.parametrize("lead", [0.0, 0.05, 0.15], ids=["together", "info-later", "info-much-later"])
async def test_row_i9_a_press_sent_both_ways_counts_once(lead: float, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, _):
        olena = await demo.phone("103", AT_ONCE)
        trunk, caller = await caller_with_info(demo)
        await asyncio.sleep(2)
        for key in "103":
            caller.media.send_digits(key)
            await asyncio.sleep(lead)
            await info(trunk, caller, "dtmf-relay", key)
            await asyncio.sleep(0.3)
        await olena.invited(within=0.1)
        await asyncio.sleep(2)
        caller.hang_up()
        (only,) = await demo.stories()
        assert [event.detail for event in only.events if event.kind is EventKind.EXTENSION] == ["103"]


@virtual_time(limit_s=600)
async def test_row_i9_the_wrong_post_dial_digits_still_reach_a_human(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        ivan = await demo.phone("104", AT_ONCE)
        caller = await linked(demo, "tel:+48221230006,777")
        await ivan.invited(within=45)
        await asyncio.sleep(2)
        assert names(ears.heard(caller.media)) == ["invalid", "menu-demo", "no-input"]
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_i9_after_wrong_post_dial_digits_the_keys_of_the_caller_count(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        olena = await demo.phone("103", AT_ONCE)
        caller = await linked(demo, "tel:+48221230006,777")
        await ears.until_prompt(caller.media, "menu-demo", within=10)
        last = await press(caller)
        assert (await olena.invited(within=1)).at - last < 0.2
        caller.hang_up()
        await asyncio.sleep(1)
