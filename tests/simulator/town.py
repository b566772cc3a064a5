"""A town with one office: its server can lose its power and come back on what its disk holds."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx

from b2bua.config.load import load_config
from b2bua.demo.softphone import Softphone
from b2bua.server import Server
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from b2bua.store.database import FILE_NAME as DATABASE
from b2bua.store.doorbell import FILE_NAME as DOORBELL
from b2bua.surroundings import Surroundings
from media.client import MediaEngine
from media.local import LocalEngine
from media.memory import MemoryRtpNetwork
from tests.harness.office import MONDAY_NOON, SERVER, Office, WallClock, new_database
from tests.simulator.people import Employee

PREFIX = "b2bua-town-"

PORTS_OF_A_LIFE = 600
WORKER_STARTS_IN_S = 0.5
FRAME_BYTES = 172
"""20 ms of A-law or µ-law with its header."""


@dataclass
class Town(Office):
    """The office and everybody around it."""

    config: str = ""
    random: Random = field(default_factory=Random)
    crashes: int = 0
    http: httpx.AsyncBaseTransport | None = None
    """Stands for all servers that the office asks over HTTP."""
    _lives: list[asyncio.Task[None]] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _ports: itertools.count[int] = field(default_factory=lambda: itertools.count(20000, PORTS_OF_A_LIFE))

    # --- the server ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the server on what is in ``folder``."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "office.toml"
        path.write_text(self.config.replace('data = "data"', f'data = "{self.folder / "data"}"'))
        began: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._lives.append(asyncio.create_task(self._live(path, began, self._stop), name="a server's life"))
        self.server = await began

    async def _live(self, path: Path, began: asyncio.Future[Server], stop: asyncio.Event) -> None:
        async with Server.running(load_config(path), self._surroundings()) as server:
            began.set_result(server)
            await stop.wait()

    def _surroundings(self) -> Surroundings:
        async def start_engine() -> MediaEngine:
            first = next(self._ports)
            return await MediaEngine.in_process(
                network=self.rtp,
                address="127.0.0.1",
                ports=(first, first + PORTS_OF_A_LIFE - 2),
                random=Random(first),
                delay_s=WORKER_STARTS_IN_S,
            )

        return Surroundings(
            transports=(self.network.transport(SERVER.host, SERVER.port),),
            start_engine=start_engine,
            clock=self.clock,
            randomness=Random(self.random.random()),
            http=None if (http := self.http) is None else lambda: http,
        )

    async def crash(self, *, dark_s: float) -> None:
        """Cut the server's power: what its disk holds now is all that the next one has, ``dark_s`` later.

        The old one never learns of it; it ends off the network, on a disk that nobody reads any more.
        """
        self.crashes += 1
        self.network.unplug(SERVER)
        after = self.folder.with_name(f"life-{self.crashes}")
        shutil.copytree(self.folder, after, ignore=shutil.ignore_patterns(DOORBELL))
        self._stop.set()
        self.folder = after
        await asyncio.sleep(dark_s)
        await self.start()

    async def lose_sound(self) -> None:
        """Let the media worker die in the middle of whatever it does."""
        driver = self.server.engine.slots[0].driver
        if driver is not None:
            assert isinstance(driver, LocalEngine)
            driver.crash()

    async def stop(self) -> None:
        """End the server, and wait for those before it."""
        self._stop.set()
        await asyncio.gather(*self._lives)

    # --- the people ---------------------------------------------------------------------------------------

    async def employee(self, name: str, host: str, port: int = 5060) -> Employee:
        """Return a phone that has not registered."""
        endpoint, local = self.address(name, host, port)
        employee = Employee(name, endpoint, self.peers, local, random=self.random)
        self.stack.push_async_callback(employee.close)
        return employee

    async def outsider(self, host: str) -> Softphone:
        """Return a phone of somebody outside."""
        endpoint, local = self.address("outsider", host, 5060)
        phone = Softphone("outsider", endpoint, self.peers, local)
        self.stack.push_async_callback(phone.close)
        return phone

    def address(self, name: str, host: str, port: int) -> tuple[SipEndpoint, Hop]:
        """Return an endpoint on the network, and where it is."""
        endpoint = SipEndpoint(user_agent=name, random=Random(f"{host}{port}{self.random.random()}"))
        return endpoint, endpoint.attach(self.network.transport(host, port))


@asynccontextmanager
async def town(
    network: MemoryNetwork, random: Random, config: str, *, http: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Town]:
    """Run a town whose office has the configuration ``config``, on a disk in memory where there is one."""
    rtp = MemoryRtpNetwork()
    rtp.drop = thinned
    async with AsyncExitStack() as stack:
        disk = TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=_memory_disk())
        folder = Path(stack.enter_context(disk)) / "life-0"
        (folder / "data").mkdir(parents=True)
        (folder / "data" / DATABASE).write_bytes(new_database())
        peers = await MediaEngine.in_process(
            network=rtp, address="127.0.0.2", ports=(30000, 40000), random=Random(1)
        )
        stack.push_async_callback(peers.close)
        people = AsyncExitStack()
        began = asyncio.get_running_loop().time()
        clock = WallClock(MONDAY_NOON, began)
        place = Town(
            None, network, rtp, peers, folder, people, began, clock, config=config, random=random, http=http
        )  # type: ignore[arg-type]
        await place.start()
        stack.push_async_callback(place.stop)
        async with people:
            yield place


def thinned(packet: bytes, *_: object) -> bool:
    """Return whether a packet is sound that nobody misses here: of frames one in eight goes on its way."""
    return len(packet) >= FRAME_BYTES and packet[3] % 8 != 0


@cache
def _memory_disk() -> Path | None:
    """Return a folder whose files need no disk; what is written there is synced all the same, for nothing."""
    shm = Path("/dev/shm")
    _sweep(shm)
    return shm if shm.is_dir() else None


def _sweep(place: Path) -> None:
    """Delete what processes left there that were killed: nobody else would."""
    for left in place.glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            shutil.rmtree(left, ignore_errors=True)


def prepare() -> None:
    """Make what every town begins with; called before there is a loop."""
    new_database()
