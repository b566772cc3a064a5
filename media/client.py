"""What signalling uses: legs with sound, wherever the engine runs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Self

from media.client_leg import MediaLeg
from media.client_room import MediaRoom
from media.commands import Clip, LegOpened, Role, Row, Silence, Tone
from media.deaths import Deaths
from media.encoding import Encoding
from media.errors import EngineGone, MediaError
from media.playback import Playback, Recording, RecordingSummary
from media.ports import shares
from media.preparing import prepare
from media.slot import Opening, StartDriver, WorkerSlot
from media.worker_process import WorkerProcess

if TYPE_CHECKING:
    from media.memory import MemoryRtpNetwork

__all__ = [
    "Clip",
    "MediaEngine",
    "MediaLeg",
    "MediaRoom",
    "Playback",
    "Recording",
    "RecordingSummary",
    "Role",
    "Silence",
    "Tone",
]


OPENS_WITHIN_S = 9.0
"""How long an opening waits: a worker that hangs is killed within 5 s, the next one may take RESTORE_S."""
MOST_SPARE = 4
"""Legs that are open for calls to come: each of its two legs saves a call the way to the worker and back."""


class MediaEngine:
    """The one way to sound. Commands are sent in order and never wait; what happens comes back as events.

    A worker that dies is started anew, and the legs that were in it go on in the new one.
    """

    def __init__(
        self, starters: Sequence[StartDriver], *, most_spare: int = 0, encoded: Path | None = None
    ) -> None:
        """Have up to ``most_spare`` legs open in each worker that nobody uses yet.

        ``encoded`` is where workers find sounds as they are sent.
        """
        self._numbers = numbers = itertools.count(1)
        self.slots = tuple(WorkerSlot(start, numbers, most_spare=most_spare) for start in starters)
        """Where its workers are."""
        for slot in self.slots:
            slot.neighbours = tuple(other for other in self.slots if other is not slot)
        self.encoded = encoded
        """The folder in which sounds can be prepared; None: there is none."""
        self._is_closed = False

    @classmethod
    async def in_process(
        cls,
        *,
        network: MemoryRtpNetwork | None = None,
        address: str | Sequence[str] = "127.0.0.1",
        ports: tuple[int, int] = (10000, 20000),
        workers: int = 1,
        delay_s: float = 0.0,
        random: Random | None = None,
    ) -> Self:
        """Return an engine on the running loop, on real sockets or on ``network``.

        ``address`` is ours: one, or one of each IP version. A worker takes ``delay_s`` to start. ``random``
        makes SSRCs repeatable, for tests.
        """
        # It needs numpy, which a process that only drives a worker starts faster and smaller without.
        from media.local import LocalEngine

        start = partial(
            LocalEngine.start,
            network=network,
            hosts=_hosts(address),
            whole=ports,
            delay_s=delay_s,
            random=random,
        )
        engine = cls([partial(start, ports=share) for share in shares(ports, workers)])
        await engine._start()
        return engine

    @classmethod
    async def in_worker(
        cls,
        *,
        address: str | Sequence[str],
        ports: tuple[int, int],
        workers: int = 1,
        encoded: Path | None = None,
    ) -> Self:
        """Return an engine in processes of its own, in which no stall of this one is heard.

        ``address`` is ours: one, or one of each IP version. Each worker has its share of ``ports``,
        and takes what others have left where it has none.
        ``encoded`` is a folder for prompts and music as they are sent, ready before anybody calls.

        Raises:
            MediaError: it does not start.
        """
        hosts = _hosts(address)
        engine = cls(
            [
                partial(WorkerProcess.start, hosts=hosts, ports=share, whole=ports, encoded=encoded)
                for share in shares(ports, workers)
            ],
            most_spare=MOST_SPARE,
            encoded=encoded,
        )
        await engine._start()
        return engine

    async def _start(self) -> None:
        starts = [asyncio.ensure_future(slot.start()) for slot in self.slots]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.wait(starts)
            await self.close()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the workers that are up; none where it runs in this one."""
        return tuple(slot.driver.pid for slot in self.slots if isinstance(slot.driver, WorkerProcess))

    @property
    def pid(self) -> int | None:
        """The only worker's process; None while there is none."""
        return next(iter(self.pids), None)

    async def close(self) -> None:
        """End all playbacks, recordings and legs, and the engine."""
        self._is_closed = True
        for slot in self.slots:
            await slot.close()

    @property
    def legs(self) -> int:
        """How many legs are open."""
        return sum(slot.load for slot in self.slots)

    async def prepare(self, sounds: Sequence[Row], encodings: Sequence[Encoding]) -> Mapping[Path, str]:
        """Have ``sounds``, each as it is played, at hand; return which files cannot be played, and why.

        Only what may stay on disk, and where there is a place for it.

        Raises:
            MediaError: no process can be started for it, or the disk takes nothing.
        """
        return {} if self.encoded is None else await prepare(sounds, encodings, self.encoded)

    def room(self) -> MediaRoom:
        """Return a room that legs can join."""
        return MediaRoom(next(self._numbers))

    async def open_leg(
        self, name: str = "", *, beside: MediaLeg | None = None, has_certificate: bool = False
    ) -> MediaLeg:
        """Return a leg with ports of its own; ``name`` is for logs.

        It is opened where ``beside`` is, with which it may be bridged, else where the fewest are. A worker
        that has just died is waited for, and so is its certificate where one is needed.

        Raises:
            PortsExhausted: no port is free.
            EngineGone: it died or does not answer.
        """
        if self._is_closed:
            raise EngineGone("the media engine is closed")
        slot = min(self.slots, key=_burden) if beside is None else beside.slot
        spare = slot.take_spare()
        leg = await self._open_in(slot, name) if spare is None else MediaLeg(slot, name, spare)
        leg.has_certificate = has_certificate
        if has_certificate:
            await self._certify(leg)
        return leg

    async def _certify(self, leg: MediaLeg) -> None:
        """Wait until the worker of ``leg`` has a certificate."""
        certified = asyncio.Event()
        leg.slot.certify(certified.set)
        try:
            async with asyncio.timeout(OPENS_WITHIN_S):
                await certified.wait()
        except BaseException as error:
            leg.drop()
            if isinstance(error, TimeoutError):
                raise EngineGone("the media engine makes no certificate") from error
            raise

    async def _open_in(self, slot: WorkerSlot, name: str) -> MediaLeg:
        loop = asyncio.get_running_loop()
        opening: asyncio.Future[MediaLeg] = loop.create_future()
        asked = _opening(opening, slot, name)
        number = slot.open(asked)
        patience = loop.call_later(
            OPENS_WITHIN_S, asked.refused, EngineGone("the media engine does not answer")
        )
        try:
            return await opening
        except BaseException:
            slot.forget(number)
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                opening.result().drop()  # it came in the very instant in which whoever asked gave up
            raise
        finally:
            patience.cancel()


def _opening(waiting: asyncio.Future[MediaLeg], slot: WorkerSlot, name: str) -> Opening:
    def opened(event: LegOpened) -> None:
        leg = MediaLeg(slot, name, event)
        if waiting.done():
            leg.drop()
        else:
            waiting.set_result(leg)

    def refused(error: MediaError) -> None:
        if not waiting.done():
            waiting.set_exception(error)

    return Opening(0, opened, refused, Deaths())


def _burden(slot: WorkerSlot) -> tuple[bool, int]:
    """Return what makes a worker the last to choose: it is down, or it has many legs."""
    return slot.driver is None, slot.load


def _hosts(address: str | Sequence[str]) -> tuple[str, ...]:
    return (address,) if isinstance(address, str) else tuple(address)
