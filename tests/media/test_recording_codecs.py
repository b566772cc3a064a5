"""Recordings of every codec: as long as what was said, whatever the network and re-INVITEs do (V7)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import numpy as np
import pytest

from media import codecs
from media.memory import MemoryRtpNetwork
from media.tones import tone
from tests.harness.clock import run_virtually, virtual_time
from tests.harness.hearing import Hearing
from tests.media.engines import leg_to
from tests.media.peer import Peer


def sine(peer: Peer, seconds: float, frequency: float = 1000.0) -> np.ndarray:
    return tone((frequency,), seconds, codecs.by_name(peer.codec).sample_rate_hz)


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("ptime_ms", [20, 60])
@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722", "opus"])
def test_v7_a_recording_is_as_long_as_what_was_said_although_packets_are_lost(
    codec: str, ptime_ms: int, loss: float, tmp_path: Path
) -> None:
    async def story() -> None:
        network, random = MemoryRtpNetwork(), Random(1)
        anna = Peer(network, 4000, codec=codec, ptime_ms=ptime_ms)
        async with leg_to(anna, network) as leg:
            recording = leg.record(tmp_path / "message.wav")
            payloads = anna.encoded(sine(anna, 6.0))
            for number, payload in enumerate(payloads):
                if random.random() < loss and 0 < number < len(payloads) - 1:
                    anna.skip()
                else:
                    anna.send(payload, leg.address)
                await asyncio.sleep(ptime_ms / 1000)
            summary = await recording.stop()
        heard = Hearing.of_file(summary.path)
        assert heard.rate == (8000 if codec.startswith("PCM") else 16_000)
        assert heard.seconds == summary.seconds == pytest.approx(6.0, abs=0.02)
        assert heard.seconds_of(1000.0, above_db=-20.0) > 6.0 * (1 - 2.2 * loss) - 0.1
        assert loss or heard.gaps() == []
        assert heard.clipping() == []
        assert -14 < summary.peak_dbfs < -6
        assert not summary.is_silent

    run_virtually(story())


@pytest.mark.parametrize(
    "order", [("PCMA", "opus", "G722"), ("opus", "PCMA", "PCMU"), ("G722", "PCMA", "opus")]
)
def test_v7_a_recording_goes_on_in_the_same_file_when_the_codec_changes(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec=order[0])
        async with leg_to(anna, network) as leg:
            recording = leg.record(tmp_path / "message.wav")
            for codec, frequency in zip(order, (600.0, 1000.0, 1600.0), strict=True):
                anna.codec = codec
                leg.connect(anna.agreement())
                await anna.say(sine(anna, 2.0, frequency), leg.address)
            summary = await recording.stop()
        assert summary.seconds == pytest.approx(6.0, abs=0.02)
        heard = Hearing.of_file(summary.path)
        for index, hertz in enumerate((600.0, 1000.0, 1600.0)):
            assert heard.between(2 * index + 0.2, 2 * index + 1.9).levels(hertz).min() > -16
        assert heard.gaps() == heard.clipping() == []

    run_virtually(story())


@virtual_time
async def test_a_recording_of_opus_keeps_pauses_of_its_speaker(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000, codec="opus")
    async with leg_to(anna, network) as leg:
        recording = leg.record(tmp_path / "message.wav")
        await anna.say(sine(anna, 1.0), leg.address)
        anna.skip(75)
        await asyncio.sleep(1.5)
        await anna.say(sine(anna, 1.0), leg.address)
        summary = await recording.stop()
    heard = Hearing.of_file(summary.path)
    assert heard.seconds == summary.seconds == pytest.approx(3.5, abs=0.02)
    assert heard.between(1.1, 2.4).peak() < 200
    assert heard.seconds_of(1000.0, above_db=-20.0) == pytest.approx(2.0, abs=0.1)


@virtual_time
async def test_packets_of_opus_that_come_late_or_twice_are_decoded_in_their_order(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000, codec="opus")
    async with leg_to(anna, network) as leg:
        recording = leg.record(tmp_path / "message.wav")
        payloads = anna.encoded(sine(anna, 2.0))
        anna.send(payloads[0], leg.address)
        for first, second in zip(payloads[1::2], payloads[2::2], strict=False):
            anna.skip()
            anna.send(second, leg.address)
            anna.skip(-2)
            await asyncio.sleep(0.001)
            anna.send(first, leg.address)
            anna.skip(-1)
            await asyncio.sleep(0.001)
            anna.send(first, leg.address)
            anna.skip()
            await asyncio.sleep(0.038)
        summary = await recording.stop()
    heard = Hearing.of_file(summary.path)
    assert heard.seconds == pytest.approx(1.98, abs=0.021)
    assert heard.between(0.06, 1.9).levels(1000.0).min() > -16


@virtual_time
async def test_a_recording_of_opus_ends_at_its_maximum(tmp_path: Path) -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000, codec="opus")
    async with leg_to(anna, network) as leg:
        recording = leg.record(tmp_path / "message.wav", max_seconds=1.0)
        await anna.say(sine(anna, 2.0), leg.address)
        summary = await recording.finished()
    assert summary.seconds == pytest.approx(1.0, abs=0.05)
    heard = Hearing.of_file(summary.path)
    assert (heard.seconds, heard.rate) == (summary.seconds, 16_000)
    assert heard.seconds_of(1000.0) == pytest.approx(1.0, abs=0.05)
