"""What far ends hear from an engine, on virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media.client import Silence, Tone
from media.errors import PortsExhausted
from media.memory import MemoryRtpNetwork
from media.tones import tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.media.engines import engine_on
from tests.media.peer import Peer

PITCHES = (400.0, 1000.0, 2000.0)


@virtual_time
async def test_a_tone_is_heard_in_whole_frames_20_ms_apart_and_ends_as_played() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000)
    leg = await engine.open_leg("anna")
    leg.connect(anna.agreement())
    assert await leg.play([Tone((1000.0,), 0.4), Silence(0.1)]).finished()
    times = [each.at for each in anna.heard]
    assert len(times) == 25
    assert np.allclose(np.diff(times), 0.02)
    assert {each.source for each in anna.heard} == {leg.address}
    assert anna.hearing().melody(*PITCHES) == [(1000.0, 0.4)]
    await engine.close()


@virtual_time
async def test_who_is_played_something_just_after_another_has_left_gets_no_packets_at_once() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000), Peer(network, 4002)
    leaving, staying = await engine.open_leg("anna"), await engine.open_leg("bob")
    leaving.connect(anna.agreement())
    staying.connect(bob.agreement())
    leaving.play([Tone((1000.0,), 5.0)])
    await asyncio.sleep(1.01)
    await leaving.close()
    await asyncio.sleep(0.07)
    staying.play([Tone((1000.0,), 1.0)])
    await asyncio.sleep(0.5)
    assert np.allclose(np.diff([each.at for each in bob.heard]), 0.02)
    await engine.close()


@virtual_time
async def test_bridged_legs_hear_each_other_as_one_continuous_stream_across_play_bridge_play() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000), Peer(network, 4002, codec="PCMU")
    a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
    a.connect(anna.agreement())
    b.connect(bob.agreement())
    assert await b.play([Tone((400.0,), 0.2)]).finished()
    a.bridge(b)
    await anna.say(tone((1000.0,), 0.5, 8000), a.address)
    playback = b.play([Tone((2000.0,), 0.2)])
    await anna.say(tone((1000.0,), 0.4, 8000), a.address)
    assert await playback.finished()
    packets = [each.packet for each in bob.heard]
    assert len({packet.ssrc for packet in packets}) == 1
    assert {(later.sequence - earlier.sequence) & 0xFFFF for earlier, later in pairwise(packets)} == {1}
    elapsed = [each.at - bob.heard[0].at for each in bob.heard]
    stamped = [((packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / 8000 for packet in packets]
    assert np.allclose(elapsed, stamped, atol=0.021)
    melody = [(400.0, 0.2), (1000.0, 0.5), (2000.0, 0.2), (1000.0, 0.2)]
    assert bob.hearing().melody(*PITCHES) == melody
    assert bob.hearing(is_timed=True).gaps() == bob.hearing().clipping() == []
    assert [number for number, packet in enumerate(packets) if packet.marker] == [0, 10, 35, 45]
    await engine.close()


@virtual_time
async def test_rfc3550_5_1_prompt_music_talk_hold_and_transfer_are_one_stream_to_who_hears_them() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    caller, bob, carol = Peer(network, 4000), Peer(network, 4002), Peer(network, 4004, codec="G722")
    legs = [await engine.open_leg(name) for name in ("caller", "bob", "carol")]
    for leg, peer in zip(legs, (caller, bob, carol), strict=True):
        leg.connect(peer.agreement())
    line, first, second = legs
    assert await line.play([Tone((400.0,), 0.2)]).finished()
    line.play([Tone((2000.0,), 1.0)], loop=True)
    await asyncio.sleep(0.3)
    line.bridge(first)
    line.stop()
    await bob.say(tone((1000.0,), 0.3, 8000), first.address)
    line.play([Tone((2000.0,), 1.0)], loop=True)
    await asyncio.sleep(0.3)
    line.bridge(second)
    line.stop()
    await carol.say(tone((400.0,), 0.3, 16000), second.address)
    await asyncio.sleep(0.2)
    packets = [each.packet for each in caller.heard]
    assert len({packet.ssrc for packet in packets}) == 1
    assert {(later.sequence - earlier.sequence) & 0xFFFF for earlier, later in pairwise(packets)} == {1}
    elapsed = [each.at - caller.heard[0].at for each in caller.heard]
    stamped = [((packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / 8000 for packet in packets]
    assert np.allclose(elapsed, stamped, atol=0.041)
    heard = caller.hearing(is_timed=True)
    assert [pitch for pitch, _ in heard.melody(*PITCHES)] == [400, 2000, 1000, 2000, 400]
    assert sum(seconds for _, seconds in heard.melody(*PITCHES)) == pytest.approx(1.4, abs=0.08)
    assert heard.gaps() == heard.clipping() == []
    await engine.close()


@virtual_time
async def test_a_recording_holds_what_was_said_with_gaps_as_silence(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000)
    leg = await engine.open_leg("anna")
    leg.connect(anna.agreement())
    recording = leg.record(tmp_path / "message.wav")
    await anna.say(tone((1000.0,), 1.0, 8000), leg.address)
    anna.skip(25)
    await asyncio.sleep(0.5)
    await anna.say(tone((400.0,), 0.5, 8000), leg.address)
    summary = await recording.stop()
    heard = Hearing.of_file(summary.path)
    assert (heard.rate, heard.seconds, summary.seconds) == (8000, 2.0, 2.0)
    assert heard.melody(*PITCHES) == [(1000.0, 1.0), (400.0, 0.5)]
    [gap] = heard.gaps()
    assert (gap.at, gap.until) == pytest.approx((1.0, 1.5))
    assert heard.between(1.0, 1.5).peak() < 20
    assert heard.clipping() == []
    assert not summary.is_silent
    assert -14 < summary.peak_dbfs < -12
    await engine.close()


@virtual_time
async def test_each_press_is_told_once_and_reaches_the_other_leg_under_its_payload_type() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000, event=101), Peer(network, 4002, event=96)
    a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
    digits: list[str] = []
    a.on_digit = digits.append
    a.connect(anna.agreement())
    b.connect(bob.agreement())
    a.bridge(b)
    await anna.press("5", a.address)
    await anna.press("5", a.address)
    await anna.press("#", a.address)
    await asyncio.sleep(0.1)
    assert digits == ["5", "5", "#"]
    assert bob.pressed() == "55#"
    assert {each.packet.payload_type for each in bob.heard} == {96}
    assert len(bob.heard) > 15
    await engine.close()


@virtual_time
async def test_no_leg_opens_without_a_port_and_one_that_is_closed_lends_its_own_at_once() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network, ports=(20000, 20003))
    first, second = await engine.open_leg(), await engine.open_leg()
    assert (first.address[1], second.address[1]) == (20000, 20002)
    with pytest.raises(PortsExhausted):
        await engine.open_leg()
    await first.close()
    assert (await engine.open_leg()).address[1] == 20000
    await engine.close()
