"""Two legs that talk: sound both ways, music for whoever is held, until one of them hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from b2bua.call.leg import Leg
from media.commands import PlayItem


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that is over."""

    seconds: float
    """How long they were connected."""
    ended_by: str
    """Name of the leg that hung up first."""
    why: str
    """In plain words."""


async def talk(first: Leg, second: Leg, *, music: Sequence[PlayItem] = ()) -> Talk:
    """Connect two answered legs and return when either has ended. Neither leg is closed here."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    _connect(first, second, music)
    first.is_talking = second.is_talking = True
    try:
        await asyncio.wait({first.ended, second.ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        first.on_hold_change = second.on_hold_change = None
        first.is_talking = second.is_talking = False
        first.media.unbridge()
    quitter = first if first.ended.done() else second
    return Talk(loop.time() - began, quitter.name, quitter.ended.result().why)


def _connect(first: Leg, second: Leg, music: Sequence[PlayItem]) -> None:
    first.on_hold_change = lambda _: _follow_holds(first, second, music)
    second.on_hold_change = lambda _: _follow_holds(first, second, music)
    first.media.bridge(second.media)
    _follow_holds(first, second, music)


def _follow_holds(first: Leg, second: Leg, music: Sequence[PlayItem]) -> None:
    """Play music to whom the other one holds (row D9); a resumed bridge carries voices again."""
    for held_by, listener in ((first, second), (second, first)):
        if held_by.is_held and music:
            listener.loop(music)
        else:
            listener.media.stop()
