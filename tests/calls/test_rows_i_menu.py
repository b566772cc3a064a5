"""Rows I1-I3, I8 and I12: menus, options and extensions on the demo office, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, Office
from tests.harness.prompts import Ears, marked_office, names

MENU = "+48221230003"
AT_ONCE = Habit(answers_after=1.0)
GROUP_AND_QUEUE = """
[extension."200"]
ring = ["101", "102"]
mode = "together"

[extension."205"]
queue = "sales"
"""
TWO_OR_205 = """
[extension."205"]
ring = ["104"]
"""


async def in_menu(demo: Office, number: str = MENU) -> CalleeLeg:
    """Return a caller who has been answered by the menu."""
    return await (await demo.call_in(number)).answered(within=1)


async def press(caller: CalleeLeg, keys: str) -> float:
    """Press ``keys``; return when the last one was down."""
    caller.media.send_digits(keys)
    await asyncio.sleep(0.2 * (len(keys) - 1) + 0.01)
    return asyncio.get_running_loop().time()


async def talked_with(demo: Office) -> str:
    """Return the story of the one call there was."""
    (only,) = await demo.stories()
    assert only.outcome is CallOutcome.TALKED, story(only)
    return story(only)


@virtual_time(limit_s=600)
async def test_row_i1_one_reaches_anna_two_the_queue_three_asks_for_an_extension(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        anna = await demo.phone("101", AT_ONCE)
        ivan = await demo.phone("104", AT_ONCE)
        first = await in_menu(demo)
        await press(first, "1")
        await anna.invited(within=2.1)
        await asyncio.sleep(2)
        first.hang_up()
        second = await in_menu(demo)
        await press(second, "2")
        await anna.invited(2, within=1)
        await asyncio.sleep(2)
        assert ears.music(second.media), "a queue plays music while it rings"
        second.hang_up()
        third = await in_menu(demo)
        pressed = await press(third, "3")
        await asyncio.sleep(2)
        assert names(ears.heard(third.media, since=pressed + 0.1)) == ["enter-extension…"]
        pressed = await press(third, "104")
        assert (await ivan.invited(within=1)).at - pressed < 0.2
        await asyncio.sleep(2)
        third.hang_up()
        assert [each.outcome for each in await demo.stories()] == [CallOutcome.TALKED] * 3


@virtual_time(limit_s=600)
async def test_row_i2_an_extension_may_be_a_person_a_group_or_a_queue(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=lambda text: text + GROUP_AND_QUEUE) as (demo, ears):
        phones = {extension: await demo.phone(extension) for extension in ("101", "102", "103")}
        person = await in_menu(demo)
        await press(person, "103")
        await phones["103"].invited(within=0.5)
        assert [len(phone.invitations) for phone in phones.values()] == [0, 0, 1]
        person.hang_up()
        group = await in_menu(demo)
        await press(group, "200")
        rung = [await phones[extension].invited(within=0.5) for extension in ("101", "102")]
        assert abs(rung[0].at - rung[1].at) < 0.1
        group.hang_up()
        await asyncio.sleep(1)
        queued = await in_menu(demo)
        await press(queued, "205")
        await demo.until(lambda: sum(len(phone.invitations) for phone in phones.values()) == 4, within=0.5)
        await asyncio.sleep(0.5)
        assert ears.music(queued.media)
        queued.hang_up()
        assert [each.outcome for each in await demo.stories()] == [CallOutcome.PROMISE] * 3


@virtual_time(limit_s=600)
async def test_row_i3_one_waits_two_seconds_for_a_longer_extension_and_103_is_taken_at_once(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path) as (demo, _):
        anna, olena = await demo.phone("101"), await demo.phone("103")
        caller = await in_menu(demo)
        await asyncio.sleep(3)
        pressed = await press(caller, "1")
        assert (await anna.invited(within=3)).at - pressed == pytest.approx(2.0, abs=0.1)
        caller.hang_up()
        caller = await in_menu(demo)
        await asyncio.sleep(3)
        pressed = await press(caller, "103")
        assert (await olena.invited(within=1)).at - pressed < 0.1
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_i3_two_beside_extension_205(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=lambda text: text + TWO_OR_205) as (demo, _):
        anna, ivan = await demo.phone("101"), await demo.phone("104")
        caller = await in_menu(demo)
        pressed = await press(caller, "205")
        assert (await ivan.invited(within=1)).at - pressed < 0.1
        caller.hang_up()
        caller = await in_menu(demo)
        pressed = await press(caller, "2")
        assert (await anna.invited(within=3)).at - pressed == pytest.approx(2.0, abs=0.1)
        caller.hang_up()
        caller = await in_menu(demo)
        pressed = await press(caller, "2#")
        assert (await anna.invited(2, within=10)).at - pressed < 6  # the queue leaves her alone for 5 s
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_i3_an_extension_can_be_typed_slowly_and_ended_with_hash(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, _):
        olena = await demo.phone("103", AT_ONCE)
        anna = await demo.phone("101", AT_ONCE)
        caller = await in_menu(demo)
        for key in "103":
            await press(caller, key)
            await asyncio.sleep(1.8)
        await olena.invited(within=0.1)
        caller.hang_up()
        caller = await in_menu(demo)
        pressed = await press(caller, "1#")
        assert (await anna.invited(within=1)).at - pressed < 0.2
        caller.hang_up()
        await asyncio.sleep(1)


async def heard_until_reception(demo: Office, ears: Ears, caller: CalleeLeg) -> tuple[float, list[str]]:
    """Return when the reception rang, and what the caller had heard by then."""
    invitation = await demo.phones["104"].invited(within=45)
    await asyncio.sleep(1.5)
    caller.hang_up()
    return invitation.at, names(ears.heard(caller.media))


@virtual_time(limit_s=600)
async def test_row_i8_a_silent_caller_reaches_the_reception_after_two_plays(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        await demo.phone("104", AT_ONCE)
        began = demo.now
        rang, heard = await heard_until_reception(demo, ears, await in_menu(demo))
        assert heard == ["menu-demo", "no-input", "menu-demo", "no-input"]
        assert rang - began < 45
        told = await talked_with(demo)
        assert "talked with Ivan Petrov" in told


@virtual_time(limit_s=600)
@pytest.mark.parametrize("pause", [0.0, 1.0, 4.0])
async def test_row_i8_five_wrong_digits_reach_the_reception(pause: float, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        await demo.phone("104", AT_ONCE)
        began = demo.now
        caller = await in_menu(demo)
        await asyncio.sleep(1)
        for _ in range(5):
            await press(caller, "9")
            await asyncio.sleep(0.2 + pause)
        rang, heard = await heard_until_reception(demo, ears, caller)
        assert rang - began < 45
        assert heard[0] == "menu-demo…"
        assert heard[1].startswith("invalid")
        await talked_with(demo)


@virtual_time(limit_s=600)
async def test_row_i8_keys_pressed_while_the_mistake_is_explained_count(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        olena = await demo.phone("103", AT_ONCE)
        caller = await in_menu(demo)
        await asyncio.sleep(1)
        await press(caller, "9")
        await ears.until_prompt(caller.media, "invalid", within=3)
        pressed = await press(caller, "103")
        assert (await olena.invited(within=1)).at - pressed < 0.1
        assert names(ears.heard(caller.media)) == ["menu-demo…", "invalid…"]
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_i8_a_wrong_extension_after_three_is_said_to_be_unknown(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        await demo.phone("104", AT_ONCE)
        caller = await in_menu(demo)
        await press(caller, "3#")
        await asyncio.sleep(1)
        await press(caller, "199")
        await ears.until_prompt(caller.media, "extension-unknown", within=3)
        _, heard = await heard_until_reception(demo, ears, caller)
        assert heard == ["enter-extension…", "extension-unknown", "menu-demo", "no-input"]


@virtual_time(limit_s=600)
async def test_row_i8_the_reception_that_does_not_answer_is_followed_by_voicemail(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        await demo.phone("104")
        caller = await in_menu(demo)
        await demo.phones["104"].invited(within=45)
        await asyncio.sleep(25)
        assert names(ears.heard(caller.media))[-1] == "voicemail-greeting-working…"
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE


@virtual_time(limit_s=600)
async def test_row_i12_zero_leads_to_voicemail(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await in_menu(demo)
        await asyncio.sleep(2)
        pressed = await press(caller, "0")
        assert await ears.until_prompt(caller.media, "voicemail-greeting-working", within=1) - pressed < 0.2
        await ears.until_tone(caller.media, 1000.0, within=31)
        await caller.play([Tone((700.0,), 5.0)])
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        assert "left a message of 5 s" in story(only)


WAITS = {
    "queue": '[[step]]\nqueue = "sales"\nfor = "15s"\n',
    "ring": '[[step]]\nsay = "connected"\n[[step]]\nring = ["101"]\nfor = "15s"\n',
}
THEN_MENU = '[[step]]\nmenu = "main"\n[[step]]\nvoicemail = "sales"\n'


@virtual_time(limit_s=600)
@pytest.mark.parametrize("waits", WAITS)
async def test_row_i3_i8_keys_pressed_while_waiting_choose_nothing_in_a_menu_that_follows(
    tmp_path: Path, waits: str
) -> None:
    async with marked_office(tmp_path, scheme=f"{WAITS[waits]}{THEN_MENU}") as (demo, ears):
        await demo.phone("101")
        ivan = await demo.phone("104")
        caller = await in_menu(demo, NUMBER)
        await asyncio.sleep(8)
        await press(caller, "104")
        began = demo.now
        await asyncio.sleep(13)
        assert names(ears.heard(caller.media, since=began)) == ["menu-demo…"], "asked before it counts"
        assert ivan.invitations == []
        await press(caller, "104")
        await ivan.invited(within=1)


@virtual_time(limit_s=600)
async def test_row_i3_i9_keys_pressed_before_a_wait_are_for_the_menu_after_it(tmp_path: Path) -> None:
    async with marked_office(tmp_path, scheme=f"{WAITS['ring']}{THEN_MENU}") as (demo, _):
        await demo.phone("101")
        ivan = await demo.phone("104")
        caller = await in_menu(demo, NUMBER)
        await press(caller, "104")
        await ivan.invited(within=20)
