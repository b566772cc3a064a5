"""Has what callers hear encoded before anybody calls: at the start, and whenever something of it changes."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import structlog

from b2bua.config.models import Config
from b2bua.config.prompts import named_music
from b2bua.edition import Edition
from b2bua.inbound.sounds import Sounds
from b2bua.ivr.step import LEAD
from media.call_tones import BEEP, call_tones
from media.client import MediaEngine
from media.commands import Clip, Row
from media.encoding import Encoding
from media.errors import MediaError
from media.rows import SILENCE

log = structlog.get_logger("office")

LOOK_S = 15.0
"""How often the files are looked at. A caller who comes first is not told to wait: it is encoded then."""
AGAIN_S = 3600.0
"""So long after the disk took nothing, or nothing could be encoded, it is tried again."""
QUIET_S = 5.0
"""A file that was written so lately may still be written."""
LAST_WORDS = ("call-back-promise", "form-thanks", "message-empty", "message-saved")
"""After which callers are told good-bye."""


class Version(NamedTuple):
    """Something to be encoded, and its files as they are."""

    sound: Row
    """As it is played: one sound, or several together."""
    files: tuple[tuple[int, int], ...]
    """Of each, when it changed last (nanoseconds), and its length in bytes."""


@dataclass(slots=True)
class Preparation:
    """Follows the sounds of the edition in force. ``run`` it in a task."""

    engine: MediaEngine
    """Plays them."""
    edition: Callable[[], Edition]
    """Returns what is in force."""
    _done: tuple[tuple[Version, ...], tuple[Encoding, ...]] = field(default=((), ()))
    _again_at: float = math.inf
    _is_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """Look soon: the configuration has changed."""
        self._is_asked.set()

    async def run(self) -> None:
        """Prepare what is there, and what comes, until cancelled; at once over where nothing can be kept."""
        while self.engine.encoded is not None:
            await self.look()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._is_asked.wait()
            except TimeoutError:
                continue
            self._is_asked.clear()

    async def look(self) -> None:
        """Prepare what has changed, if anything has; whatever is still being written is for the next time."""
        try:
            versions = await asyncio.to_thread(_versions, self.edition())
            encodings = _encodings(self.edition().config)
            if (versions, encodings) == self._done and time.monotonic() < self._again_at:
                return
            self._done, self._again_at = (versions, encodings), time.monotonic() + AGAIN_S
            troubles = await self.engine.prepare([version.sound for version in versions], encodings)
        except (MediaError, OSError) as error:
            log.warning("sounds are encoded only when they are played first", why=str(error))
            return
        self._again_at = math.inf
        for path, why in troubles.items():
            log.warning(f"{path} cannot be played: callers hear nothing in its place", why=why)


def _versions(edition: Edition) -> tuple[Version, ...]:
    """Return what is to be prepared; reads folders."""
    sounds = Sounds(lambda: edition.book)
    music = [name for _, name in named_music(edition.config) if name]
    alone = [(item,) for item in sounds.all(music)]
    rows = dict.fromkeys([*alone, *_together(edition.config, sounds)])
    return tuple(found for row in rows if row for found in _version(row))


def _together(config: Config, sounds: Sounds) -> Iterator[Row]:
    """Yield what is made of several sounds and always the same, and what is in no file.

    Codecs that remember have each row encoded as one. What numbers are in, nobody knows before it is said.
    """
    for menu in config.menus.values():
        greeting = sounds.row(*menu.greeting)
        yield (*LEAD, *greeting)  # at the first try
        yield greeting
    for webhook in config.webhooks.values():
        yield sounds.row(*webhook.ask)
    for last_word in LAST_WORDS:
        yield sounds.row(last_word, "goodbye")
    yield from (call_tones(config.office.country).ringback, BEEP, (SILENCE,))


def _version(sound: Row) -> Iterator[Version]:
    """Yield ``sound`` with its files as they are, unless one has just gone or may still be written."""
    try:
        found = [Path(item.path).stat() for item in sound if isinstance(item, Clip)]
    except OSError:
        return
    now = time.time()
    if not any(0 <= now - status.st_mtime < QUIET_S for status in found):
        yield Version(sound, tuple((status.st_mtime_ns, status.st_size) for status in found))


def _encodings(config: Config) -> tuple[Encoding, ...]:
    """Return how most callers get sound: each codec that anybody may have, in packets of 20 ms."""
    lists = [config.media.codecs]
    lists += [trunk.codecs or () for trunk in config.trunks.values()]
    lists += [person.codecs or () for person in config.people.values()]
    codecs = {codec for codecs in lists for codec in codecs}
    return tuple(Encoding(codec) for codec in sorted(codecs))
