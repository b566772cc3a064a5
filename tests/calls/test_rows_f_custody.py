"""A caller is somebody's duty from the first byte on: journaled first, never left ringing."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit, PlacedCall
from b2bua.routing.facts import Facts
from b2bua.sip.causes import CALLER_HUNG_UP, COMPLETED_ELSEWHERE
from b2bua.store.backup import is_missed
from b2bua.store.calls import CallOutcome
from b2bua.store.database import FILE_NAME
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, SERVER, Office, office

TOGETHER = "+48221230002"


async def ringing_together(demo: Office) -> PlacedCall:
    """Return a call that rings at three phones for five seconds already."""
    for extension in ("101", "102", "103"):
        await demo.phone(extension)
    call = await demo.call_in(TOGETHER)
    await asyncio.sleep(5)
    return call


@virtual_time(limit_s=600)
async def test_the_caller_is_journaled_before_the_first_18x(tmp_path: Path) -> None:
    journaled: list[tuple[int, int]] = []

    def look(wire: bytes) -> bool:
        status = wire[8:11]
        if wire.startswith(b"SIP/2.0 1") and status != b"100":
            with sqlite3.connect(tmp_path / "data" / FILE_NAME) as database:
                [(count,)] = database.execute("select count(*) from calls")
            database.close()
            journaled.append((int(status), count))
        return False

    async with office(tmp_path) as demo:
        demo.network.drop_next(look)  # sees every packet, loses none
        await demo.call_in("+48221230001")
        await asyncio.sleep(1)
        assert journaled[0] == (180, 1)


@virtual_time(limit_s=600)
async def test_a_caller_who_hangs_up_while_it_rings_stops_every_phone_and_is_owed_a_call_back(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        call = await ringing_together(demo)
        hung_up = demo.now
        await call.close()
        await asyncio.sleep(0.2)
        for port in (5101, 5102, 5103):
            [cancel] = demo.packets("CANCEL", to_port=port)
            assert cancel.at - hung_up < 0.1
        assert demo.reasons("CANCEL", to_port=5101) == [CALLER_HUNG_UP]
        assert [status for _, status in call.statuses] == [180]
        assert demo.packets("SIP/2.0 487", to_port=demo.trunk_ports)
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.PROMISE
        assert story(call_story) == (
            "rang Anna Nowak, Piotr Zieliński and Olena Kovalenko 5 s; "
            "hung up while it rang after 5 s; call back"
        )
        assert len(await demo.server.store.promises.open()) == 1
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f8_a_call_that_the_provider_completed_elsewhere_is_missed_by_no_phone(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        call = await ringing_together(demo)
        await call.close(reason=COMPLETED_ELSEWHERE)
        await asyncio.sleep(0.2)
        for port in (5101, 5102, 5103):
            assert demo.reasons("CANCEL", to_port=port) == [COMPLETED_ELSEWHERE]
        [call_story] = await demo.stories()
        assert not any(is_missed(event) for event in call_story.events)
        assert call_story.outcome is CallOutcome.PROMISE
        await demo.settled()


@virtual_time(limit_s=600)
async def test_whoever_hangs_up_ends_the_call_for_the_other(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        for hangs_up in ("caller", "callee"):
            leg = await (await demo.call_in("+48221230001")).answered(within=3)
            await asyncio.sleep(3)
            phone = anna.invitations[-1].leg
            one, other = (leg, phone) if hangs_up == "caller" else (phone, leg)
            one.hang_up()
            await asyncio.sleep(0.1)
            assert not other.is_up
        assert [each.outcome for each in await demo.stories()] == [CallOutcome.TALKED] * 2
        await demo.settled()


@virtual_time(limit_s=600)
async def test_an_offer_without_a_codec_of_ours_is_refused_488_and_journaled(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        trunk = await demo.softphone("trunk", 6500)
        offer = (
            b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            b"m=audio 40000 RTP/AVP 111\r\na=rtpmap:111 speex/16000\r\nm=text 9 a\x1b[2J\xff 1\r\n"
        )
        from_ = f"sip:{CALLER}@127.0.0.1"
        refused = await invite_with(trunk.endpoint, offer, from_)
        assert refused == 488
        said = b"".join(packet.wire for packet in demo.network.log if packet.source.port == SERVER.port)
        assert b"\r\nWarning: 399 b2bua" in said
        assert said.isascii()
        assert b"\x1b" not in said
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.PROMISE
        assert "no common way to send sound" in story(call_story)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_stranger_is_refused_403_and_leaves_no_trace(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        stranger = await demo.softphone("scanner", 5060, host="192.0.2.66")
        call = await stranger.call(SERVER, "+48221230001", from_number="1000")
        with pytest.raises(CallRefused, match="403"):
            await call.answered(within=2)
        assert await demo.server.store.journal.calls() == []
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_bug_of_ours_in_one_call_leaves_no_caller_ringing_and_no_other_call_in_trouble(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        custody = demo.server.serving.reception.custody
        sound_facts = custody.facts
        await demo.phone("101", Habit(refuses_with=486, refuses_after=2))
        call = await demo.call_in("+48221230001")
        await asyncio.sleep(1)
        custody.facts = broken_facts
        with pytest.raises(CallRefused, match="503"):
            await call.answered(within=3)
        custody.facts = sound_facts
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.PROMISE
        await demo.phone("102", Habit(answers_after=1))
        leg = await (await demo.call_in("+48221230001")).answered(within=5)
        leg.hang_up()
        await demo.settled()


def broken_facts() -> Facts:
    raise RuntimeError("a bug")


async def invite_with(endpoint: object, offer: bytes, from_: str) -> int:
    from b2bua.sip.endpoint import SipEndpoint
    from b2bua.sip.headers import NameAddr
    from b2bua.sip.session import Refused

    assert isinstance(endpoint, SipEndpoint)
    invite = endpoint.invite(
        uri="sip:+48221230001@127.0.0.1", hop=SERVER, from_=NameAddr.parse(f"<{from_}>"), offer=offer
    )
    final = await invite.next_event()
    assert isinstance(final, Refused)
    return final.status
