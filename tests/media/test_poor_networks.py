"""Recordings and keys over networks that lose, repeat, delay and reorder up to a fifth of all packets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import numpy as np
import pytest

from media import codecs
from media.memory import MemoryRtpNetwork
from media.outgoing import Packet
from media.rtp import RtpPacket
from media.tones import tone
from tests.harness.clock import run_virtually, virtual_time
from tests.harness.hearing import Hearing
from tests.media.engines import bridge, leg_to
from tests.media.peer import Peer

TROUBLES = (0.0, 0.05, 0.1, 0.2)
KEYS = "0123456789*#ABCD5551"
SPOKEN_S = 6.0


class PoorNetwork(MemoryRtpNetwork):
    """Loses, repeats, delays and by that reorders a share each of what is sent, while it is poor."""

    def __init__(self, share: float, *, seed: int) -> None:
        super().__init__()
        self.share = share
        self.is_poor = False
        self._random = Random(seed)

    def send(self, packet: Packet, *, source: tuple[str, int], destination: tuple[str, int]) -> None:
        """Carry a datagram, or not."""
        random, carry = self._random, super().send
        if not self.is_poor:
            carry(packet, source=source, destination=destination)
            return
        copies = 0 if random.random() < self.share else 2 if random.random() < self.share else 1
        content = bytes(packet)
        for _ in range(copies):
            jitter_s = self.share * 0.05 * random.random()
            late_s = random.uniform(0.02, 0.06) if random.random() < self.share else 0.0
            asyncio.get_running_loop().call_later(
                jitter_s + late_s, lambda: carry(content, source=source, destination=destination)
            )


async def say(peer: Peer, network: PoorNetwork, to: tuple[str, int]) -> None:
    """Say a tone; its first and its last packet arrive, which tell how long it was."""
    rate = codecs.by_name(peer.codec).sample_rate_hz
    payloads = peer.encoded(tone((1000.0,), SPOKEN_S, rate))
    for number, payload in enumerate(payloads):
        network.is_poor = 0 < number < len(payloads) - 1
        peer.send(payload, to)
        await asyncio.sleep(peer.ptime_ms / 1000)
    network.is_poor = False


@pytest.mark.parametrize("share", TROUBLES)
@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722", "opus"])
def test_v7_a_recording_over_a_poor_network_is_as_long_as_what_was_said(
    codec: str, share: float, tmp_path: Path
) -> None:
    async def story() -> None:
        network = PoorNetwork(share, seed=round(share * 100))
        anna = Peer(network, 4000, codec=codec)
        async with leg_to(anna, network) as leg:
            recording = leg.record(tmp_path / "said.wav")
            await say(anna, network, leg.address)
            await asyncio.sleep(0.1)  # what was delayed has come
            summary = await recording.stop()
        heard = Hearing.of_file(summary.path)
        assert heard.seconds == summary.seconds == pytest.approx(SPOKEN_S, abs=0.02)
        assert heard.seconds_of(1000.0, above_db=-20.0) > SPOKEN_S * (1 - 2.2 * share) - 0.1
        assert share or heard.gaps() == []
        assert heard.clipping() == []

    run_virtually(story())


@virtual_time
async def test_v7_what_comes_late_and_in_disorder_is_in_a_recording_where_it_belongs(tmp_path: Path) -> None:
    network, random = MemoryRtpNetwork(), Random(1)
    anna = Peer(network, 4000)
    said = [random.randbytes(160) for _ in range(150)]
    async with leg_to(anna, network) as leg:
        recording = leg.record(tmp_path / "said.wav")
        for number, payload in enumerate(said):
            packet = RtpPacket(8, anna.sequence, anna.timestamp, anna.ssrc, False, payload)
            anna.skip()
            late_s = random.uniform(0.0, 0.18) if number else 0.0
            asyncio.get_running_loop().call_later(late_s, anna.transmit, packet, leg.address)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        summary = await recording.stop()
    assert summary.path.read_bytes().endswith(b"".join(said))


@pytest.mark.parametrize("share", TROUBLES)
@pytest.mark.parametrize(("pressed_in", "heard_in"), [("PCMA", "PCMA"), ("PCMA", "opus"), ("opus", "G722")])
def test_i20_keys_over_a_poor_network_are_exactly_those_that_were_pressed(
    pressed_in: str, heard_in: str, share: float
) -> None:
    async def story(seed: int) -> None:
        network = PoorNetwork(share, seed=seed)
        anna, bob = Peer(network, 4000, codec=pressed_in), Peer(network, 4002, codec=heard_in)
        told: list[str] = []
        async with bridge(anna, bob, network) as (a, _):
            a.on_digit = told.append
            for key in KEYS:
                silence = anna.encoded(np.zeros(codecs.by_name(pressed_in).sample_rate_hz // 5, np.int16))
                for payload in silence:
                    anna.send(payload, a.address)
                    await asyncio.sleep(0.02)
                network.is_poor = True
                await anna.press(key, a.address)
            await asyncio.sleep(0.5)
        assert "".join(told) == KEYS
        assert bob.pressed() == KEYS

    for seed in range(5):
        run_virtually(story(seed))
