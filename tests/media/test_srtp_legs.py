"""Legs with SRTP: what far ends hear, what is recorded, what is dropped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from media.client import Tone
from media.codecs.g711 import ALAW_TO_ULAW, ULAW_TO_ALAW
from media.dtmf import encode_digit
from media.memory import MemoryRtpNetwork
from media.outgoing import Packet
from media.rtp import RtpPacket, parse_rtcp
from media.sdp.crypto import SUITES, StreamKeys
from media.srtp import SrtpSession
from media.tones import tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing, Party, deaf
from tests.media.engines import HOST, engine_on, until, worker
from tests.media.peer import Peer, mirrored
from tests.media.udp_peer import UdpPeer

CM_80, CM_32, GCM_128, GCM_256 = (
    "AES_CM_128_HMAC_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32",
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
)


def keys_of(suite: str = CM_80, number: int = 0) -> StreamKeys:
    size = SUITES[suite].key_bytes
    return StreamKeys(suite, bytes([number]) * size, bytes([number + 100]) * size)


@virtual_time
async def test_a_protected_leg_hears_its_prompt_and_nobody_without_the_key_does() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000, keys=keys_of())
    wire: list[bytes] = []
    network.drop = lambda content, *_: bool(wire.append(content))
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    assert await leg.play([Tone((1000.0,), 0.4)]).finished()
    await asyncio.sleep(0.1)
    assert (anna.hearing().seconds_of(1000.0), len(anna.heard), anna.garbage) == (pytest.approx(0.4), 20, 0)
    assert anna.hearing(is_timed=True).gaps() == anna.hearing().clipping() == []
    assert {len(packet) for packet in wire} == {12 + 160 + 10}
    assert all(each.packet.payload not in packet for each, packet in zip(anna.heard, wire, strict=True))
    assert anna.heard[0].packet.sequence < 0x8000
    await engine.close()


@pytest.mark.parametrize("other", [None, CM_32, GCM_128, GCM_256])
@virtual_time
async def test_legs_with_other_keys_or_none_are_bridged_both_ways_with_digits_and_recording(
    tmp_path: Path, other: str | None
) -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000, keys=keys_of(CM_80))
    bob = Peer(network, 4002, codec="PCMU", event=96, keys=keys_of(other, 7) if other else None)
    a, b = await engine.open_leg(), await engine.open_leg()
    digits: list[str] = []
    a.on_digit = digits.append
    a.connect(anna.agreement())
    b.connect(bob.agreement())
    a.bridge(b)
    recording = a.record(tmp_path / "anna.wav")
    async with asyncio.TaskGroup() as both:
        both.create_task(anna.say(tone((1000.0,), 0.6, 8000), a.address))
        both.create_task(bob.say(tone((400.0,), 0.6, 8000), b.address))
    await anna.press("5", a.address)
    await asyncio.sleep(0.1)
    parties = Party("anna", 1000.0, anna.hearing()), Party("bob", 400.0, bob.hearing())
    assert deaf(*parties, for_s=0.58) == []
    assert (digits, bob.pressed()) == (["5"], "5")
    assert sum(each.packet.payload_type == 96 for each in bob.heard) > 5
    summary = await recording.stop()
    recorded = Hearing.of_file(summary.path)
    assert recorded.seconds_of(1000.0) == pytest.approx(0.6, abs=0.02)
    assert recorded.seconds_of(400.0) == 0.0
    assert (anna.garbage, bob.garbage) == (0, 0)
    await engine.close()


@virtual_time
async def test_a_wrong_key_is_silence_and_not_noise_in_bridge_recording_and_digits(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000, keys=keys_of()), Peer(network, 4002)
    a, b = await engine.open_leg(), await engine.open_leg()
    digits: list[str] = []
    a.on_digit = digits.append
    a.connect(replace(anna.agreement(), keys=keys_of(number=9)))
    b.connect(bob.agreement())
    a.bridge(b)
    recording = a.record(tmp_path / "anna.wav")
    await anna.say(tone((1000.0,), 0.5, 8000), a.address)
    await anna.press("5", a.address)
    anna.srtp = None
    await anna.say(tone((1000.0,), 0.5, 8000), a.address)
    await bob.say(tone((400.0,), 0.5, 8000), b.address)
    await asyncio.sleep(0.1)
    assert (bob.heard, digits, a.is_heard) == ([], [], False)
    summary = await recording.stop()
    assert summary.is_silent
    assert Hearing.of_file(summary.path).peak() == 0
    await a.close()
    assert (a.statistics["packets"], a.statistics["forged"]) == (0, 25 + len(encode_digit("5")) + 25)
    await engine.close()


@virtual_time
async def test_replayed_packets_and_those_of_strangers_change_nothing_and_are_counted() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000, keys=keys_of()), Peer(network, 4002)
    stranger = Peer(network, 4000, host="1.1.1.1")
    a, b = await engine.open_leg(), await engine.open_leg()
    a.connect(anna.agreement(), allows_nat=True)
    b.connect(bob.agreement())
    a.bridge(b)
    seen: list[bytes] = []
    network.drop = lambda content, source, _: bool(source == anna.address and seen.append(content))
    for _ in range(5):
        stranger.send(b"\x00" * 160, a.address)
        await asyncio.sleep(0.02)
    await anna.say(tone((1000.0,), 0.2, 8000), a.address)
    for content in tuple(seen):
        network.send(content, source=anna.address, destination=a.address)
        network.send(content, source=stranger.address, destination=a.address)
    await asyncio.sleep(0.1)
    assert len(bob.heard) == 10
    assert a.source is None
    await a.close()
    assert {name: a.statistics[name] for name in ("packets", "forged", "replayed")} == {
        "packets": 10,
        "forged": 5,
        "replayed": 20,
    }
    await engine.close()


@virtual_time
async def test_rtcp_of_a_protected_leg_is_srtcp_and_forged_reports_count_for_nothing() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000, keys=keys_of(GCM_256))
    reports: list[bytes] = []
    network.bind((anna.address[0], 4001), lambda content, _: reports.append(content))
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    leg.play([Tone((1000.0,), 1.0)], loop=True)
    await asyncio.sleep(6)
    assert anna.srtp is not None
    plain = anna.srtp.unprotect_rtcp(reports[0])
    assert plain is not None
    assert parse_rtcp(plain)[0].ssrc == anna.heard[0].packet.ssrc  # type: ignore[union-attr]
    network.send(plain, source=(anna.address[0], 4001), destination=(HOST, leg.address[1] + 1))
    network.send(
        anna.srtp.protect_rtcp(plain), source=(anna.address[0], 4001), destination=(HOST, leg.address[1] + 1)
    )
    await asyncio.sleep(0.1)
    await leg.close()
    assert leg.statistics["forged"] == 1
    await engine.close()


@virtual_time
async def test_a_reinvite_with_new_keys_loses_no_packet_and_keeps_the_stream() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000, keys=keys_of()), Peer(network, 4002)
    a, b = await engine.open_leg(), await engine.open_leg()
    a.connect(anna.agreement())
    b.connect(bob.agreement())
    a.bridge(b)
    await anna.say(tone((1000.0,), 0.4, 8000), a.address)
    renewed = replace(keys_of(), receiving=b"n" * 30)
    a.connect(replace(anna.agreement(), keys=renewed))
    await anna.say(tone((1000.0,), 0.1, 8000), a.address)
    anna.srtp = SrtpSession(mirrored(renewed))
    await anna.say(tone((1000.0,), 0.4, 8000), a.address)
    await bob.say(tone((400.0,), 0.2, 8000), b.address)
    await asyncio.sleep(0.1)
    parties = Party("anna", 1000.0, anna.hearing()), Party("bob", 400.0, bob.hearing(is_timed=True))
    assert (deaf(*parties, for_s=0.2), parties[1].hearing.gaps()) == ([], [])
    packets = [each.packet for each in bob.heard]
    assert len(packets) == 45
    assert {(later.sequence - earlier.sequence) & 0xFFFF for earlier, later in pairwise(packets)} == {1}
    assert len({packet.ssrc for packet in packets}) == 1
    assert len(anna.heard) == 10
    await a.close()
    assert (a.statistics["forged"], a.statistics["lost"]) == (0, 0)
    await engine.close()


@virtual_time
async def test_protection_that_begins_and_ends_by_reinvite_takes_nothing_of_the_other_kind() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000)
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    leg.echo()
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    await asyncio.sleep(0.1)
    leg.connect(anna.agreement(keys=keys_of()))
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    await asyncio.sleep(0.1)
    assert len(anna.heard) == 10
    anna.srtp = SrtpSession(mirrored(keys_of()))
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    await asyncio.sleep(0.1)
    assert (len(anna.heard), anna.garbage) == (20, 0)
    assert anna.heard[0].packet.ssrc != anna.heard[-1].packet.ssrc
    leg.connect(anna.agreement(keys=None))
    anna.srtp = None
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    await asyncio.sleep(0.1)
    assert len(anna.heard) == 30
    assert anna.hearing().seconds_of(1000.0) == pytest.approx(0.6)
    await engine.close()


@virtual_time
async def test_rfc3711_3_3_1_both_streams_go_on_over_roll_overs() -> None:
    network = MemoryRtpNetwork(latency_s=0.0)
    engine = await engine_on(network)
    anna = Peer(network, 4000, keys=keys_of(GCM_128))
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    leg.echo()
    for _ in range(3 * 65536 // 400):
        anna.send(b"\xd5" * 160, leg.address)
        anna.skip(399)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    assert (len(anna.heard), anna.garbage) == (3 * 65536 // 400, 0)
    assert {each.packet.ssrc for each in anna.heard} == {anna.heard[0].packet.ssrc}
    before = len(anna.heard)
    leg.connect(anna.agreement(keys=replace(keys_of(GCM_128), receiving=b"n" * 28)))
    anna.srtp = SrtpSession(mirrored(replace(keys_of(GCM_128), receiving=b"n" * 28)))
    for _ in range(50):
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    assert len(anna.heard) == before + 50
    assert anna.heard[-1].packet.ssrc != anna.heard[0].packet.ssrc
    await engine.close()


@virtual_time
async def test_rfc3711_3_3_1_whoever_goes_on_by_keys_of_sdp_hears_a_stream_that_wrapped_amid_strangers() -> (
    None
):
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, stranger = Peer(network, 4000, keys=keys_of(GCM_128)), Peer(network, 4000, host="1.1.1.1")

    def has_sent(packets: int) -> None:
        for _ in range(packets // 0x1000):
            anna.send(b"\xd5" * 160, ("10.0.0.8", 9))
            anna.skip(0x0FFF)

    has_sent(0x28000)
    leg = await engine.open_leg()  # as the worker died that was spoken to
    leg.connect(anna.agreement(), allows_nat=True, peer_host="192.0.2.4")
    for _ in range(20):
        stranger.send(b"\x00" * 160, leg.address)
    await asyncio.sleep(0.1)
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    renewed = replace(keys_of(GCM_128), receiving=b"n" * 28)
    leg.connect(anna.agreement(keys=renewed))
    anna.srtp = SrtpSession(mirrored(renewed))
    has_sent(0x30000)  # as if it kept its roll-over counter, which is the same after three
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    await asyncio.sleep(0.1)
    await leg.close()
    counts = {name: leg.statistics[name] for name in ("packets", "forged")}
    assert counts == {"packets": 20, "forged": 20}
    await engine.close()


class SecureUdpPeer(UdpPeer):
    """A far end with SRTP on a real socket."""

    def __init__(self, keys: StreamKeys) -> None:
        super().__init__()
        self.keys = keys
        self.srtp = SrtpSession(mirrored(keys))

    def say(self, payload: bytes, to: tuple[str, int]) -> bytes:
        """Send one packet; return it as it went over the wire."""
        wire: list[bytes] = []

        def carry(content: Packet) -> None:
            wire.append(bytes(content))
            self.udp.sendto(content, to)

        packet = RtpPacket(self.number, self.sequence, self.timestamp, self.address[1], False, payload)
        self.srtp.protecting(carry)(packet.to_bytes())
        self.sequence, self.timestamp = self.sequence + 1, self.timestamp + 160
        return wire[0]

    def payloads(self) -> list[bytes]:
        """Return what was heard so far, unprotected; each packet counts once."""
        found = []
        while True:
            try:
                content = self.udp.recv(2048)
            except BlockingIOError:
                return found
            plain = self.srtp.unprotect(content)
            found.append(b"garbage" if plain is None else plain[12:])


async def test_the_worker_bridges_srtp_to_rtp_over_real_sockets_before_and_after_it_knows_the_source() -> (
    None
):
    with SecureUdpPeer(keys_of(GCM_256)) as anna, UdpPeer(codec="PCMU", number=0) as bob:
        async with worker() as engine:
            a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
            a.connect(replace(anna.agreement(), keys=anna.keys))
            b.connect(bob.agreement())
            a.bridge(b)
            heard: list[bytes] = []
            await until(lambda: anna.say(b"\xd5" * 160, a.address) and bob.listen())
            await until(lambda: bob.send(b"\xff" * 160, b.address) or heard.extend(anna.payloads()) or heard)
            await asyncio.sleep(0.05)
            before = len(bob.listen())
            wire = anna.say(b"\x2a" * 160, a.address)
            await until(lambda: len(bob.listen()) > before)
            anna.udp.sendto(wire, a.address)
            anna.send(b"\x11" * 160, a.address)
            await asyncio.sleep(0.1)
            await a.close()
        assert bob.listen()[-1][1].payload == b"\x2a".translate(ALAW_TO_ULAW) * 160
        assert len(bob.heard) == before + 1
        assert set(heard) == {b"\xff".translate(ULAW_TO_ALAW) * 160}
        assert (a.statistics["forged"], a.statistics["replayed"]) == (1, 1)
