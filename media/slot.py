"""One worker as signalling sees it: what runs in it, and a new one in its place when it dies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from media import commands
from media.commands import Command, Event
from media.deaths import MOST_DEATHS, Deaths
from media.errors import EngineGone, MediaError, PortsExhausted
from media.keying import CertificateMade, HandshakeFailed, MakeCertificate, Secured
from media.playback import Playback, Recording
from media.stock import Stock

if TYPE_CHECKING:
    from media.client_leg import MediaLeg

FIRST_RETRY_S, RETRY_S = 0.1, 1.0
"""How long after a start that failed the next is tried: twice as long each time, for calls wait for it."""
RESTORE_S = 3.0
"""How long calls wait for a new worker, which mostly takes half a second, before they are given up."""

log = logging.getLogger("media")


class Driver(Protocol):
    """Whatever runs the engine."""

    def send(self, command: Command) -> None:
        """Pass on ``command``; events come through the callback it was made with."""

    async def close(self) -> None:
        """Close all legs, finish recordings, end."""


Deliver = Callable[[Event], None]
Lose = Callable[[str], None]
StartDriver = Callable[[Deliver, Lose], Awaitable[Driver]]
"""Starts a worker that tells its events and, once, that it died; raises MediaError."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A leg that the worker, or the next one if it dies meanwhile, is asked to open."""

    port: int
    """Wished for; 0: any."""
    opened: Callable[[commands.LegOpened], None]
    """Told once it is open."""
    refused: Callable[[MediaError], None]
    """Told when it cannot be."""
    deaths: Deaths
    """Of the workers that were to have it."""


