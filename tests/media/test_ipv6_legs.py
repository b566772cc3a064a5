"""Legs with an address of IPv4 and one of IPv6: which is in use, and who is heard by it."""

from __future__ import annotations

import asyncio
import errno
from functools import partial

import pytest

from media.client import MediaLeg, Silence, Tone
from media.codecs.g711 import ALAW_TO_ULAW
from media.endpoint import FAR_PROBATION, Address, Latch
from media.errors import PortsExhausted
from media.factory import EndpointFactory
from media.leg import Leg
from media.memory import MemoryEndpoint, MemoryRtpNetwork
from tests.harness.clock import virtual_time
from tests.harness.ipv6 import IPV6_HOST, why_no_ipv6
from tests.media.engines import engine_at, until, worker
from tests.media.peer import Peer
from tests.media.udp_peer import UdpPeer

HOSTS = ("10.0.0.9", "2001:db8::9")
SOUND = b"\xd5" * 160


@virtual_time
async def test_a_leg_has_one_port_at_both_addresses_and_uses_the_one_of_the_far_end() -> None:
    network = MemoryRtpNetwork()
    old, new = Peer(network, 4000), Peer(network, 4000, host="2001:db8::1")
    async with engine_at(network, HOSTS) as engine:
        leg = await engine.open_leg()
        assert leg.hosts == HOSTS
        port = leg.address[1]
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        for peer, host in ((old, HOSTS[0]), (new, HOSTS[1]), (old, HOSTS[0])):
            before, began = (len(old.heard), len(new.heard)), asyncio.get_running_loop().time()
            leg.connect(peer.agreement())
            await asyncio.sleep(1)
            other = new if peer is old else old
            assert {each.source for each in peer.heard} == {(host, port)}
            assert peer.hearing(since=began).seconds_of(1000.0) > 45 * 0.02
            assert peer.hearing(since=began, is_timed=True).gaps() == []
            assert len(other.heard) <= before[other is new] + 1
        await leg.close()
        again = await engine.open_leg()  # both were given back: this is the next pair, not an error
        assert again.address[1] != port


@virtual_time
async def test_what_comes_by_the_ip_version_that_the_sdp_did_not_name_is_a_stranger_also_behind_nat() -> None:
    network = MemoryRtpNetwork()
    anna, stranger = Peer(network, 4000), Peer(network, 4000, host="2001:db8::bad")
    async with engine_at(network, HOSTS) as engine:
        leg = await engine.open_leg()
        leg.connect(anna.agreement(), allows_nat=True)
        for _ in range(2 * FAR_PROBATION):
            stranger.send(SOUND, (HOSTS[1], leg.address[1]))
            await asyncio.sleep(0.02)
        assert not leg.is_heard
        anna.send(SOUND, leg.address)
        await asyncio.sleep(0.02)
        assert leg.is_heard
        await leg.close()
        assert leg.statistics["strangers"] == 2 * FAR_PROBATION


def test_rfc4961_3_the_latch_follows_another_port_of_an_ipv6_address_but_no_other_address() -> None:
    latch = Latch()
    latch.expect(("2001:db8::1", 4000), allows_nat=False)
    assert [latch.admits(("2001:db8::2", 4000), 0.0) for _ in range(5)] == [False] * 5
    packets = [latch.admits(("2001:db8::1", 4444), number * 0.02) for number in range(FAR_PROBATION)]
    assert packets == [False] * (FAR_PROBATION - 1) + [True]
    assert latch.source == ("2001:db8::1", 4444)


@virtual_time
async def test_an_address_that_the_machine_has_lost_keeps_no_call_from_the_other_one() -> None:
    network = MemoryRtpNetwork()
    lost: set[str] = set()

    def open_pair(address: Address, leg: Leg) -> MemoryEndpoint:
        if address[0] in lost:
            raise OSError(errno.EADDRNOTAVAIL, "cannot assign requested address")
        return MemoryEndpoint(network, address, leg, clock=lambda: 0.0)

    factory = EndpointFactory(open_pair, HOSTS, (20000, 20003))
    leg: Leg = None  # type: ignore[assignment] # nothing is received here
    lost.add(HOSTS[1])
    ports = factory(leg)
    assert ports.hosts == (HOSTS[0],)
    ports.close()
    lost.add(HOSTS[0])
    with pytest.raises(PortsExhausted, match="cannot assign"):
        factory(leg)
    lost.clear()
    assert factory(leg).hosts == HOSTS


