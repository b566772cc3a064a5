"""Legs without a common codec hear each other, over networks that lose, delay, repeat and reorder."""

from __future__ import annotations

import asyncio
from itertools import pairwise, permutations
from pathlib import Path
from random import Random
from sys import getrefcount

import numpy as np
import pytest
from numpy.typing import NDArray

from media import codecs
from media.client import Tone
from media.memory import MemoryRtpNetwork
from media.rtp import RtpPacket
from media.speech import Speech
from media.tones import tone
from tests.harness.clock import run_virtually, virtual_time
from tests.harness.hearing import Hearing, Party, deaf
from tests.media.engines import bridge
from tests.media.peer import STATIC, Peer

Pcm = NDArray[np.int16]

SPEECH = Path(__file__).parents[2] / "prompts" / "en" / "welcome.wav"
CODECS = ("PCMA", "PCMU", "G722", "opus")


def rate_of(peer: Peer) -> int:
    return codecs.by_name(peer.codec).sample_rate_hz


def speech(rate: int, seconds: float = 3.0) -> Hearing:
    return Hearing.of_file(SPEECH, rate=rate).between(0.0, seconds)


@pytest.mark.parametrize(("spoken", "heard"), [*permutations(CODECS, 2), *((each, each) for each in CODECS)])
def test_speech_is_heard_as_it_was_said_between_any_two_codecs(spoken: str, heard: str) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec=spoken), Peer(network, 4002, codec=heard)
        async with bridge(anna, bob, network) as (a, _):
            await anna.say(speech(rate_of(anna)).pcm, a.address)
            await asyncio.sleep(0.2)
        assert bob.hearing().likeness(speech(rate_of(bob))) > 0.9
        assert bob.hearing().clipping() == []
        packets = [each.packet for each in bob.heard]
        assert len({packet.ssrc for packet in packets}) == 1
        assert {packet.payload_type for packet in packets} == {STATIC[heard]}

    run_virtually(story())


def test_the_same_codec_and_the_two_laws_are_passed_on_without_being_decoded() -> None:
    async def story(spoken: str, heard: str) -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec=spoken), Peer(network, 4002, codec=heard)
        async with bridge(anna, bob, network) as (a, _):
            payloads = anna.encoded(speech(rate_of(anna), 0.2).pcm)
            for payload in payloads:
                anna.send(payload, a.address)
                await asyncio.sleep(0.0001)
            await asyncio.sleep(0.002)  # no jitter buffer: they are there at once
            if spoken == heard:
                assert [each.packet.payload for each in bob.heard] == payloads
            assert len(bob.heard) == len(payloads)

    for codec in CODECS:
        run_virtually(story(codec, codec))
    run_virtually(story("PCMA", "PCMU"))


async def say_unevenly(
    peer: Peer, pcm: Pcm, to: tuple[str, int], *, random: Random, trouble: float, jitter_s: float
) -> None:
    """Say ``pcm`` over a network that loses, repeats and delays a ``trouble``-th of the packets each."""
    loop = asyncio.get_running_loop()
    for payload in peer.encoded(pcm):
        packet = RtpPacket(STATIC[peer.codec], peer.sequence, peer.timestamp, peer.ssrc, False, payload)
        peer.skip()
        if random.random() >= trouble:
            late = random.random() * jitter_s + (0.03 if random.random() < trouble else 0.0)
            loop.call_later(late, peer.transmit, packet, to)
            if random.random() < trouble:
                loop.call_later(late + random.random() * 0.05, peer.transmit, packet, to)
        await asyncio.sleep(peer.ptime_ms / 1000)


