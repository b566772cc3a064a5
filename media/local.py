"""The engine in the process and on the asyncio loop of its signalling: for tests, on real or virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Self, TypeVar
from weakref import WeakSet

from media.background import Background
from media.commands import Command, Event
from media.credential import Credential
from media.endpoint import Address, Endpoint
from media.engine import Engine
from media.factory import EndpointFactory
from media.leg import Leg
from media.memory import MemoryEndpoint, MemoryRtpNetwork
from media.shelf import CodecShelf
from media.sockets import SocketEndpoint
from media.sounds import SoundLibrary
from media.surroundings import Surroundings

T = TypeVar("T")


class ExecutorBackground(Background):
    """Jobs on a thread of the asyncio loop's, one after another; a virtual clock stands still meanwhile."""

    def __init__(self, after: Callable[[], None]) -> None:
        """Call ``after`` when a job's result was taken."""
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1)
        self._after = after
        self._jobs: set[asyncio.Future[object]] = set()

    def submit(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run ``job``; later call ``done`` on the loop."""

        def finish(future: asyncio.Future[T]) -> None:
            self._jobs.discard(future)
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                done(future.result())
            elif isinstance(error, Exception):
                done(error)
            self._after()

        future = self._loop.run_in_executor(self._thread, job)
        self._jobs.add(future)  # type: ignore[arg-type]
        future.add_done_callback(finish)

    def abandon(self) -> None:
        """Do no job that has not begun."""
        for job in self._jobs:
            job.cancel()

    async def close(self) -> None:
        """Wait for all jobs."""
        while self._jobs:
            await asyncio.wait(self._jobs)
        self._thread.shutdown()


class LocalEngine:
    """Drives an engine by timers of the running loop."""

    def __init__(
        self,
        deliver: Callable[[Event], None],
        lose: Callable[[str], None],
        *,
        network: MemoryRtpNetwork | None,
        hosts: Sequence[str],
        ports: tuple[int, int],
        whole: tuple[int, int],
        random: Random | None = None,
    ) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._deliver = deliver
        self._lose = lose
        self._is_dead = False
        self._endpoints: WeakSet[Endpoint] = WeakSet()
        self._timer: asyncio.TimerHandle | None = None
        self._backgrounds = [ExecutorBackground(self._arm) for _ in range(4)]
        loads, long_loads, files, syncs = self._backgrounds
        sounds, shelf = SoundLibrary(loads, long=long_loads), CodecShelf(loads)
        around = Surroundings(
            self._emit,
            sounds,
            shelf,
            credential=Credential(loads),
            files=files,
            syncs=syncs,
            random=random or Random(),
        )

        def on_network(address: Address, leg: Leg) -> Endpoint:
            assert network is not None
            endpoint = MemoryEndpoint(network, address, leg, clock=loop.time)
            self._endpoints.add(endpoint)
            return endpoint

        def on_sockets(address: Address, leg: Leg) -> Endpoint:
            return SocketEndpoint(address, leg, poll=loop, clock=loop.time)

        def wake() -> None:
            loop.call_soon(self._arm)

        factory = EndpointFactory(on_network if network else on_sockets, hosts, ports, whole=whole)
        self._engine = Engine(around, factory, wake=wake)

    @classmethod
    async def start(
        cls,
        deliver: Callable[[Event], None],
        lose: Callable[[str], None],
        *,
        network: MemoryRtpNetwork | None,
        hosts: Sequence[str],
        ports: tuple[int, int],
        whole: tuple[int, int],
        delay_s: float = 0.0,
        random: Random | None = None,
    ) -> Self:
        """Return an engine that takes commands, after as long as a process may need to start."""
        await asyncio.sleep(delay_s)
        return cls(deliver, lose, network=network, hosts=hosts, ports=ports, whole=whole, random=random)

    def send(self, command: Command) -> None:
        """Do what ``command`` says; its events come later."""
        if self._is_dead:
            return
        self._engine.handle(command, self._loop.time())
        self._arm()

    def crash(self) -> None:
        """Die on a network in memory as a killed process does: nothing is told or written any more."""
        self._is_dead = True
        self._arm()
        for background in self._backgrounds:
            background.abandon()
        for endpoint in self._endpoints:
            endpoint.close()
        self._loop.call_soon(self._lose, "it crashed")

    def _emit(self, event: Event) -> None:
        self._loop.call_soon(self._deliver, event)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = None if self._is_dead else self._engine.deadline
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._engine.tick(self._loop.time())
        self._arm()

    async def close(self) -> None:
        """Close all legs and finish recordings."""
        if not self._is_dead:
            self._engine.close(self._loop.time())
        self._arm()
        for background in self._backgrounds:
            await background.close()
        # What the last jobs and legs told is still to be delivered.
        await asyncio.sleep(0)
