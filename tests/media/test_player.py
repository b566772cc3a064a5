"""What a leg is played: louder, softer, over and over, from the middle, cut at once, and told on the way."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media.call_tones import call_tones
from media.client import Clip, Silence, Tone
from media.memory import MemoryRtpNetwork
from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.clock import virtual_time
from tests.media.engines import leg_to
from tests.media.peer import Peer

LOW, HIGH = Tone((400.0,), 0.4), Tone((1000.0,), 0.4)


def prompt(path: Path, *, seconds: float = 0.5) -> Path:
    with WavWriter(path, 8000, WavFormat.PCM16) as writer:
        writer.append(tone((1000.0,), seconds, 8000).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("gain_db", [-12.0, 0.0, 6.0])
def test_a_clip_is_as_much_louder_or_softer_as_is_asked_for(gain_db: float, tmp_path: Path) -> None:
    @virtual_time
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000)
        async with leg_to(anna, network) as leg:
            await leg.play([Clip(prompt(tmp_path / "prompt.wav"), gain_db=gain_db)]).finished()
        assert anna.hearing().between(0.1, 0.4).level(1000.0) == pytest.approx(-13.0 + gain_db, abs=0.3)
        assert anna.hearing().melody(1000.0) == [(1000.0, 0.5)]
        assert anna.hearing().clipping() == []

    story()


@virtual_time
async def test_nothing_of_what_is_cut_leaves_any_more() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([Tone((400.0,), 5.0)])
        await asyncio.sleep(1.005)
        heard = len(anna.heard)
        leg.stop()
        await asyncio.sleep(0.5)
        assert len(anna.heard) - heard <= 1  # what is on its way


@virtual_time
async def test_from_one_sound_to_the_next_no_packet_is_missing_and_none_is_too_much() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([LOW, HIGH, LOW])
        await asyncio.sleep(0.61)
        leg.play([HIGH])
        await asyncio.sleep(1)
    timestamps = [each.packet.timestamp for each in anna.heard]
    steps = {(later - earlier) % 2**32 for earlier, later in pairwise(timestamps)}
    assert steps == {160}
    gaps = [later.at - earlier.at for earlier, later in pairwise(anna.heard)]
    assert max(gaps) < 0.041
    assert anna.hearing().melody(400.0, 1000.0) == [(400.0, 0.4), (1000.0, 0.22 + 0.4)]


@virtual_time
async def test_a_loop_begins_anew_without_a_seam() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([LOW, HIGH], loop=True)
        await asyncio.sleep(4.0)
    heard = anna.hearing()
    assert heard.seconds == pytest.approx(4.0, abs=0.04)
    assert heard.melody(400.0, 1000.0)[:8] == [(400.0, 0.4), (1000.0, 0.4)] * 4
    for start in (0.0, 0.8, 1.6, 2.4):
        assert heard.between(start + 0.04, start + 0.36).level(400.0) > -14.0
        assert heard.between(start + 0.44, start + 0.76).level(1000.0) > -14.0
    assert heard.gaps() == heard.clipping() == []


@pytest.mark.parametrize(("start_s", "low_s", "high_s"), [(0.0, 0.4, 0.4), (0.3, 0.1, 0.4), (0.6, 0.0, 0.2)])
def test_it_begins_where_it_is_asked_to(start_s: float, low_s: float, high_s: float) -> None:
    @virtual_time
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000)
        async with leg_to(anna, network) as leg:
            assert await leg.play([LOW, HIGH], start_s=start_s).finished()
        melody = [(400.0, low_s), (1000.0, high_s)]
        assert anna.hearing().seconds == pytest.approx(low_s + high_s)
        assert anna.hearing().melody(400.0, 1000.0) == [note for note in melody if note[1]]
        assert anna.hearing().between(low_s + 0.02, low_s + high_s - 0.02).level(1000.0) > -14.0

    story()


@virtual_time
async def test_a_loop_that_begins_in_the_middle_is_whole_the_next_time() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([LOW, HIGH], loop=True, start_s=0.6 + 0.8 * 3)
        await asyncio.sleep(1.5)
    melody = [(1000.0, 0.2), (400.0, 0.4), (1000.0, 0.4), (400.0, 0.4)]
    assert anna.hearing().melody(400.0, 1000.0)[:4] == melody
    assert anna.hearing().between(0.02, 0.18).level(1000.0) > -14.0
    assert anna.hearing().between(0.24, 0.56).level(400.0) > -14.0
    assert anna.hearing().gaps() == []


@virtual_time
async def test_whoever_plays_is_told_which_sound_is_heard() -> None:
    network = MemoryRtpNetwork()
    async with leg_to(Peer(network, 4000), network) as leg:
        now = asyncio.get_running_loop().time
        began, told = now(), []
        playback = leg.play([LOW, Silence(0.2), HIGH])
        playback.on_item = lambda index: told.append((index, round(now() - began, 2)))
        assert playback.item == 0
        assert await playback.finished()
        assert [index for index, _ in told] == [1, 2]
        assert [at for _, at in told] == pytest.approx([0.4, 0.6], abs=0.03)
        assert playback.item == 2


@virtual_time
async def test_in_a_loop_it_is_told_over_and_over_and_no_more_once_it_was_cut() -> None:
    network = MemoryRtpNetwork()
    async with leg_to(Peer(network, 4000), network) as leg:
        told: list[int] = []
        playback = leg.play([LOW, HIGH], loop=True)
        playback.on_item = told.append
        await asyncio.sleep(1.7)
        assert told == [1, 0, 1, 0]
        leg.stop()
        await asyncio.sleep(2)
        assert told == [1, 0, 1, 0]


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722"])
@pytest.mark.parametrize("ptime_ms", [20, 60])
def test_between_sounds_that_fill_no_whole_packets_there_is_no_pause(
    codec: str, ptime_ms: int, tmp_path: Path
) -> None:
    @virtual_time
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec=codec, ptime_ms=ptime_ms)
        at = np.arange(round(1.014 * 8000)) / 8000
        with WavWriter(tmp_path / "music.wav", 8000, WavFormat.PCM16) as writer:
            writer.append((9000 * np.sin(2 * np.pi * 500 * at)).astype("<i2").tobytes())
        async with leg_to(anna, network) as leg:
            leg.play([Clip(tmp_path / "music.wav")], loop=True)
            await asyncio.sleep(4.5)
        heard = anna.hearing()
        assert heard.between(0.06).softest(0.002) > -20.7  # it begins softly by G.722
        assert heard.clipping() == []

    story()


@pytest.mark.parametrize("ptime_ms", [20, 30, 40, 60])
def test_e180_a_tone_keeps_its_cadence_however_long_packets_are(ptime_ms: int) -> None:
    @virtual_time
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, ptime_ms=ptime_ms)
        async with leg_to(anna, network) as leg:
            leg.play(call_tones("CZ").congestion, loop=True)  # 165 ms on and off
            await asyncio.sleep(6.7)
        beeps = anna.hearing().spans_of(425.0)
        assert len(beeps) == 21
        assert [beep.seconds for beep in beeps[:20]] == pytest.approx([0.165] * 20, abs=0.03)
        assert [beep.at for beep in beeps] == pytest.approx([0.33 * number for number in range(21)], abs=0.02)

    story()