@pytest.mark.parametrize("trouble", [0.0, 0.05, 0.1, 0.2])
@pytest.mark.parametrize(
    ("spoken", "heard"), [("PCMA", "opus"), ("opus", "PCMA"), ("G722", "PCMU"), ("opus", "G722")]
)
def test_sound_is_back_100_ms_after_trouble_of_the_network(spoken: str, heard: str, trouble: float) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec=spoken), Peer(network, 4002, codec=heard)
        rate = rate_of(anna)
        async with bridge(anna, bob, network) as (a, _):
            random = Random(trouble)
            await say_unevenly(
                anna,
                tone((1000.0,), 3.0, rate),
                a.address,
                random=random,
                trouble=trouble,
                jitter_s=trouble / 4,
            )
            await asyncio.sleep(0.06)  # what was delayed has come
            ended_at = asyncio.get_running_loop().time()
            await anna.say(tone((1000.0,), 1.0, rate), a.address)
            await asyncio.sleep(0.3)
        sound = bob.hearing(is_timed=True)
        troubled = sound.between(sound.times[0] + 0.2, sound.times[0] + 3.0)
        assert troubled.seconds_of(1000.0, above_db=-18.0) > troubled.seconds * (1 - 2.5 * trouble - 0.02)
        calm = sound.between(ended_at + 0.16 + 0.1, ended_at + 0.96)
        assert calm.seconds == pytest.approx(0.7)
        assert calm.levels(1000.0).min() > -18.0
        assert calm.gaps() == sound.clipping() == []

    run_virtually(story())


@pytest.mark.parametrize("lost", [1, 2, 3, 5])
@pytest.mark.parametrize(("spoken", "heard"), [("PCMA", "opus"), ("opus", "PCMA"), ("G722", "PCMA")])
def test_each_loss_is_over_100_ms_after_its_end(spoken: str, heard: str, lost: int) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec=spoken), Peer(network, 4002, codec=heard)
        async with bridge(anna, bob, network) as (a, _):
            for number, payload in enumerate(anna.encoded(tone((1000.0,), 4.0, rate_of(anna)))):
                if number % 40 < 40 - lost:
                    anna.send(payload, a.address)
                else:
                    anna.skip()
                await asyncio.sleep(0.02)
        bad = np.flatnonzero(bob.hearing().levels(1000.0)[10:190] < -18.0)
        runs = np.split(bad, np.flatnonzero(np.diff(bad) > 10) + 1)
        assert len(runs) <= 5
        assert max((int(run[-1] - run[0]) + 1 for run in runs if len(run)), default=0) <= lost + 5

    run_virtually(story())


def test_a_short_loss_is_not_heard_as_a_hole() -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec="G722"), Peer(network, 4002)
        async with bridge(anna, bob, network) as (a, _):
            for number, payload in enumerate(anna.encoded(tone((200.0,), 2.0, 16_000))):
                if number % 20 == 19:
                    anna.skip()
                else:
                    anna.send(payload, a.address)
                await asyncio.sleep(0.02)
        assert bob.hearing().between(0.2, 1.8).levels(200.0).min() > -20.0

    run_virtually(story())


