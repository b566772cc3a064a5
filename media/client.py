"""What signalling uses: legs with sound, wherever the engine runs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from media import commands
from media.commands import Clip, Command, Event, PlayItem, Silence, Tone
from media.errors import EngineGone, PortsExhausted
from media.playback import Playback, Recording, RecordingSummary
from media.sdp.agreement import StreamAgreement
from media.worker_process import WorkerProcess

if TYPE_CHECKING:
    from media.memory import MemoryRtpNetwork

__all__ = [
    "Clip",
    "MediaEngine",
    "MediaLeg",
    "Playback",
    "Recording",
    "RecordingSummary",
    "Silence",
    "Tone",
]

RTP_TIMEOUT_S = 30.0
PATIENCE_S = 5.0
"""How long the engine may take to answer; a healthy one needs a millisecond."""

log = logging.getLogger(__name__)


class Driver(Protocol):
    """Whatever runs the engine."""

    def send(self, command: Command) -> None:
        """Pass on ``command``; events come through the callback it was made with."""

    async def close(self) -> None:
        """Close all legs, finish recordings, end."""


class MediaEngine:
    """The one way to sound. Commands are sent in order and never wait; what happens comes back as events."""

    def __init__(self) -> None:
        self.on_engine_lost: Callable[[str], None] | None = None
        """Told once, with the reason, when the engine died and every leg with it."""
        self._driver: Driver | None = None
        self._lost: str | None = None
        self._numbers = itertools.count(1)
        self._legs: dict[int, MediaLeg] = {}
        self._opening: dict[int, asyncio.Future[MediaLeg]] = {}
        self._names: dict[int, str] = {}
        self._playbacks: dict[int, Playback] = {}
        self._recordings: dict[int, Recording] = {}
        self._takers: dict[type, Callable[[Any], None]] = {
            commands.LegOpened: self._opened,
            commands.LegRefused: self._refused,
            commands.Played: self._played,
            commands.Recorded: self._recorded,
            commands.LegClosed: self._closed,
            commands.Trouble: self._trouble,
        }

    @classmethod
    async def in_process(
        cls,
        *,
        network: MemoryRtpNetwork | None = None,
        address: str | Sequence[str] = "127.0.0.1",
        ports: tuple[int, int] = (10000, 20000),
        random: Random | None = None,
    ) -> MediaEngine:
        """Return an engine on the running loop, on real sockets or on ``network``.

        ``address`` is ours: one, or one of each IP version. ``random`` makes SSRCs repeatable, for tests.
        """
        # It needs numpy, which a process that only drives a worker starts faster and smaller without.
        from media.local import LocalEngine

        engine = cls()
        engine._driver = LocalEngine(
            engine._take, network=network, hosts=_hosts(address), ports=ports, random=random
        )
        return engine

    @classmethod
    async def in_worker(cls, *, address: str | Sequence[str], ports: tuple[int, int]) -> MediaEngine:
        """Return an engine in a process of its own, in which no stall of this one is heard.

        ``address`` is ours: one, or one of each IP version.

        Raises:
            MediaError: it does not start.
        """
        engine = cls()
        hosts = _hosts(address)
        engine._driver = await WorkerProcess.start(engine._take, engine._lose, hosts=hosts, ports=ports)
        return engine

    @property
    def pid(self) -> int | None:
        """The worker's process, None in this one."""
        return self._driver.pid if isinstance(self._driver, WorkerProcess) else None

    async def close(self) -> None:
        """End all playbacks, recordings and legs, and the engine."""
        assert self._driver is not None
        await self._driver.close()
        if self._lost is None:
            self._end_everything("the media engine is closed")

    @property
    def legs(self) -> int:
        """How many legs are open."""
        return len(self._legs) + len(self._opening)

    async def open_leg(self, name: str = "") -> MediaLeg:
        """Return a leg with ports of its own; ``name`` is for logs.

        Raises:
            PortsExhausted: no port is free.
            EngineGone: it died or does not answer.
        """
        if self._lost is not None:
            raise EngineGone(self._lost)
        number = next(self._numbers)
        opening: asyncio.Future[MediaLeg] = asyncio.get_running_loop().create_future()
        self._opening[number] = opening
        self._names[number] = name
        try:
            self.send(commands.OpenLeg(number, name))
            async with asyncio.timeout(PATIENCE_S):
                return await opening
        except TimeoutError:
            self._drop_opened(opening)
            raise EngineGone("the media engine does not answer") from None
        except asyncio.CancelledError:
            self._drop_opened(opening)
            raise
        finally:
            del self._opening[number], self._names[number]

    def _drop_opened(self, opening: asyncio.Future[MediaLeg]) -> None:
        """Close the leg that came in the very instant in which whoever asked gave up."""
        if opening.done() and not opening.cancelled() and opening.exception() is None:
            opening.result().drop()

    def send(self, command: Command) -> None:
        """Pass on ``command``; nobody hears it when the engine is gone, which `on_engine_lost` told."""
        if self._lost is None:
            assert self._driver is not None
            self._driver.send(command)

    def add_playback(self, playback: Playback) -> int:
        """Return the number under which the end of ``playback`` will be told."""
        number = next(self._numbers)
        if self._lost is None:
            self._playbacks[number] = playback
        else:
            playback.end(is_complete=False)
        return number

    def add_recording(self, recording: Recording) -> int:
        """Return the number under which the end of ``recording`` will be told."""
        number = next(self._numbers)
        if self._lost is None:
            self._recordings[number] = recording
        else:
            recording.lose(self._lost)
        return number

    # Events

    def _take(self, event: Event) -> None:
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)
        elif event.leg in self._legs:
            self._legs[event.leg].take(event)

    def _opened(self, event: commands.LegOpened) -> None:
        opening = self._opening.get(event.leg)
        if opening is None or opening.done():
            self.send(commands.CloseLeg(event.leg))  # whoever asked has given up
            return
        leg = MediaLeg(self, event.leg, self._names[event.leg], hosts=event.hosts, port=event.port)
        self._legs[event.leg] = leg
        opening.set_result(leg)

    def _refused(self, event: commands.LegRefused) -> None:
        opening = self._opening.get(event.leg)
        if opening is not None and not opening.done():
            opening.set_exception(PortsExhausted(event.why))

    def _played(self, event: commands.Played) -> None:
        playback = self._playbacks.pop(event.playback, None)
        if playback is not None:
            playback.end(is_complete=event.is_complete)

    def _recorded(self, event: commands.Recorded) -> None:
        recording = self._recordings.pop(event.recording, None)
        if event.error:
            log.error("recording ended early: %s", event.error)
        if recording is not None:
            recording.end(event)

    def _closed(self, event: commands.LegClosed) -> None:
        leg = self._legs.pop(event.leg, None)
        if leg is not None:
            leg.statistics = event.statistics
            leg.closed.set()

    def _trouble(self, event: commands.Trouble) -> None:
        leg = self._legs.get(event.leg)
        log.warning("%s: %s", leg.name if leg else "a closed leg", event.why)

    def _lose(self, why: str) -> None:
        if self._lost is None:
            self._end_everything(f"media engine lost: {why}")
            log.error("%s", self._lost)
            if self.on_engine_lost is not None:
                self.on_engine_lost(why)

    def _end_everything(self, why: str) -> None:
        self._lost = why
        for opening in self._opening.values():
            if not opening.done():
                opening.set_exception(EngineGone(why))
        for playback in self._playbacks.values():
            playback.end(is_complete=False)
        for recording in self._recordings.values():
            recording.lose(why)
        legs = list(self._legs.values())
        for table in (self._playbacks, self._recordings, self._legs):
            table.clear()
        for leg in legs:
            leg.closed.set()
            if leg.on_lost is not None:
                leg.on_lost()


