"""Row I20 in whole calls: a menu that is pressed by events, by INFO and by tones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit, PlacedCall
from b2bua.sip.headers import NameAddr
from b2bua.sip.uri import SipUri
from b2bua.store.calls import EventKind
from media.dtmf import format_info, key_tones, parse_info
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, SERVER, TO_ANNA, Office, office
from tests.harness.prompts import Ears

MENU = "+48221230003"
ENDS = 3
END_BIT = 0x80


def trunk_with(dtmf: str) -> Callable[[str], str]:
    return lambda text: text.replace("[trunk.demo]\n", f'[trunk.demo]\ndtmf = "{dtmf}"\n')


def without_events(body: bytes) -> bytes:
    """Return the offer of a caller who knows no telephone-event, as old gateways do not."""
    offer = body.decode()
    numbers = "|".join(re.findall(r"a=rtpmap:(\d+) telephone-event", offer))
    without = re.sub(rf"a=(rtpmap|fmtp):({numbers}) .*\r\n", "", offer)
    return re.sub(rf"(m=audio .*?)( ({numbers}))+\r\n", r"\1\r\n", without).encode()


async def call_without_events(run: Office, number: str) -> CalleeLeg:
    trunk = await run.softphone("gateway", 6500)
    dial = Dial(
        who=number,
        uri=str(SipUri(number, SERVER.host, port=SERVER.port)),
        hop=SERVER,
        from_=NameAddr(SipUri("+48500600700", "127.0.0.1")),
    )
    leg = CalleeLeg(dial, await run.peers.open_leg("gateway"), trunk.profile)
    leg._offer = without_events(leg._offer)
    placed = PlacedCall(leg, leg.invite(trunk.endpoint))
    run.stack.push_async_callback(placed.close)
    return await placed.answered(within=10)


async def press_in_every_way(leg: Leg, key: str) -> None:
    """Press a key as event, by INFO and as its tones, as one press."""
    leg.media.send_digits(key)
    await asyncio.sleep(0.25)
    assert leg.session is not None
    content_type, body = format_info(key)
    await leg.session.info(body, content_type)
    await leg.play(key_tones(key))


def mistreat_ends(run: Office, *, lost: int, copies: int) -> None:
    """Lose the first ``lost`` end packets of each press, and let the others come several times."""
    seen = [0]

    def is_lost(packet: bytes, source: tuple[str, int], destination: tuple[str, int]) -> bool:
        if len(packet) != 16 or packet[13] & END_BIT == 0 or source[0] != "127.0.0.2":
            return False
        seen[0] += 1
        if (seen[0] - 1) % ENDS < lost:
            return True
        run.rtp.drop = None
        for _ in range(copies):
            run.rtp.send(packet, source=source, destination=destination)
        run.rtp.drop = is_lost
        return False

    run.rtp.drop = is_lost


async def pressed(run: Office) -> list[str]:
    """Return what was pressed in the menu of the only call."""
    [story] = await run.stories()
    return [event.detail for event in story.events if event.kind is EventKind.MENU]


@pytest.mark.parametrize("copies", [0, 1, 3])
@pytest.mark.parametrize("lost", range(ENDS + 1))
@pytest.mark.parametrize("mode", ["auto", "rfc4733", "info", "inband"])
def test_row_i20_one_press_is_one_digit_whatever_becomes_of_its_ends(
    mode: str, lost: int, copies: int, tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def story() -> None:
        async with office(tmp_path, change=trunk_with(mode)) as run:
            anna = await run.phone("101", Habit(answers_after=1.0))
            caller = await (await run.call_in(MENU)).answered(within=5)
            mistreat_ends(run, lost=lost, copies=copies)
            await press_in_every_way(caller, "1")
            await anna.invited(within=5)
            await asyncio.sleep(2)
            caller.hang_up()
            assert await pressed(run) == ["1"]

    story()


@virtual_time(limit_s=600)
async def test_row_i20_auto_listens_to_the_sound_of_a_caller_without_telephone_event(tmp_path: Path) -> None:
    async with office(tmp_path) as run:
        anna = await run.phone("101", Habit(answers_after=1.0))
        caller = await call_without_events(run, MENU)
        assert not caller.takes_events
        await asyncio.sleep(1)
        await caller.play(key_tones("1"))
        await anna.invited(within=5)
        await asyncio.sleep(2)
        caller.hang_up()
        assert await pressed(run) == ["1"]
        await run.settled()


@virtual_time(limit_s=600)
async def test_row_i20_auto_does_not_listen_to_the_sound_of_who_has_events(tmp_path: Path) -> None:
    async with office(tmp_path) as run:
        anna = await run.phone("101", Habit(answers_after=1.0))
        caller = await (await run.call_in(MENU)).answered(within=5)
        await asyncio.sleep(1)
        await caller.play(key_tones("1"))
        with pytest.raises(TimeoutError):
            await anna.invited(within=5)
        caller.hang_up()
        assert "1" not in await pressed(run)


@virtual_time(limit_s=600)
async def test_row_i20_an_extension_by_tones_over_a_worker_that_dies(tmp_path: Path) -> None:
    async with office(tmp_path, worker_starts_in=0.6) as run:
        ivan = await run.phone("104", Habit(answers_after=1.0))
        caller = await call_without_events(run, MENU)
        run.crash_media()
        await asyncio.sleep(1.5)
        await caller.play(key_tones("104"))
        await ivan.invited(within=5)
        caller.hang_up()
        await run.stories()


async def talk_without_events(run: Office) -> tuple[Leg, Leg]:
    """Let a gateway that takes no events call ``NUMBER``; return its end and Anna's, two seconds later."""
    anna = await run.phone("101", Habit(answers_after=1.0))
    gateway = await call_without_events(run, NUMBER)
    phone = (await anna.invited(within=5)).leg
    await asyncio.sleep(2)
    return gateway, phone