class WorkerSlot:
    """The place of one worker. Legs know their slot; the worker in it may change under them."""

    def __init__(self, start: StartDriver, numbers: Iterator[int], *, most_spare: int = 0) -> None:
        """Have up to ``most_spare`` legs open that nobody uses yet."""
        self.driver: Driver | None = None
        """None while there is none."""
        self.legs: dict[int, MediaLeg] = {}
        """Those that are open in the worker."""
        self._leaving: dict[int, MediaLeg] = {}
        """Those that are in another worker now, until this one has told their numbers."""
        self.on_lost: Callable[[str], None] | None = None
        """Told, with the reason, each time the worker died."""
        self.neighbours: tuple[WorkerSlot, ...] = ()
        """Those whose ports may be used where none is left here."""
        self.fingerprint, self._pem = "", ""
        """Of the certificate of the worker and of those after it, as SDP has it; empty: there is none yet."""
        self._warned: set[int] = set()
        """Legs of which it was logged that their keys did not come."""
        self._is_certified = False
        """Whether the present worker has it."""
        self._certifying: list[Callable[[], None]] = []
        """Told as soon as there is one."""
        self._start_driver = start
        self._numbers = numbers
        self._opening: dict[int, Opening] = {}
        self._stock = Stock(most_spare)
        self._given_up: dict[int, Callable[[], None]] = {}
        """Spare legs that are being closed, and who is told when their ports are free."""
        self._playbacks: dict[int, Playback] = {}
        self._recordings: dict[int, Recording] = {}
        self._restarting: asyncio.Task[None] | None = None
        self._closed: str | None = None
        self._takers: dict[type, Callable[[Any], None]] = {
            commands.LegOpened: self._opened,
            commands.LegRefused: self._refused,
            CertificateMade: self._certified,
            commands.PlayingItem: self._playing_item,
            commands.Played: self._played,
            commands.Recorded: self._recorded,
            commands.Counted: self._counted,
            commands.LegClosed: self._leg_closed,
            commands.Trouble: self._trouble,
            Secured: self._secured,
            HandshakeFailed: self._unsecured,
        }

    @property
    def load(self) -> int:
        """How many legs are open or about to be."""
        return len(self.legs) + len(self._opening)

    async def start(self) -> None:
        """Put a worker here.

        Raises:
            MediaError: it does not start.
        """
        self.driver = await self._start_driver(self._take, self._lose)

    async def close(self) -> None:
        """End the worker and all that runs in it, for good."""
        self._closed = "the media engine is closed"
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait({self._restarting})
        if self.driver is not None:
            await self.driver.close()
        self._give_up(self._closed)

    # What signalling asks for

    def send(self, command: Command) -> None:
        """Pass on ``command``; while there is no worker nobody hears it."""
        if self.driver is not None:
            self.driver.send(command)

    def open(self, opening: Opening) -> int:
        """Return the number under which a leg is opened; it waits for the next worker if there is none."""
        number = next(self._numbers)
        self._opening[number] = opening
        self.send(commands.OpenLeg(number, opening.port))
        self._fill_stock()
        return number

    def take_spare(self) -> commands.LegOpened | None:
        """Return a leg that is open already, if there is one."""
        return self._stock.take()

    def give_up_spare(self, told: Callable[[], None]) -> bool:
        """Close a leg that nobody uses yet, if there is one; ``told`` is called when its ports are free."""
        spare = self.take_spare()
        if spare is not None:
            self._given_up[spare.leg] = told
            self.send(commands.CloseLeg(spare.leg))
        return spare is not None

    def close_leg(self, number: int) -> None:
        """Have a leg closed, and others opened for calls to come where these are few: in one order."""
        self.send(commands.CloseLeg(number))
        self._fill_stock()

    def part(self, number: int) -> None:
        """Close a leg that goes to another worker."""
        self._leaving[number] = self.legs.pop(number)
        self.send(commands.CloseLeg(number))

    def _fill_stock(self) -> None:
        if self.driver is not None and self._closed is None:
            for number in self._stock.order(self._numbers):
                self.send(commands.OpenLeg(number, is_spare=True))

    def forget(self, number: int) -> None:
        """Open that leg no more; whoever asked has given up."""
        self._opening.pop(number, None)

    def certify(self, certified: Callable[[], None]) -> None:
        """Call ``certified`` as soon as the worker, or the next one, has the certificate."""
        if self._is_certified:
            certified()
            return
        self._certifying.append(certified)
        if len(self._certifying) == 1:
            self.send(MakeCertificate(pem=self._pem))

    def add_playback(self, playback: Playback) -> int:
        """Return the number under which the end of ``playback`` will be told."""
        number = next(self._numbers)
        self._playbacks[number] = playback
        return number

    def add_recording(self, recording: Recording) -> int:
        """Return the number under which the end of ``recording`` will be told."""
        number = next(self._numbers)
        self._recordings[number] = recording
        return number

    def drop_numbers(self, *numbers: int) -> None:
        """Let the ends of these playbacks and recordings mean nothing: they go on elsewhere."""
        for number in numbers:
            self._playbacks.pop(number, None)
            self._recordings.pop(number, None)

    # What the worker tells

    def _take(self, event: Event) -> None:
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)
        elif event.leg in self.legs:
            self.legs[event.leg].take(event)

    def _opened(self, event: commands.LegOpened) -> None:
        if self._stock.came(event):
            return
        opening = self._opening.pop(event.leg, None)
        if opening is None:
            self.send(commands.CloseLeg(event.leg))
        else:
            opening.opened(event)

    def _certified(self, event: CertificateMade) -> None:
        if self._pem and event.fingerprint != self.fingerprint:  # another worker was faster
            self.send(MakeCertificate(pem=self._pem))
            return
        self.fingerprint, self._pem, self._is_certified = event.fingerprint, event.pem, True
        for other in self.neighbours:
            other.share(event)
        waiting, self._certifying = self._certifying, []
        for certified in waiting:
            certified()

    def share(self, event: CertificateMade) -> None:
        """Have that certificate, too, unless there is one: so legs may go from worker to worker."""
        if not self.fingerprint:
            self.fingerprint, self._pem = event.fingerprint, event.pem

    def _secured(self, event: Secured) -> None:
        """Keep the keys that a handshake came to: the next worker, should this one die, goes on by them."""
        leg = self.legs.get(event.leg)
        if leg is not None and leg.agreement is not None and leg.agreement.handshake == event.handshake:
            leg.agreement = replace(leg.agreement, keys=event.keys)

    def _refused(self, event: commands.LegRefused) -> None:
        opening = self._opening.get(event.leg)
        if self._stock.is_refused(event.leg) or opening is None:
            return
        spare = self.take_spare()
        if spare is None and any(
            each.give_up_spare(partial(self._open_now, event.leg)) for each in self.neighbours
        ):
            return
        del self._opening[event.leg]
        if spare is not None:
            opening.opened(spare)
        else:
            opening.refused(PortsExhausted(event.why))

    def _open_now(self, number: int) -> None:
        """Try once more to open a leg, as a port is free."""
        if number in self._opening:
            self.send(commands.OpenLeg(number, self._opening[number].port))

    def _playing_item(self, event: commands.PlayingItem) -> None:
        playback = self._playbacks.get(event.playback)
        if playback is not None:
            playback.note_item(event.index)

    def _played(self, event: commands.Played) -> None:
        playback = self._playbacks.pop(event.playback, None)
        if playback is not None:
            playback.end(is_complete=event.is_complete)

    def _recorded(self, event: commands.Recorded) -> None:
        recording = self._recordings.pop(event.recording, None)
        if event.error:
            where = recording.path if recording else "that nobody waits for"
            log.error("the recording %s ended early: %s; the call goes on", where, event.error)
        if recording is not None:
            recording.end(event)

    def _counted(self, event: commands.Counted | commands.LegClosed) -> None:
        leg = self.legs.get(event.leg) or self._leaving.get(event.leg)
        if leg is not None:
            leg.figures.note(event.leg, event.statistics)

    def _leg_closed(self, event: commands.LegClosed) -> None:
        self._counted(event)
        self._leaving.pop(event.leg, None)
        self._warned.discard(event.leg)
        leg = self.legs.pop(event.leg, None)
        self._stock.has_room = True
        if leg is not None:
            leg.closed.set()
        self._given_up.pop(event.leg, _nothing)()

    def _trouble(self, event: commands.Trouble) -> None:
        leg = self.legs.get(event.leg)
        log.warning("%s: %s", leg.name if leg else "a closed leg", event.why)

    def _unsecured(self, event: HandshakeFailed) -> None:
        leg = self.legs.get(event.leg)
        if leg is None:
            return
        if event.leg not in self._warned:
            self._warned.add(event.leg)
            log.warning("%s is neither heard nor hears: %s", leg.name, event.why)
        if event.is_final:
            leg.unsecured = event.why
        if leg.on_unsecured is not None:
            leg.on_unsecured(event.why)

    # Its death

    def _lose(self, why: str) -> None:
        """Take all legs out of the dead worker; they go on in the next one."""
        self.driver, self._is_certified = None, False
        self._stock.lose()
        self._warned.clear()
        self._leaving.clear()
        given_up, self._given_up = self._given_up, {}
        for told in given_up.values():
            told()
        if self._closed is not None:
            return
        log.error("the media worker died with %d legs (%s); starting a new one", len(self.legs), why)
        legs, self.legs = list(self.legs.values()), {}
        for leg in legs:
            leg.strand()
        self._end_all(why)
        loop = asyncio.get_running_loop()
        self._refuse_suspects(loop.time(), why)
        self._restarting = loop.create_task(self._restart(why), name="media worker")
        if self.on_lost is not None:
            self.on_lost(why)

    def _refuse_suspects(self, now: float, why: str) -> None:
        """Let those go which outlived one worker after the other and may be what kills them."""
        for opening in self._opening.values():
            opening.deaths.note(now)
        suspects = [number for number, opening in self._opening.items() if opening.deaths.are_too_many]
        if suspects:
            words = "%d legs saw %d workers die within a minute, which may be their doing; they are given up"
            log.error(words, len(suspects), MOST_DEATHS)
        for number in suspects:
            self._opening.pop(number).refused(EngineGone(f"media engine lost: {why}"))

    def _end_all(self, why: str) -> None:
        """End what was under way, but for what the legs took along."""
        for playback in self._playbacks.values():
            playback.end(is_complete=False)
        for recording in self._recordings.values():
            recording.lose(why)
        self._playbacks.clear()
        self._recordings.clear()

    def _give_up(self, why: str) -> None:
        """Let everybody go who waits for a worker, and whoever is in one that is closed."""
        self._end_all(why)
        openings = list(self._opening.values())
        self._opening.clear()
        for opening in openings:
            opening.refused(EngineGone(f"media engine lost: {why}"))
        legs, self.legs = list(self.legs.values()), {}
        for leg in legs:
            leg.lose(why)

    async def _restart(self, why: str) -> None:
        giving_up = asyncio.get_running_loop().call_later(RESTORE_S, self._give_up, why)
        pause_s = FIRST_RETRY_S
        try:
            while True:
                try:
                    await self.start()
                except (MediaError, OSError) as error:
                    log.error("the media worker does not start (%s); trying again", error)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, RETRY_S)
                else:
                    break
        finally:
            giving_up.cancel()
        log.info("the media worker is back; %d legs go on in it", len(self._opening))
        for number, opening in self._opening.items():
            self.send(commands.OpenLeg(number, opening.port))
        if self._certifying:
            self.send(MakeCertificate(pem=self._pem))


def _nothing() -> None:
    """Do nothing: nobody waits for these ports."""
