"""FFmpeg is loaded where a codec needs it, beside the packets and not among them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media.background import Background
from media.client import MediaEngine
from media.encoding import Encoding
from media.shelf import CodecShelf
from tests.harness.ports import media_ports
from tests.harness.soundfiles import silence
from tests.media.udp_peer import UdpPeer


class Later(Background):
    """Background work that is done when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.jobs.append((job, done))

    def work(self) -> None:
        while self.jobs:
            job, done = self.jobs.pop(0)
            done(job())


def test_a_codec_is_there_once_it_is_loaded_and_loaded_once() -> None:
    background = Later()
    shelf = CodecShelf(background)
    assert not shelf.has("opus", "PCMA")
    assert not shelf.has("opus")
    assert len(background.jobs) == 2
    background.work()
    assert shelf.has("opus", "PCMA")
    assert not shelf.has("G722", "opus")
    assert background.jobs[0][0]().name == "G722"


def has_ffmpeg(pid: int) -> bool:
    return "libavcodec" in Path(f"/proc/{pid}/maps").read_text()


async def test_a_worker_loads_ffmpeg_for_the_first_call_that_must_be_transcoded_and_not_before() -> None:
    from media import codecs

    payload = codecs.encoder(Encoding("opus")).encode(silence(0.02, 48_000))
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=media_ports(10))
    assert engine.pid is not None
    try:
        with UdpPeer() as anna, UdpPeer() as bob, UdpPeer(codec="opus", number=111) as ewa:
            a, b, e = [await engine.open_leg() for _ in range(3)]
            for leg, peer in ((a, anna), (b, bob), (e, ewa)):
                leg.connect(peer.agreement())
            a.bridge(b)
            async with asyncio.timeout(10):
                while not bob.listen():
                    anna.send(b"\xd5" * 160, a.address)
                    await asyncio.sleep(0.02)
            assert not has_ffmpeg(engine.pid)
            e.bridge(b)
            bob.heard.clear()
            async with asyncio.timeout(10):
                while not bob.listen():
                    ewa.send(payload, e.address, ticks=960)
                    await asyncio.sleep(0.02)
            assert has_ffmpeg(engine.pid)
            assert {len(packet.payload) for _, packet in bob.heard} == {160}
    finally:
        await engine.close()
