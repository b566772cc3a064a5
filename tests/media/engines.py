"""Engines in memory and in processes of their own, and legs toward one far end or two that talk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from media.background import Background
from media.client import MediaEngine, MediaLeg
from media.commands import Event
from media.credential import Credential
from media.memory import MemoryRtpNetwork
from media.shelf import CodecShelf
from media.sounds import SoundLibrary
from media.surroundings import Surroundings
from tests.harness.ports import media_ports
from tests.media.peer import Peer

HOST = "10.0.0.9"
PORTS = (20000, 20100)
PAIRS = 499


async def engine_on(
    network: MemoryRtpNetwork, ports: tuple[int, int] = PORTS, *, random: Random | None = None
) -> MediaEngine:
    return await MediaEngine.in_process(network=network, address=HOST, ports=ports, random=random)


@asynccontextmanager
async def engine_at(
    network: MemoryRtpNetwork, address: str | Sequence[str] = HOST
) -> AsyncIterator[MediaEngine]:
    """Run an engine for as long as the block lasts."""
    engine = await MediaEngine.in_process(network=network, address=address, ports=PORTS)
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def leg_to(peer: Peer, network: MemoryRtpNetwork) -> AsyncIterator[MediaLeg]:
    """Open the leg of one far end."""
    async with engine_at(network) as engine:
        leg = await engine.open_leg("leg")
        leg.connect(peer.agreement())
        yield leg


@asynccontextmanager
async def bridge(
    anna: Peer, bob: Peer, network: MemoryRtpNetwork
) -> AsyncIterator[tuple[MediaLeg, MediaLeg]]:
    """Open the legs of two far ends that are bridged."""
    async with engine_at(network) as engine:
        a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
        a.connect(anna.agreement())
        b.connect(bob.agreement())
        a.bridge(b)
        yield a, b


@asynccontextmanager
async def worker(
    *hosts: str, ports: tuple[int, int] | None = None, workers: int = 1
) -> AsyncIterator[MediaEngine]:
    """Run an engine in so many processes of its own, over real sockets."""
    engine = await MediaEngine.in_worker(
        address=hosts or "127.0.0.1", ports=ports or media_ports(PAIRS), workers=workers
    )
    try:
        yield engine
    finally:
        await engine.close()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for ``condition()`` on real time: what another process does is announced to nobody here."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class AtOnce(Background):
    """Background work that is done before it is asked for again."""

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        done(job())


def around(tell: Callable[[Event], None], loads: Background | None = None) -> Surroundings:
    """Return what an engine needs that is served by hand; ``loads`` is who reads files for it."""
    return Surroundings(
        tell,
        SoundLibrary(loads or AtOnce()),
        CodecShelf(AtOnce()),
        credential=Credential(AtOnce()),
        files=AtOnce(),
        syncs=AtOnce(),
        random=Random(1),
    )
