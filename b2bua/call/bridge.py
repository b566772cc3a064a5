"""Two legs that talk: sound both ways, music for whoever is held, until one of them hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from b2bua.call.leg import Leg
from b2bua.call.presser import Presser
from media.commands import PlayItem

LONGEST_WAIT_S = 0.5
"""A phone that does not confirm what became of its transfer does not keep the others apart for longer."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that is over."""

    seconds: float
    """How long they were connected."""
    why: str
    """In plain words."""


class Conversation:
    """Two answered legs that are connected until one of them hangs up, or a transfer parts them."""

    __slots__ = ("_is_connected", "_music", "_parted", "_pressers", "_until", "first", "second")

    def __init__(self, first: Leg, second: Leg, *, music: Callable[[], Sequence[PlayItem]] = tuple) -> None:
        """``music`` returns what is for whoever is held."""
        self.first = first
        self.second = second
        self._music = music
        self._is_connected = False
        self._pressers = Presser(first), Presser(second)
        self._until: asyncio.Future[None] | None = None
        self._parted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def is_parted(self) -> bool:
        """Whether a transfer has parted the two."""
        return self._parted.done()

    def other(self, leg: Leg) -> Leg:
        """Return whom ``leg`` talks with."""
        return self.second if leg is self.first else self.first

    async def run(self) -> Talk:
        """Connect both and return when it is over. Neither leg is closed here."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._connect()
        try:
            await self._end()
        finally:
            self._disconnect()
        if self._parted.done():
            if self._until is not None:
                await asyncio.wait({self._until}, timeout=LONGEST_WAIT_S)
            return Talk(loop.time() - began, self._parted.result())
        quitter = self.first if self.first.ended.done() else self.second
        return Talk(loop.time() - began, quitter.ended.result().why)

    async def _end(self) -> None:
        """Wait until one has hung up or they are parted; ``asyncio.wait`` takes 1 kB more for so long."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        note = partial(_settle, over)
        ends: tuple[asyncio.Future[Any], ...] = (self.first.ended, self.second.ended, self._parted)
        for end in ends:
            end.add_done_callback(note)
        try:
            await over
        finally:
            for end in ends:
                end.remove_done_callback(note)

    def part(self, why: str, *, until: asyncio.Future[None] | None = None) -> None:
        """Disconnect the two at once, so that each can be connected elsewhere; nobody is hung up.

        ``run`` returns when ``until`` is done, so that what is told to a leg is told before it is closed.
        """
        self._until = until
        self._disconnect()
        if not self._parted.done():
            self._parted.set_result(why)

    def _connect(self) -> None:
        first, second = self.first, self.second
        self._is_connected = True
        first.is_talking = second.is_talking = True
        first.on_hold_change = second.on_hold_change = self._follow_holds
        second.on_key, first.on_key = (presser.take for presser in self._pressers)
        first.media.bridge(second.media)
        self._follow_holds()

    def _disconnect(self) -> None:
        if not self._is_connected:
            return
        self._is_connected = False
        first, second = self.first, self.second
        first.on_hold_change = second.on_hold_change = None
        first.on_key = second.on_key = None
        for presser in self._pressers:
            presser.stop()
        first.is_talking = second.is_talking = False
        first.media.unbridge()

    def _follow_holds(self, _: bool = False) -> None:
        """Play music to whom the other one holds (row D9); a resumed bridge carries voices again."""
        for held_by, listener in ((self.first, self.second), (self.second, self.first)):
            music = self._music() if held_by.is_held else ()
            if music:
                listener.loop(music)
            else:
                listener.media.stop()


def _settle(over: asyncio.Future[None], _: object) -> None:
    if not over.done():
        over.set_result(None)
