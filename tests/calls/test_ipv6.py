"""Sound by IPv6: an office with both IP versions between phones that have one or the other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import CallRefused, Habit
from b2bua.sip.session import IncomingInvite
from media.commands import Tone
from media.sdp.crypto import SrtpPolicy
from media.sdp.negotiate import LocalMedia, make_answer, make_offer, read_answer
from tests.harness.clock import virtual_time
from tests.harness.office import (
    IPV6_PEERS,
    MOBILES,
    NUMBER,
    SERVER_IPV6,
    TO_ANNA,
    Office,
    assert_both_hear,
    office,
)
from tests.media.peer import Peer

IPV6_PHONE = "2001:db8::101"
LINK_LOCAL = "fe80::101%lan0"


def sound_address(run: Office, start: str, *, to_port: int) -> str:
    """Return the ``c=`` of the last message that begins with ``start``."""
    bodies = [packet.wire.partition(b"\r\n\r\n")[2] for packet in run.packets(start, to_port=to_port)]
    [line] = [line for line in bodies[-1].decode().splitlines() if line.startswith("c=")]
    return line


def origin(sdp: bytes) -> str:
    """Return the address of ``o=``."""
    [line] = [line for line in sdp.decode().splitlines() if line.startswith("o=")]
    return line.rpartition(" ")[2]


@dataclass(frozen=True, slots=True)
class PinnedTo(SoundProfile):
    """Sound at one address, whatever the signalling goes by."""

    host: str = ""

    def addresses_toward(self, peer: str, *, own: Sequence[str]) -> tuple[str, str | None]:
        return self.host, None


_versions = itertools.count(2)


async def move(leg: Leg, host: str) -> bytes:
    """Offer sound at another address of a phone, as when it changes its network; return the answer."""
    assert leg.session is not None
    local = LocalMedia(host, leg.media.address[1], session_id=1, version=next(_versions), codecs=("PCMA",))
    offer = make_offer(local)
    answer = await leg.session.reinvite(offer)
    leg.media.connect(read_answer(offer, answer))
    return answer


@virtual_time(limit_s=600)
async def test_a_phone_by_ipv6_and_a_trunk_by_ipv4_hear_each_other(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ipv6=IPV6_PEERS) as run:
        anna = await run.phone("101", Habit(answers_after=1), host=IPV6_PHONE)
        leg = await (await run.call_in(NUMBER)).answered(within=4)
        assert sound_address(run, "INVITE", to_port=5101) == "c=IN IP6 2001:db8::1"
        assert sound_address(run, "SIP/2.0 200", to_port=6001) == "c=IN IP4 127.0.0.1"
        await assert_both_hear(leg, anna.invitations[0].leg, tmp_path)
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_a_phone_by_ipv6_calls_one_by_ipv4_and_the_outside(tmp_path: Path) -> None:
    async with office(tmp_path, ipv6=IPV6_PEERS) as run:
        anna = await run.phone("101", host=IPV6_PHONE)
        piotr = await run.phone("102", Habit(answers_after=1))
        mobiles = await run.mobiles(Habit(answers_after=1))
        for number, callee in (("102", piotr), ("600 100 300", mobiles)):
            leg = await (await run.call_from(anna, "101", number)).answered(within=4)
            assert sound_address(run, "SIP/2.0 200", to_port=5101) == "c=IN IP6 2001:db8::1"
            await assert_both_hear(leg, callee.invitations[0].leg, tmp_path, name=number[:3])
            leg.hang_up()
        assert sound_address(run, "INVITE", to_port=5102) == "c=IN IP4 127.0.0.1"
        assert sound_address(run, "INVITE", to_port=MOBILES[1]) == "c=IN IP4 127.0.0.1"
        await run.settled()


@pytest.mark.parametrize("is_ipv6", [True, False])
def test_reports_are_exchanged_by_either_ip_version(is_ipv6: bool, tmp_path: Path) -> None:
    @virtual_time(limit_s=600)
    async def story() -> None:
        host = IPV6_PHONE if is_ipv6 else "127.0.0.1"
        async with office(tmp_path, scheme=TO_ANNA, ipv6=IPV6_PEERS) as run:
            anna = await run.phone("101", Habit(answers_after=1), host=host)
            leg = await (await run.call_in(NUMBER)).answered(within=4)
            phone = anna.invitations[0].leg
            for index in range(4):  # a round trip is known after three reports
                await assert_both_hear(leg, phone, tmp_path, name=str(index))
            leg.hang_up()
            await phone.close()
            assert 0 < phone.media.statistics["round_trip_ms"] < 100
            await run.settled()

    story()


@virtual_time(limit_s=600)
async def test_srtp_by_ipv6_and_plain_rtp_by_ipv4_are_bridged(tmp_path: Path) -> None:
    def change(text: str) -> str:
        return text.replace("[sip]\n", '[sip]\nsrtp = "offered"\n')

    async with office(tmp_path, scheme=TO_ANNA, change=change, ipv6=IPV6_PEERS) as run:
        anna = await run.phone("101", Habit(answers_after=1), host=IPV6_PHONE)
        anna.profile = SoundProfile(srtp=SrtpPolicy.REQUIRED)
        leg = await (await run.call_in(NUMBER)).answered(within=4)
        phone = anna.invitations[0].leg
        assert phone.media.agreement is not None
        assert phone.media.agreement.keys is not None
        assert phone.media.agreement.remote is not None
        assert phone.media.agreement.remote[0] == "2001:db8::1"
        await assert_both_hear(leg, phone, tmp_path)
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_rfc6157_4_1_an_answer_has_the_ip_version_of_the_offer_whatever_that_of_signalling_is(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, ipv6=IPV6_PEERS) as run:
        piotr = await run.phone("102", Habit(answers_after=1))
        for port, host, offered, wanted in (
            (5101, IPV6_PHONE, "127.0.0.2", "c=IN IP4 127.0.0.1"),
            (5111, "127.0.0.1", IPV6_PEERS, "c=IN IP6 2001:db8::1"),
        ):
            phone = await run.phone("101", host=host, port=port)
            phone.profile = PinnedTo(host=offered)
            leg = await (await run.call_from(phone, "101", "102")).answered(within=4)
            assert sound_address(run, "INVITE", to_port=5060).endswith(offered)
            assert sound_address(run, "SIP/2.0 200", to_port=port) == wanted
            await assert_both_hear(leg, piotr.invitations[-1].leg, tmp_path, name=str(port))
            leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_rfc3264_8_a_phone_that_moves_to_the_other_ip_version_is_heard_and_the_origin_stays(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ipv6=IPV6_PEERS) as run:
        anna = await run.phone("101", Habit(answers_after=1), host=IPV6_PHONE)
        leg = await (await run.call_in(NUMBER)).answered(within=4)
        phone = anna.invitations[0].leg
        for host, connection in (
            ("127.0.0.2", "c=IN IP4 127.0.0.1"),
            (IPV6_PEERS, "c=IN IP6 2001:db8::1"),
            ("127.0.0.2", "c=IN IP4 127.0.0.1"),
        ):
            answer = await move(phone, host)
            assert connection in answer.decode()
            assert origin(answer) == "2001:db8::1"
            await assert_both_hear(leg, phone, tmp_path, name=host[:3])
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_a_phone_that_answers_ipv6_by_ipv4_is_heard_all_the_same(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ipv6=IPV6_PEERS) as run:
        anna = await run.softphone("anna", 5101, host=IPV6_PHONE)
        await anna.register(SERVER_IPV6, "101", "demo-101")
        answered: list[bytes] = []

        def take(invite: IncomingInvite) -> None:
            local = LocalMedia(IPV6_PEERS, 4000, session_id=1, version=1)
            answer, _ = make_answer(invite.offer or b"", local)
            answered.append(answer.replace(b"IP6 2001:db8::2", b"IP4 127.0.0.9"))
            invite.accept(answered[0])

        anna.endpoint.on_invite = take
        peer = Peer(run.rtp, 4000, host="127.0.0.9")
        leg = await (await run.call_in(NUMBER)).answered(within=4)
        leg.loop([Tone((1000.0,), 1.0)])
        await asyncio.sleep(2)
        assert {each.source[0] for each in peer.heard} == {"127.0.0.1"}
        hearing = peer.hearing()
        assert hearing.seconds_of(1000.0) > 1.8
        assert (hearing.gaps(), hearing.clipping()) == ([], [])
        leg.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
async def test_a_phone_that_refuses_the_ip_version_of_its_signalling_is_called_again_with_the_other(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ipv6=IPV6_PEERS) as run:
        anna = await run.phone("101", Habit(answers_after=1), host=IPV6_PHONE)
        anna.profile = PinnedTo(host="127.0.0.2")
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        offers = [packet.wire for packet in run.packets("INVITE", to_port=5101)]
        assert [wire.count(b"c=IN IP6") for wire in offers] == [1, 0]
        await assert_both_hear(leg, anna.invitations[0].leg, tmp_path)
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_an_office_by_ipv4_alone_refuses_sound_by_ipv6_with_488(tmp_path: Path) -> None:
    async with office(tmp_path) as run:
        anna = await run.phone("101")
        anna.profile = PinnedTo(host=IPV6_PHONE)
        call = await run.call_from(anna, "101", "102")
        with pytest.raises(CallRefused) as refused:
            await call.answered(within=3)
        assert refused.value.status == 488
        await run.settled()


@virtual_time(limit_s=600)
async def test_rfc4007_11_2_link_local_phones_are_reached_and_no_message_names_a_zone(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, ipv6="fe80::2%lan0") as run:
        anna = await run.softphone("anna", 5101, host=LINK_LOCAL)
        for contact in (None, "<sip:101@[fe80::101%eth7]:5101>"):
            await anna.register(SERVER_IPV6, "101", "demo-101", contact=contact)
            anna.habit = Habit(answers_after=1)
            leg = await (await run.call_in(NUMBER)).answered(within=4)
            phone = anna.invitations[-1].leg
            await assert_both_hear(leg, phone, tmp_path, name=str(contact is None))
            await move(phone, "fe80::2")
            await assert_both_hear(leg, phone, tmp_path, name=f"{contact is None}-moved")
            phone.hang_up()
            await leg.ended
        told = [packet.wire for packet in run.network.log if b"%eth7" not in packet.wire]
        assert told
        assert not any(b"%" in wire for wire in told)
        await run.settled()