@virtual_time
async def test_a_port_that_is_taken_by_one_ip_version_is_passed_over_and_not_kept_by_the_other() -> None:
    network = MemoryRtpNetwork()
    network.bind((HOSTS[1], 20000), lambda content, source: None)
    factory = EndpointFactory(
        lambda address, leg: MemoryEndpoint(network, address, leg, clock=lambda: 0.0), HOSTS, (20000, 20003)
    )
    leg: Leg = None  # type: ignore[assignment] # nothing is received here
    assert factory(leg).port == 20002
    network.bind((HOSTS[0], 20000), lambda content, source: None)  # else it is bound still


# Real sockets


async def test_on_real_sockets_ipv6_and_ipv4_are_bridged_and_a_stranger_changes_nothing() -> None:
    if why_no_ipv6():
        await assert_that_ipv4_goes_on_without()
        return
    with (
        UdpPeer(host=IPV6_HOST) as anna,
        UdpPeer(codec="PCMU", number=0) as bob,
        UdpPeer(host=IPV6_HOST) as stranger,
    ):
        async with worker("127.0.0.1", IPV6_HOST) as engine:
            a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
            to_anna = (IPV6_HOST, a.address[1])
            await bridge(a, b, anna, bob)
            for _ in range(20):
                anna.send(SOUND, to_anna)
                bob.send(b"\xff" * 160, b.address)
                stranger.send(b"\x00" * 160, to_anna)
                await asyncio.sleep(0.002)
            await until(lambda: len(anna.listen()) >= 20 and len(bob.listen()) >= 20)
            await a.close()
            assert a.statistics["packets"] == 20
        assert [packet.payload for _, packet in bob.listen()] == [SOUND.translate(ALAW_TO_ULAW)] * 20
        assert stranger.listen() == []


async def assert_that_ipv4_goes_on_without() -> None:
    """Check on a machine without IPv6 what the office then does: sound by IPv4 alone."""
    print(why_no_ipv6())
    async with worker("127.0.0.1", IPV6_HOST) as engine:
        assert (await engine.open_leg()).hosts == ("127.0.0.1",)


async def bridge(a: MediaLeg, b: MediaLeg, anna: UdpPeer, bob: UdpPeer) -> None:
    a.connect(anna.agreement())
    b.connect(bob.agreement())
    a.bridge(b)
    assert await a.play([Silence(0.02)]).finished()  # by then the worker has taken all orders
    anna.listen()
    anna.heard.clear()


async def test_on_real_sockets_a_far_end_moves_between_both_and_who_stayed_behind_is_not_heard() -> None:
    if why_no_ipv6():
        await assert_that_ipv4_goes_on_without()
        return
    with UdpPeer(host=IPV6_HOST) as new, UdpPeer() as old:
        async with worker("127.0.0.1", IPV6_HOST) as engine:
            leg = await engine.open_leg("mover")
            leg.echo()
            at = {old: ("127.0.0.1", leg.address[1]), new: (IPV6_HOST, leg.address[1])}
            for peer, other in ((old, new), (new, old), (old, new), (new, old)):
                leg.connect(peer.agreement())
                assert await leg.play([Silence(0.02)]).finished()
                for each in (peer, other):
                    each.listen()
                    each.heard.clear()
                for _ in range(10):
                    other.send(SOUND, at[other])
                    peer.send(SOUND, at[peer])
                    await asyncio.sleep(0.002)
                await until(partial(has_heard, peer, 10))
                assert other.listen() == []
            await leg.close()
            assert leg.statistics["packets"] == 40
            assert leg.statistics["strangers"] == 40


def has_heard(peer: UdpPeer, count: int) -> bool:
    return len(peer.listen()) >= count
