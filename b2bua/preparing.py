"""Has the office's sounds encoded before anybody calls: at the start, and whenever one of them changes."""

from __future__ import annotations

import asyncio
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
from media.client import MediaEngine
from media.commands import Clip
from media.encoding import Encoding
from media.errors import MediaError

log = structlog.get_logger("office")

LOOK_S = 15.0
"""How often the files are looked at. A caller who comes first is not told to wait: it is encoded then."""
QUIET_S = 5.0
"""A file that was written so lately may still be written."""


class Version(NamedTuple):
    """A sound to be encoded, and its file as it is."""

    clip: Clip
    """The sound."""
    changed_ns: int
    """When the file changed last."""
    size: int
    """Its length in bytes."""


@dataclass(slots=True)
class Preparation:
    """Follows the sounds of the edition in force. ``run`` it in a task."""

    engine: MediaEngine
    """Plays them."""
    edition: Callable[[], Edition]
    """Returns what is in force."""
    _done: tuple[tuple[Version, ...], tuple[Encoding, ...]] = field(default=((), ()))
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
            if (versions, encodings) == self._done:
                return
            self._done = versions, encodings
            troubles = await self.engine.prepare([version.clip for version in versions], encodings)
        except (MediaError, OSError) as error:
            log.warning("sounds are encoded only when they are played first", why=str(error))
            return
        for path, why in troubles.items():
            log.warning(f"{path} cannot be played: callers hear nothing in its place", why=why)


def _versions(edition: Edition) -> tuple[Version, ...]:
    """Return the sounds to be prepared; reads folders."""
    music = [name for _, name in named_music(edition.config) if name]
    clips = Sounds(lambda: edition.book).own(music)
    return tuple(found for clip in clips if isinstance(clip, Clip) for found in _version(clip))


def _version(clip: Clip) -> Iterator[Version]:
    """Yield the sound with its file as it is, unless that has just gone or may still be written."""
    try:
        status = Path(clip.path).stat()
    except OSError:
        return
    if not 0 <= time.time() - status.st_mtime < QUIET_S:
        yield Version(clip, status.st_mtime_ns, status.st_size)


def _encodings(config: Config) -> tuple[Encoding, ...]:
    """Return how most callers get sound: each codec that anybody may have, in packets of 20 ms."""
    lists = [config.media.codecs]
    lists += [trunk.codecs or () for trunk in config.trunks.values()]
    lists += [person.codecs or () for person in config.people.values()]
    codecs = {codec for codecs in lists for codec in codecs}
    return tuple(Encoding(codec) for codec in sorted(codecs))