@pytest.mark.parametrize("prompt_at", [0.5, 0.513])
@virtual_time
async def test_a_transcoded_stream_is_continuous_across_a_prompt(prompt_at: float) -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="opus"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        asyncio.get_running_loop().call_later(prompt_at, b.play, [Tone((2000.0,), 0.4)])
        await anna.say(tone((1000.0,), 1.5, 48_000), a.address)
        await asyncio.sleep(0.1)
    packets = [each.packet for each in bob.heard]
    assert {(later.sequence - earlier.sequence) & 0xFFFF for earlier, later in pairwise(packets)} == {1}
    elapsed = [each.at - bob.heard[0].at for each in bob.heard]
    stamped = [((packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / 8000 for packet in packets]
    assert np.allclose(elapsed, stamped, atol=0.021)
    heard = bob.hearing(is_timed=True)
    [(first, before_s), prompt, (again, after_s)] = heard.melody(1000.0, 2000.0, above_db=-20.0)
    assert (first, prompt, again) == (1000.0, (2000.0, 0.4), 1000.0)
    assert 0.4 <= before_s <= 0.48
    assert after_s > 0.5
    assert heard.longest_wait(heard.times[0], heard.times[-1]) == pytest.approx(0.02)
    assert heard.gaps() == heard.clipping() == []


@virtual_time
async def test_who_is_silent_when_a_prompt_ends_is_not_heard_with_what_was_said_before() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="opus"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        await anna.say(tone((1000.0,), 0.2, 48_000), a.address)
        b.play([Tone((2000.0,), 0.4)])
        await anna.say(tone((1000.0,), 0.2, 48_000), a.address)
        anna.skip(20)
        await asyncio.sleep(0.4)
        await anna.say(tone((1000.0,), 0.4, 48_000), a.address)
        await asyncio.sleep(0.1)
    [_, (prompt, prompt_s), (again, again_s)] = bob.hearing().melody(1000.0, 2000.0, above_db=-20.0)
    assert (prompt, prompt_s, again) == (2000.0, 0.4, 1000.0)
    assert again_s == pytest.approx(0.4, abs=0.03)


def test_of_a_flood_while_a_prompt_is_played_hardly_anything_is_kept() -> None:
    speech, payload = Speech(16_000), bytes(range(160))
    for number in range(2000):
        speech.hold("PCMA", payload, timestamp=number * 160, ssrc=1, now=1.0)
    assert getrefcount(payload) < 50


@virtual_time
async def test_who_pauses_is_not_filled_with_packets_for_long_and_heard_again_at_once() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="opus"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, _):
        await anna.say(tone((1000.0,), 0.5, 48_000), a.address)
        await asyncio.sleep(0.5)
        before = len(bob.heard)
        anna.skip(100 + 25)
        await asyncio.sleep(2.0)
        assert len(bob.heard) == before
        await anna.say(tone((1000.0,), 0.5, 48_000), a.address)
        await asyncio.sleep(0.1)
    again = bob.heard[before:]
    assert 23 <= len(again) <= 40
    assert again[0].packet.marker
    assert bob.hearing(since=again[0].at).between(0.04, 0.4).levels(1000.0).min() > -18.0


@pytest.mark.parametrize(("pause_s", "ptime_ms"), [(0.3, 20), (0.4, 20), (0.36, 60)])
def test_rfc3550_5_1_time_stamps_count_the_pauses_of_who_sends_nothing_while_silent(
    pause_s: float, ptime_ms: int
) -> None:
    @virtual_time
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000), Peer(network, 4002, codec="G722", ptime_ms=ptime_ms)
        async with bridge(anna, bob, network) as (a, _):
            for _ in range(8):
                await anna.say(tone((1000.0,), 0.4, 8000), a.address)
                anna.skip(round(pause_s / 0.02))
                await asyncio.sleep(pause_s)
        elapsed = np.array([each.at - bob.heard[0].at for each in bob.heard])
        first = bob.heard[0].packet.timestamp
        stamped = np.array([(each.packet.timestamp - first) % (1 << 32) / 8000 for each in bob.heard])
        assert np.abs(stamped - elapsed).max() < 0.1
        assert sum(each.packet.marker for each in bob.heard) == 8

    story()


@virtual_time
async def test_a_peer_that_changes_its_ssrc_goes_on_to_be_heard() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="G722"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, _):
        await anna.say(tone((1000.0,), 0.5, 16_000), a.address)
        anna.ssrc, anna.timestamp, anna.sequence = 99, 12345, 7
        await anna.say(tone((1000.0,), 0.5, 16_000), a.address)
        await asyncio.sleep(0.1)
    assert bob.hearing().between(0.1, 0.9).seconds_of(1000.0, above_db=-18.0) > 0.69


