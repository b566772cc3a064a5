"""What else than RTP comes to an RTP port (RFC 7983): told from it, and no part of what anybody hears."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from media.memory import MemoryRtpNetwork
from media.sdp.crypto import StreamKeys
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.media.engines import engine_on
from tests.media.peer import Peer
from tests.media.test_srtp_legs import keys_of

BINDING_REQUEST = bytes.fromhex("00010000 2112a442") + b"transaction1"
HELLO = bytes.fromhex("16fefd 0000 000000000000 0003") + b"\x01\x00\xc8" + b"\xc8" * 200
LAST_OF_STUN, ALERT, LAST_OF_DTLS = (bytes([first]) + b"\xc8" * 40 for first in (3, 21, 63))
FOREIGN = (BINDING_REQUEST, HELLO, LAST_OF_STUN, ALERT, LAST_OF_DTLS, b"\x16", b"\x00")
NEITHER = (b"\x04" + b"\xc8" * 40, b"\x40" + b"\xc8" * 40, b"\xc0" + b"\xc8" * 40, b"\x80\x08", b"")


@pytest.mark.parametrize("keys", [None, keys_of()], ids=["plain", "protected"])
@pytest.mark.parametrize("is_multiplexed", [False, True], ids=["two ports", "one port"])
def test_rfc7983_7_stun_and_dtls_are_no_rtp_that_went_wrong_and_nobody_hears_them(
    tmp_path: Path, keys: StreamKeys | None, is_multiplexed: bool
) -> None:
    @virtual_time
    async def played() -> None:
        network = MemoryRtpNetwork()
        engine = await engine_on(network)
        anna, bob = Peer(network, 4000, keys=keys), Peer(network, 4002)
        a, b = await engine.open_leg(), await engine.open_leg()
        a.connect(anna.agreement(is_multiplexed=is_multiplexed))
        b.connect(bob.agreement())
        a.bridge(b)
        recording = a.record(tmp_path / "anna.wav")
        for number in range(50):
            foreign = FOREIGN[number % len(FOREIGN)]
            for port in (a.address[1], a.address[1] + (not is_multiplexed)):
                network.send(foreign, source=anna.address, destination=(a.address[0], port))
            anna.send(b"\x55" * 160, a.address)
            await asyncio.sleep(0.02)
        summary = await recording.stop()
        await a.close()
        assert [each.packet.payload for each in bob.heard] == [b"\x55" * 160] * 50
        assert summary.seconds == pytest.approx(1.0)
        assert len(set(Hearing.of_file(summary.path).pcm)) == 1
        assert (a.statistics["packets"], a.statistics["malformed"]) == (50, 0)
        assert not a.statistics.get("forged")
        await engine.close()

    played()


@virtual_time
async def test_rfc7983_7_what_is_neither_rtp_nor_stun_nor_dtls_still_counts_as_malformed() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000)
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    for content in (*NEITHER, *FOREIGN):
        network.send(content, source=anna.address, destination=leg.address)
    await asyncio.sleep(0.1)
    await leg.close()
    assert leg.statistics["malformed"] == len(NEITHER)
    await engine.close()


@virtual_time
async def test_rfc7983_7_stun_and_dtls_are_no_sign_of_life_of_whoever_should_be_heard() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, fell_silent = Peer(network, 4000), asyncio.Event()
    leg = await engine.open_leg()
    leg.rtp_timeout_s, leg.on_rtp_timeout = 3.0, fell_silent.set
    leg.connect(anna.agreement())
    for _ in range(50):
        for port in (leg.address[1], leg.address[1] + 1):
            network.send(HELLO, source=anna.address, destination=(leg.address[0], port))
        await asyncio.sleep(0.1)
    assert fell_silent.is_set()
    assert not leg.is_heard
    await engine.close()
