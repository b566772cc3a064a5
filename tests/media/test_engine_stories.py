"""Hold, NAT, strangers, silence, lost disks: what goes wrong in calls, on virtual time."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.client import Clip, Silence, Tone
from media.endpoint import FAR_PROBATION, PROBATION, TRIAL_S
from media.incoming import IncomingStream
from media.memory import MemoryRtpNetwork
from media.outgoing import OutgoingStream
from media.reports import Reporter, ntp_time
from media.rtp import Goodbye, ReceiverReport, ReportBlock, RtpPacket, SenderReport, build_rtcp, parse_rtcp
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.clock import run_virtually, virtual_time
from tests.harness.hearing import Hearing, Party, deaf
from tests.media.engines import bridge, engine_at, leg_to
from tests.media.peer import HeardPacket, Peer

TRIAL = round(TRIAL_S / 0.02)
"""Packets of a phone within it."""


def assert_continuous(heard: list[HeardPacket]) -> None:
    packets = [each.packet for each in heard]
    assert len({packet.ssrc for packet in packets}) == 1
    assert {(later.sequence - earlier.sequence) & 0xFFFF for earlier, later in pairwise(packets)} == {1}
    elapsed = [each.at - heard[0].at for each in heard]
    stamped = [((packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / 8000 for packet in packets]
    assert np.allclose(elapsed, stamped, atol=0.021)


@virtual_time
async def test_a_peer_on_hold_hears_nothing_and_then_the_same_stream_again() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        await asyncio.sleep(0.5)
        leg.connect(anna.agreement(sends=False, receives=False))
        await asyncio.sleep(0.01)
        before = len(anna.heard)
        await asyncio.sleep(3.0)
        assert len(anna.heard) == before
        leg.connect(anna.agreement())
        await asyncio.sleep(0.5)
        assert len(anna.heard) > before + 20
        assert_continuous(anna.heard)


@virtual_time
async def test_nothing_crosses_a_bridge_toward_or_from_a_peer_on_hold(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        a.connect(anna.agreement(sends=False, receives=False))
        recording = a.record(tmp_path / "hold.wav")

        async def talk() -> None:
            await asyncio.gather(
                anna.say(tone((1000.0,), 0.2, 8000), a.address),
                bob.say(tone((400.0,), 0.2, 8000), b.address),
            )

        await talk()
        assert (anna.heard, bob.heard) == ([], [])
        assert (await recording.stop()).seconds == 0
        a.connect(anna.agreement())
        await talk()
        parties = Party("anna", 1000.0, anna.hearing()), Party("bob", 400.0, bob.hearing())
        assert deaf(*parties, for_s=0.2) == []


@virtual_time
async def test_digits_that_we_press_into_a_bridge_part_its_stream_without_a_seam() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        asyncio.get_running_loop().call_later(0.3, b.send_digits, "7")
        await anna.say(tone((1000.0,), 1.0, 8000), a.address)
    audio = [each for each in bob.heard if each.packet.payload_type == 8]
    numbers = [each.packet.sequence for each in bob.heard]
    assert {(later - earlier) & 0xFFFF for earlier, later in pairwise(numbers)} == {1}
    elapsed = [each.at - audio[0].at for each in audio]
    stamped = [((each.packet.timestamp - audio[0].packet.timestamp) & 0xFFFFFFFF) / 8000 for each in audio]
    assert np.allclose(elapsed, stamped, atol=0.021)
    assert 40 < len(audio) < 45
    assert sum(each.packet.marker for each in audio) == 2


@virtual_time
async def test_a_late_packet_of_before_a_bridge_takes_no_number_of_the_prompt_that_played() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        await a.play([Silence(0.2)]).finished()
        for number in (1, 0, 3, 2, 4):
            bob.sequence, bob.timestamp = 700 + number, 160 * number
            bob.send(bytes([number]) * 160, b.address)
            await asyncio.sleep(0.02)
    packets = [each.packet for each in anna.heard]
    assert [packet.payload[0] for packet in packets[-4:]] == [1, 3, 2, 4]
    assert len({packet.sequence for packet in packets}) == len(packets) == 14


@virtual_time
async def test_timestamps_are_as_late_as_the_clock_after_many_holds_as_after_one() -> None:
    network = MemoryRtpNetwork()
    anna, bob, chance = Peer(network, 4000), Peer(network, 4002), Random(1)
    async with bridge(anna, bob, network) as (a, b):
        speech = asyncio.ensure_future(bob.say(tone((400.0,), 8.0, 8000), b.address))
        for _ in range(20):
            await asyncio.sleep(0.1 + chance.random() / 50)
            a.play([Silence(1.0)], loop=True)
            await asyncio.sleep(0.1 + chance.random() / 50)
            a.stop()
        await speech
    assert_continuous(anna.heard)
    assert len(anna.heard) > 8.0 / 0.02 - 25  # each hold may cost a packet
    assert sum(each.packet.marker for each in anna.heard) == 1 + 2 * 20


@virtual_time
async def test_silence_of_30_s_is_told_once_but_not_on_hold_and_again_after_speech() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        told: list[float] = []
        clock = asyncio.get_running_loop().time
        leg.on_rtp_timeout = lambda: told.append(clock())
        await asyncio.sleep(70)
        assert len(told) == 1
        assert told[0] == pytest.approx(30, abs=1.1)
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(32)
        assert len(told) == 2
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(2)
        leg.connect(anna.agreement(receives=False))
        await asyncio.sleep(300)
        leg.connect(anna.agreement())
        await asyncio.sleep(25)
        assert len(told) == 2
        await asyncio.sleep(10)
        assert len(told) == 3
        leg.connect(anna.agreement(sends=False))  # it holds and sends no music
        await asyncio.sleep(35)
        leg.connect(anna.agreement())
        told.clear()
        await asyncio.sleep(25)
        assert told == []
        await asyncio.sleep(10)
        assert len(told) == 1


@virtual_time
async def test_rfc3389_comfort_noise_and_rtcp_are_signs_of_life_but_no_audio() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        told: list[bool] = []
        leg.on_rtp_timeout = lambda: told.append(True)
        leg.echo()
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(20)
        anna.send(b"\x40", leg.address, number=13)
        await asyncio.sleep(20)
        host, port = leg.address
        report = build_rtcp(ReceiverReport(anna.ssrc))
        network.send(report, source=(anna.address[0], 4001), destination=(host, port + 1))
        await asyncio.sleep(20)
        assert told == []
        assert len(anna.heard) == 1
        await asyncio.sleep(15)
        assert told == [True]


@virtual_time
async def test_rfc4961_another_port_of_the_peers_address_is_believed_until_the_one_agreed_is_heard() -> None:
    network = MemoryRtpNetwork()
    anna, moved = Peer(network, 4000), Peer(network, 4444)
    stranger = Peer(network, 4000, host="10.6.6.6")
    async with leg_to(anna, network) as leg:
        leg.play([Silence(10.0)])
        for _ in range(10):
            stranger.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert not leg.is_heard
        for _ in range(FAR_PROBATION + TRIAL + 10):
            moved.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert leg.source == moved.address
        assert len(moved.heard) > TRIAL
        assert len(anna.heard) > FAR_PROBATION + TRIAL  # who may only listen
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(0.02)
        before = len(moved.heard)
        for peer in (stranger, moved) * 10:
            peer.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(0.5)
        assert len(moved.heard) == before
        assert leg.source == anna.address
        assert stranger.heard == []
        await leg.close()
        assert leg.statistics["packets"] == TRIAL + 11 + 1
        assert leg.statistics["strangers"] == 10 + FAR_PROBATION - 1 + 20


@virtual_time
async def test_rfc4961_a_straggler_of_the_call_before_has_the_peers_place_only_until_it_speaks() -> None:
    network = MemoryRtpNetwork()
    anna, straggler = Peer(network, 4000), Peer(network, 4444)
    async with leg_to(anna, network) as leg:
        for _ in range(FAR_PROBATION + 5):
            straggler.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        leg.play([Silence(10.0)])
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(0.1)
        told = len(straggler.heard)
        for _ in range(TRIAL + 10):
            straggler.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert leg.source == anna.address
        assert len(anna.heard) > TRIAL
        assert len(straggler.heard) == told


@pytest.mark.parametrize("allows_nat", [True, False])
def test_another_ip_address_is_believed_only_where_nat_is_allowed(allows_nat: bool) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        inside, outside = Peer(network, 4000, host="192.168.1.7"), Peer(network, 61000, host="203.0.113.9")
        async with engine_at(network) as engine:
            leg = await engine.open_leg()
            leg.connect(inside.agreement(), allows_nat=allows_nat)
            leg.play([Silence(2.0)])
            for _ in range(FAR_PROBATION + 5):
                outside.send(b"\xd5" * 160, leg.address)
                await asyncio.sleep(0.02)
            assert leg.is_heard is allows_nat
            assert bool(outside.heard) is allows_nat

    run_virtually(story())


@virtual_time
async def test_a_stranger_who_comes_first_takes_no_place_of_a_phone_behind_nat() -> None:
    network = MemoryRtpNetwork()
    inside, phone = Peer(network, 4000, host="192.168.1.7"), Peer(network, 61000, host="203.0.113.9")
    stranger = Peer(network, 4000, host="10.6.6.6")
    async with engine_at(network) as engine:
        leg = await engine.open_leg()
        leg.connect(inside.agreement(), allows_nat=True, peer_host=phone.address[0])
        leg.play([Silence(2.0)])
        for _ in range(FAR_PROBATION - 5):
            stranger.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        for _ in range(20):
            stranger.send(b"\xd5" * 160, leg.address)
            phone.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert leg.source == phone.address
        assert len(phone.heard) > 10
        assert stranger.heard == []
        await leg.close()
        assert leg.statistics["packets"] == 18


@virtual_time
async def test_a_phone_behind_nat_that_speaks_late_gets_its_place_back_from_a_stranger() -> None:
    network = MemoryRtpNetwork()
    inside, phone = Peer(network, 4000, host="192.168.1.7"), Peer(network, 61000, host="203.0.113.9")
    stranger, other = Peer(network, 4000, host="10.6.6.6"), Peer(network, 4000, host="10.7.7.7")
    async with engine_at(network) as engine:
        leg = await engine.open_leg()
        leg.connect(inside.agreement(), allows_nat=True, peer_host=phone.address[0])
        leg.play([Silence(20.0)])
        for _ in range(2 * FAR_PROBATION):  # it was muted, or waited for somebody to answer
            stranger.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert leg.source == stranger.address
        for _ in range(TRIAL + 10):
            for peer in (stranger, other, phone):
                peer.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert leg.source == phone.address
        assert len(phone.heard) > TRIAL
        assert len(stranger.heard) < FAR_PROBATION + 10
        assert other.heard == []


@virtual_time
@pytest.mark.parametrize("is_remapped", [True, False])
async def test_a_phone_that_its_nat_has_forgotten_on_hold_is_heard_and_hears_again(is_remapped: bool) -> None:
    network = MemoryRtpNetwork()
    inside, phone = Peer(network, 4000, host="192.168.1.7"), Peer(network, 61000, host="203.0.113.9")
    later, stranger = Peer(network, 61001, host="203.0.113.9"), Peer(network, 4000, host="10.6.6.6")
    async with engine_at(network) as engine:
        leg = await engine.open_leg()

        def agree(*, sends: bool) -> None:
            agreement = inside.agreement(sends=sends)
            leg.connect(agreement, allows_nat=True, peer_host=phone.address[0])

        async def speak(*peers: Peer, packets: int) -> None:
            for _ in range(packets):
                for peer in peers:
                    peer.send(b"\xd5" * 160, leg.address)
                await asyncio.sleep(0.02)

        agree(sends=True)
        leg.echo()
        await speak(phone, packets=TRIAL + 10)
        agree(sends=False)
        await asyncio.sleep(300.0)
        agree(sends=True)
        before = len(phone.heard)
        back = later if is_remapped else phone
        await speak(stranger, packets=2 * FAR_PROBATION)
        await speak(back, packets=10)
        await speak(back, stranger, packets=20)
        await asyncio.sleep(0.02)
        heard = len(later.heard) if is_remapped else len(phone.heard) - before
        assert heard >= 30 - (PROBATION - 1)
        assert (leg.source, stranger.heard) == (back.address, [])


@virtual_time
@pytest.mark.parametrize("host", ["10.0.0.1", "10.6.6.6"])
async def test_a_flood_before_the_first_word_takes_no_place_however_fast_it_is(host: str) -> None:
    network = MemoryRtpNetwork()
    anna, stranger = Peer(network, 4000), Peer(network, 4444, host=host)
    async with engine_at(network) as engine:
        leg = await engine.open_leg()
        leg.connect(anna.agreement(), allows_nat=True)
        leg.play([Silence(10.0)])
        for _ in range(4 * TRIAL):
            stranger.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.0003)
        for _ in range(50):
            anna.send(b"\xd5" * 160, leg.address)
            stranger.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert leg.is_heard
        assert len(anna.heard) >= 50
        before = len(stranger.heard)
        await asyncio.sleep(0.5)
        assert len(stranger.heard) == before
        await leg.close()
        assert leg.statistics["strangers"] >= 50


@virtual_time
async def test_rfc3264_8_3_1_what_is_under_way_from_the_port_of_before_is_heard_and_not_sent_to() -> None:
    network = MemoryRtpNetwork()
    anna, moved = Peer(network, 4000), Peer(network, 4002)
    async with leg_to(anna, network) as leg:
        leg.echo()
        anna.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(0.02)
        leg.connect(moved.agreement())
        await asyncio.sleep(0.02)
        before = len(anna.heard)
        for _ in range(10):
            anna.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert len(anna.heard) == before
        assert len(moved.heard) == 10
        for _ in range(FAR_PROBATION):  # it told us of a port and speaks from the old one all the same
            anna.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.02)
        assert len(anna.heard) > before
        await leg.close()
        assert leg.statistics["packets"] == 1 + 10 + FAR_PROBATION


@virtual_time
async def test_a_reinvite_to_another_address_opens_the_latch_again() -> None:
    network = MemoryRtpNetwork()
    anna, desk = Peer(network, 4000), Peer(network, 4002, host="10.0.0.2")
    async with leg_to(anna, network) as leg:
        anna.send(b"\xd5" * 160, leg.address)
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        await asyncio.sleep(0.2)
        leg.connect(desk.agreement())
        desk.send(b"\xd5" * 160, leg.address)
        await asyncio.sleep(0.2)
        assert len(desk.heard) >= 9
        assert_continuous(anna.heard + desk.heard)


@virtual_time
async def test_a_change_of_codec_in_mid_play_goes_on_where_it_was() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        playback = leg.play([Tone((1000.0,), 0.4), Tone((400.0,), 0.4)])
        await asyncio.sleep(0.399)
        anna.codec = "PCMU"
        leg.connect(anna.agreement())
        assert await playback.finished()
        await asyncio.sleep(0.01)
        assert_continuous(anna.heard)
        assert len(anna.heard) == 40
        assert anna.hearing().melody(1000.0, 400.0) == [(400.0, 0.4)]
        assert anna.hearing().between(0.1, 0.3).level(400.0) == pytest.approx(-13, abs=0.2)


@virtual_time
async def test_a_new_playback_cuts_the_one_before_and_stop_cuts_it_too() -> None:
    network = MemoryRtpNetwork()
    async with leg_to(Peer(network, 4000), network) as leg:
        first = leg.play([Silence(5.0)])
        await asyncio.sleep(1.0)
        second = leg.play([Silence(5.0)])
        assert not await first.finished()
        assert first.seconds == pytest.approx(1.0, abs=0.03)
        leg.stop()
        assert not await second.finished()


@virtual_time
async def test_a_prompt_that_cannot_be_read_is_passed_over_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    path = tmp_path / "prompt.wav"
    with WavWriter(path, 16000, WavFormat.PCM16) as writer:
        writer.append(tone((1000.0,), 0.5, 16000).astype("<i2").tobytes())
    with caplog.at_level(logging.WARNING):
        async with leg_to(anna, network) as leg:
            assert await leg.play([Clip(tmp_path / "none.wav"), Clip(path, gain_db=-6.0)]).finished()
    assert "none.wav" in caplog.text
    assert len(anna.heard) == 25
    assert anna.hearing().melody(1000.0) == [(1000.0, 0.5)]
    assert anna.hearing().between(0.1, 0.4).level(1000.0) == pytest.approx(-19, abs=0.5)


@virtual_time
async def test_digits_that_we_press_are_heard_once_each_and_audio_goes_on_between() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        await asyncio.sleep(0.1)
        leg.send_digits("1,55#")
        await asyncio.sleep(4.0)
        assert anna.pressed() == "155#"
        numbers = [each.packet.sequence for each in anna.heard]
        assert {(later - earlier) & 0xFFFF for earlier, later in pairwise(numbers)} == {1}
        assert max(np.diff([each.at for each in anna.heard])) < 0.03
        assert 85 < sum(each.packet.payload_type == 8 for each in anna.heard if 0.3 < each.at < 2.1) < 95


@pytest.mark.parametrize("path", ["/dev/full", "/nowhere/message.wav"])
def test_a_disk_that_fails_ends_the_recording_and_not_the_call(path: str) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000)
        async with leg_to(anna, network) as leg:
            leg.echo()
            recording = leg.record(Path(path))
            await anna.say(tone((1000.0,), 1.0, 8000), leg.address)
            summary = await recording.finished()
            assert summary.error
            assert len(anna.heard) >= 49

    run_virtually(story())


@virtual_time
async def test_a_recording_ends_at_its_maximum_and_one_of_noise_is_silent(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        recording = leg.record(tmp_path / "message.wav", max_seconds=1.0)
        await anna.say(tone((1000.0,), 2.0, 8000, -60.0), leg.address)
        summary = await recording.finished()
    assert summary.seconds == pytest.approx(1.0, abs=0.05)
    assert summary.is_silent
    assert Hearing.of_file(summary.path).seconds == summary.seconds


@virtual_time
async def test_a_recording_puts_late_packets_in_their_place_and_ignores_repeated_ones(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        recording = leg.record(tmp_path / "message.wav")
        await asyncio.sleep(0.03)  # so that a pair is parted by the moment at which audio is handed over
        for first, second in [(0x80, 0x81), (0x82, 0x83), (0x84, 0x85)] * 20:
            anna.skip()
            anna.send(bytes([second]) * 160, leg.address)
            await asyncio.sleep(0.02)
            anna.skip(-2)
            anna.send(bytes([first]) * 160, leg.address)
            anna.skip(-1)
            anna.send(bytes([first]) * 160, leg.address)
            anna.skip()
            await asyncio.sleep(0.02)
        summary = await recording.stop()
    spoken = b"".join(bytes([code]) * 160 for code in range(0x80, 0x86)) * 20
    expected = Hearing.of_payloads("PCMA", [spoken[160:]])  # nothing is before the first packet that came
    assert np.array_equal(Hearing.of_file(summary.path).pcm, expected.pcm)


@virtual_time
async def test_g722_is_recorded_at_16_khz_and_reaches_a_g711_leg(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="G722"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        recording = a.record(tmp_path / "wide.wav")
        await asyncio.gather(
            anna.say(tone((1000.0,), 1.0, 16000), a.address), bob.say(tone((400.0,), 1.0, 8000), b.address)
        )
        summary = await recording.stop()
    recorded, heard_by_anna, heard_by_bob = Hearing.of_file(summary.path), anna.hearing(), bob.hearing()
    assert recorded.rate == 16000
    parties = Party("anna", 1000.0, heard_by_anna), Party("bob", 400.0, heard_by_bob)
    assert deaf(*parties, for_s=0.9) == []
    for heard, said_hz in ((recorded, 1000.0), (heard_by_bob, 1000.0), (heard_by_anna, 400.0)):
        assert heard.between(0.1).level(said_hz) > -16
        assert heard.gaps() == heard.clipping() == []


@virtual_time
async def test_rfc3550_6_4_reports_go_both_ways_and_give_round_trip_and_loss() -> None:
    network = MemoryRtpNetwork(latency_s=0.05)
    anna = Peer(network, 4000)
    reports: list[SenderReport] = []
    rtcp = ("10.0.0.1", 4001)

    def answer(compound: bytes, source: tuple[str, int]) -> None:
        report, *more = parse_rtcp(compound)
        if more:
            return  # its leave
        assert isinstance(report, SenderReport)
        reports.append(report)
        block = ReportBlock(report.ssrc, 0, 7, 0, 80, report.ntp_time >> 16 & 0xFFFFFFFF, 65536 // 2)
        reply = build_rtcp(ReceiverReport(anna.ssrc, (block,)))
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, lambda: network.send(reply, source=rtcp, destination=source))

    network.bind(rtcp, answer)
    async with leg_to(anna, network) as leg:
        leg.echo()
        for count in range(500):
            anna.send(b"\xd5" * 160, leg.address)
            if count % 10 == 0:
                anna.skip()
            await asyncio.sleep(0.02)
        await leg.close()
    assert len(reports) == 2
    assert reports[-1].blocks[0].lost in range(24, 51)
    assert leg.statistics["lost"] == 50
    assert leg.statistics["round_trip_ms"] == pytest.approx(100, abs=1)
    assert (leg.statistics["remote_lost"], leg.statistics["remote_jitter_ms"]) == (7, 10.0)


@pytest.mark.parametrize(
    ("hold", "told"), [({"receives": True}, 2), ({"receives": False}, 2), ({"remote": None}, 0)]
)
@virtual_time
async def test_rfc3264_5_1_reports_go_on_on_hold_unless_there_is_nowhere_to_send_them(
    hold: dict[str, Any], told: int
) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    reports: list[bytes] = []
    network.bind(("10.0.0.1", 4001), lambda content, _: reports.append(content))
    async with leg_to(anna, network) as leg:
        leg.play([Tone((1000.0,), 1.0)])
        await asyncio.sleep(4.0)
        leg.connect(anna.agreement(sends=False, **hold))
        before = len(reports)
        await asyncio.sleep(10.5)
        assert len(reports) - before == told


@pytest.mark.parametrize("is_held", [False, True], ids=["talking", "on hold"])
@virtual_time
async def test_rfc3550_6_6_a_leg_that_sent_something_takes_its_leave_once(is_held: bool) -> None:
    network = MemoryRtpNetwork()
    anna, silent = Peer(network, 4000), Peer(network, 4002)
    compounds: list[tuple[int, tuple[object, ...]]] = []
    for port in (4001, 4003):
        network.bind(
            ("10.0.0.1", port), lambda content, _, to=port: compounds.append((to, parse_rtcp(content)))
        )
    async with engine_at(network) as engine:
        legs = [await engine.open_leg(), await engine.open_leg()]
        legs[0].connect(anna.agreement())
        legs[1].connect(silent.agreement())
        legs[0].play([Tone((1000.0,), 1.0)])
        await asyncio.sleep(0.1)
        if is_held:
            legs[0].connect(anna.agreement(sends=False, receives=False))
        for leg in legs:
            await leg.close()
        await asyncio.sleep(0.1)
    ssrc = anna.heard[0].packet.ssrc
    ((port, (report, goodbye)),) = compounds
    assert port == 4001
    assert isinstance(report, SenderReport)
    assert (report.ssrc, goodbye) == (ssrc, Goodbye((ssrc,)))


@pytest.mark.parametrize(
    ("trip_s", "told_ms"),
    [(0.1, 100.0), (0.0, 0.0), (-0.001, 0.0), (-0.1, None), (30.0, 30_000.0)],
)
def test_rfc3550_6_4_1_a_delay_that_a_peer_beside_us_rounds_up_is_no_reason_to_know_of_no_round_trip(
    trip_s: float, told_ms: float | None
) -> None:
    out = OutgoingStream(Random(1))
    reporter = Reporter(out, IncomingStream())
    sent_at, delay_s = 65_535.9, 3.0  # the middle of the time stamp wraps meanwhile
    last_sr = ntp_time(sent_at) >> 16 & 0xFFFF_FFFF
    block = ReportBlock(out.ssrc, 0, 0, 0, 0, last_sr, round(delay_s * 65536))
    reporter.take(build_rtcp(ReceiverReport(7, (block,))), sent_at + delay_s + trip_s)
    told = reporter.statistics().get("round_trip_ms")
    assert told == (None if told_ms is None else pytest.approx(told_ms, abs=0.1))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_malformed_rtp_and_rtcp_are_met_with_silence(datagrams: list[bytes]) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000)
        broken: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        async with leg_to(anna, network) as leg:
            host, port = leg.address
            for each in datagrams:
                header = RtpPacket(101, 1, 1, 1, False, each).to_bytes()
                for content in (each, b"\xb5\x08" + each, header):
                    network.send(content, source=anna.address, destination=(host, port))
                network.send(each, source=anna.address, destination=(host, port + 1))
            await asyncio.sleep(0.1)
            leg.echo()
            anna.ssrc += 1
            anna.send(b"\xd5" * 160, leg.address)
            await asyncio.sleep(0.1)
            assert [packet.packet.payload for packet in anna.heard] == [b"\xd5" * 160]
        assert broken == []

    run_virtually(story())