def _hosts(address: str | Sequence[str]) -> tuple[str, ...]:
    return (address,) if isinstance(address, str) else tuple(address)


class MediaLeg:
    """The sound of one party of a call."""

    def __init__(
        self, engine: MediaEngine, number: int, name: str, *, hosts: tuple[str, ...], port: int
    ) -> None:
        self.name = name
        self.address = (hosts[0], port)
        """Where it receives; goes into our SDP."""
        self.hosts = hosts
        """Every address at which it receives, one of each IP version, at the same port."""
        self.agreement: StreamAgreement | None = None
        """What offer and answer settled last."""
        self.is_heard = False
        """Whether RTP ever came."""
        self.source: tuple[str, int] | None = None
        """Where RTP comes from, if not from where the SDP said."""
        self.statistics: dict[str, float] = {}
        """After `close`: packets, lost, jitter_ms, sent, strangers, round_trip_ms..."""
        self.rtp_timeout_s = RTP_TIMEOUT_S
        """Silence after which `on_rtp_timeout` is called; counts from the next `connect`."""
        self.on_digit: Callable[[str], None] | None = None
        self.on_rtp_timeout: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        """Called when the engine died, and the leg's sound with it."""
        self.closed = asyncio.Event()
        self._engine = engine
        self._number = number

    def connect(self, agreement: StreamAgreement, *, allows_nat: bool = False) -> None:
        """Take what offer and answer settled, also of a re-INVITE: the stream goes on."""
        self.agreement = agreement
        self._engine.send(
            commands.ConnectLeg(
                self._number, agreement, allows_nat=allows_nat, rtp_timeout_s=self.rtp_timeout_s
            )
        )

    def play(self, items: Sequence[PlayItem], *, loop: bool = False) -> Playback:
        """Play ``items`` in the place of what plays; a bridge toward this leg waits meanwhile."""
        playback = Playback()
        number = self._engine.add_playback(playback)
        self._engine.send(commands.Play(self._number, number, tuple(items), is_looped=loop))
        return playback

    def stop(self) -> None:
        """Cut what plays, and digits not yet sent."""
        self._engine.send(commands.StopPlaying(self._number))

    def bridge(self, other: MediaLeg) -> None:
        """Let both hear each other, and nobody else any more."""
        self._engine.send(commands.Bridge(self._number, other._number))

    def unbridge(self) -> None:
        """End a bridge, on both sides, or an echo."""
        self._engine.send(commands.Unbridge(self._number))

    def echo(self) -> None:
        """Send back what comes."""
        self._engine.send(commands.Echo(self._number))

    def send_digits(self, digits: str) -> None:
        """Press keys (RFC 4733); a comma waits two seconds."""
        self._engine.send(commands.SendDigits(self._number, digits))

    def record(self, path: Path, *, max_seconds: float | None = None) -> Recording:
        """Write what the far end says to a WAV file while it arrives; a recording under way ends."""
        recording = Recording(path, max_seconds=max_seconds)
        number = self._engine.add_recording(recording)
        recording.on_stop = lambda: self._engine.send(commands.StopRecording(self._number, number))
        self._engine.send(commands.Record(self._number, number, str(path), max_seconds))
        return recording

    async def close(self) -> None:
        """End all that is under way and give the ports back; sets `statistics`."""
        if not self.closed.is_set():
            self.drop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self.closed.wait()

    def drop(self) -> None:
        """Begin to close without waiting."""
        self._engine.send(commands.CloseLeg(self._number))

    def take(self, event: Event) -> None:
        """Take an event of the engine."""
        if isinstance(event, commands.DigitPressed) and self.on_digit is not None:
            self.on_digit(event.digit)
        elif isinstance(event, commands.RtpTimedOut) and self.on_rtp_timeout is not None:
            self.on_rtp_timeout()
        elif isinstance(event, commands.Heard):
            self.is_heard = True
        elif isinstance(event, commands.SourceChanged):
            self.source = event.host, event.port