@pytest.mark.parametrize(("spoken", "heard"), [("opus", "PCMA"), ("PCMA", "opus"), ("G722", "PCMA")])
def test_rfc4733_2_1_a_press_crosses_to_another_clock_as_one_event_of_the_same_length(
    spoken: str, heard: str
) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec=spoken), Peer(network, 4002, codec=heard, event=96)
        digits: list[str] = []
        async with bridge(anna, bob, network) as (a, _):
            a.on_digit = digits.append
            await anna.say(tone((1000.0,), 0.3, rate_of(anna)), a.address)
            for digit in "55#":
                await anna.press(digit, a.address)
                await asyncio.sleep(0.06)
            await anna.say(tone((1000.0,), 0.3, rate_of(anna)), a.address)
            await asyncio.sleep(0.1)
        assert "".join(digits) == "55#"
        events = [each.packet for each in bob.heard if each.packet.payload_type == 96]
        clock_hz = codecs.by_name(heard).clock_rate_hz
        assert bob.pressed() == "55#"
        assert len({packet.timestamp for packet in events}) == 3
        assert max(int.from_bytes(packet.payload[2:], "big") for packet in events) == clock_hz // 10
        numbers = [each.packet.sequence for each in bob.heard]
        assert {(later - earlier) & 0xFFFF for earlier, later in pairwise(numbers)} == {1}

    run_virtually(story())


@pytest.mark.parametrize(("spoken", "heard"), [("opus", "PCMA"), ("G722", "opus"), ("PCMA", "G722")])
def test_rfc4733_2_5_1_3_a_press_of_several_segments_crosses_as_one_and_what_is_late_as_none(
    spoken: str, heard: str
) -> None:
    @virtual_time
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna, bob = Peer(network, 4000, codec=spoken), Peer(network, 4002, codec=heard, event=96)
        hz = codecs.by_name(spoken).clock_rate_hz
        begin, step = anna.timestamp, 65_535 // 4

        async def event(
            at: int, code: int, ticks: int, *, is_last: bool = False, marker: bool = False
        ) -> None:
            payload = bytes((code, 0x80 * is_last + 10)) + ticks.to_bytes(2, "big")
            stamp = (begin + at) & 0xFFFFFFFF
            anna.transmit(RtpPacket(101, anna.sequence, stamp, anna.ssrc, marker, payload), a.address)
            anna.sequence = (anna.sequence + 1) & 0xFFFF
            await asyncio.sleep(step / hz)

        async with bridge(anna, bob, network) as (a, _):
            for segment in range(3):
                for ticks in (step, 2 * step, 3 * step, 65_535):
                    is_last = segment == 2 and ticks == 65_535
                    await event(
                        segment * 65_535, 5, ticks, is_last=is_last, marker=segment == 0 and ticks == step
                    )
            await event(4 * 65_535, 6, step, marker=True)
            await event(2 * 65_535, 5, 65_535, is_last=True)
            await event(4 * 65_535, 6, 2 * step, is_last=True)
        events = [each.packet for each in bob.heard if each.packet.payload_type == 96]
        assert [packet.payload[0] for packet in events] == [5] * 12 + [6] * 2
        assert [packet.marker for packet in events] == [True] + [False] * 11 + [True, False]
        assert len({packet.timestamp for packet in events[:12]}) == 1
        lasted = [int.from_bytes(packet.payload[2:], "big") for packet in events[:12]]
        assert lasted == sorted(lasted)
        heard_hz = codecs.by_name(heard).clock_rate_hz
        assert lasted[-1] == pytest.approx(min(3 * 65_535 * heard_hz / hz, 65_535), abs=3)

    story()


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_what_we_transcode_comes_in_packets_as_long_as_the_listener_wants(ptime_ms: int) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec="opus", ptime_ms=60)
        bob = Peer(network, 4002, codec="PCMA", ptime_ms=ptime_ms)
        async with bridge(anna, bob, network) as (a, _):
            await anna.say(speech(48_000).pcm, a.address)
            await asyncio.sleep(0.2)
        assert {len(each.packet.payload) for each in bob.heard} == {8 * ptime_ms}
        assert bob.hearing().likeness(speech(8000)) > 0.9

    run_virtually(story())