@virtual_time(limit_s=600)
async def test_keys_pressed_while_talking_reach_a_party_without_events_as_tones(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        gateway, phone = await talk_without_events(run)
        ears = Ears(run.rtp, lambda: run.now)
        phone.media.send_digits("42")
        await asyncio.sleep(3)
        assert ears.hearing(gateway.media).keys() == "42"
        gateway.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
async def test_keys_that_come_faster_than_tones_can_sound_reach_the_other_too(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        gateway, phone = await talk_without_events(run)
        ears = Ears(run.rtp, lambda: run.now)
        assert phone.session is not None
        for key in "0078":
            content_type, body = format_info(key)
            await phone.session.info(body, content_type)
        await asyncio.sleep(2)
        assert ears.hearing(gateway.media).keys() == "0078"
        gateway.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
async def test_row_i20_keys_pressed_while_talking_reach_by_info_who_takes_them_so(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=trunk_with("info")) as run:
        anna = await run.phone("101", Habit(answers_after=1.0))
        caller = await (await run.call_in(NUMBER)).answered(within=5)
        phone = (await anna.invited(within=5)).leg
        told: list[str] = []
        assert caller.session is not None
        caller.session.on_info = lambda kind, body: told.append(parse_info(kind, body) or "")
        ears = Ears(run.rtp, lambda: run.now)
        phone.media.send_digits("4422")
        await asyncio.sleep(3)
        assert ("".join(told), ears.keys(caller.media)) == ("4422", "")
        caller.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
async def test_keys_that_come_by_info_while_talking_reach_the_other_as_events(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        anna = await run.phone("101", Habit(answers_after=1.0))
        caller = await (await run.call_in(NUMBER)).answered(within=5)
        phone = (await anna.invited(within=5)).leg
        ears = Ears(run.rtp, lambda: run.now)
        assert caller.session is not None
        for key in "42":
            content_type, body = format_info(key)
            await caller.session.info(body, content_type)
            await asyncio.sleep(0.5)
        assert ears.keys(phone.media) == "42"
        caller.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
async def test_keys_that_come_as_events_while_talking_reach_the_other_once(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as run:
        anna = await run.phone("101", Habit(answers_after=1.0))
        caller = await (await run.call_in(NUMBER)).answered(within=5)
        phone = (await anna.invited(within=5)).leg
        ears = Ears(run.rtp, lambda: run.now)
        caller.media.send_digits("4422")
        await asyncio.sleep(3)
        assert ears.keys(phone.media) == "4422"
        caller.hang_up()
        await run.stories()