@virtual_time
async def test_nothing_is_transcoded_toward_or_from_a_leg_on_hold() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="opus"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        await anna.say(tone((1000.0,), 0.2, 48_000), a.address)
        b.connect(bob.agreement(sends=False, receives=True))
        await asyncio.sleep(0.05)
        before = len(bob.heard)
        await anna.say(tone((1000.0,), 0.5, 48_000), a.address)
        assert len(bob.heard) == before
        b.connect(bob.agreement())
        await anna.say(tone((1000.0,), 0.5, 48_000), a.address)
        assert len(bob.heard) > before + 20


@virtual_time
async def test_a_reinvite_to_another_codec_is_transcoded_from_then_on_as_another_stream() -> None:
    """RFC 7160 §4.1: another clock rate is another SSRC."""
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        await anna.say(tone((1000.0,), 0.4, 8000), a.address)
        first = {each.packet.ssrc for each in bob.heard}
        bob.heard.clear()
        bob.codec = "opus"
        b.connect(bob.agreement())
        await anna.say(tone((1000.0,), 0.6, 8000), a.address)
        await bob.say(tone((400.0,), 0.4, 48_000), b.address)
        await asyncio.sleep(0.1)
    assert len(first) == 1
    assert first.isdisjoint({each.packet.ssrc for each in bob.heard})
    assert bob.hearing().between(0.1, 0.5).levels(1000.0).min() > -18.0
    assert anna.hearing().between(0.1, 0.3).levels(400.0).min() > -18.0
    parties = Party("anna", 1000.0, anna.hearing()), Party("bob", 400.0, bob.hearing())
    assert deaf(*parties, for_s=0.3) == []


@virtual_time
async def test_rfc4028_a_reinvite_that_but_refreshes_the_session_is_not_heard() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="G722"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, b):
        said = asyncio.ensure_future(anna.say(tone((1000.0,), 1.0, 16_000), a.address))
        for leg, peer in ((a, anna), (b, bob)):
            await asyncio.sleep(0.4)
            leg.connect(peer.agreement())
        await said
        await asyncio.sleep(0.1)
    assert {round(later.at - earlier.at, 3) for earlier, later in pairwise(bob.heard)} == {0.02}
    assert bob.hearing().between(0.1, 0.9).levels(1000.0).min() > -18.0


@virtual_time
async def test_a_broken_packet_of_opus_does_not_end_the_sound_of_the_others() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000, codec="opus"), Peer(network, 4002)
    async with bridge(anna, bob, network) as (a, _):
        payloads = anna.encoded(tone((1000.0,), 1.0, 48_000))
        for number, payload in enumerate(payloads):
            anna.send(b"\xff\xff\xff" if number % 10 == 5 else payload, a.address)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
    assert bob.hearing().between(0.1, 0.9).seconds_of(1000.0, above_db=-18.0) > 0.6 * 0.8


@virtual_time
async def test_rfc3389_comfort_noise_in_a_pause_is_not_taken_for_loss() -> None:
    network = MemoryRtpNetwork()
    anna, bob = Peer(network, 4000), Peer(network, 4002, codec="opus")
    async with bridge(anna, bob, network) as (a, _):
        await anna.say(tone((1000.0,), 0.6, 8000), a.address)
        for _ in range(10):
            anna.send(b"\x40", a.address, number=13)
            anna.skip(9)
            await asyncio.sleep(0.2)
        before = len(bob.heard)
        await anna.say(tone((1000.0,), 0.6, 8000), a.address)
        await asyncio.sleep(0.1)
    silent_at = [each.at for each in bob.heard[:before]][-1] - bob.heard[0].at
    assert silent_at < 0.6 + 0.3
    again_at = bob.heard[before].at
    again = bob.hearing(is_timed=True).between(again_at + 0.04, again_at + 0.56)
    assert (again.seconds, again.gaps()) == (pytest.approx(0.52), [])
    assert again.levels(1000.0).min() > -18.0
