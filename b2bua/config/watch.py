"""Notices that the files of a configuration changed, whichever way an editor or a program writes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from b2bua.config.sources import Version, files_of, version_of

log = logging.getLogger(__name__)

QUIET_MS = 300
"""Files have to be left alone for so long: an editor writes, renames and writes again."""
LONGEST_MS = 2000
"""But it is looked at them after so long at the latest."""
LOOK_ANYWAY_S = 5.0
"""Without news it is looked all the same: network file systems send none, links may point elsewhere."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a configuration at one moment."""

    versions: tuple[tuple[Path, Version], ...]
    """Each file and its version."""
    folders: frozenset[Path]
    """Where they are, and where others may appear that belong to them."""

    @classmethod
    def look(cls, path: Path) -> Sources:
        """Return what is there now; of a broken configuration, what can be found."""
        files, folders = files_of(path)
        return cls(
            tuple((file, version_of(file)) for file in files),
            frozenset(folder for folder in folders if folder.is_dir()),
        )


async def changes(path: Path) -> AsyncGenerator[None, None]:
    """Yield whenever a file of the configuration at ``path`` was written, replaced, added or removed."""
    seen = await asyncio.to_thread(Sources.look, path)
    while True:
        async with aclosing(_news(seen.folders)) as news:
            async for _ in news:
                now = await asyncio.to_thread(Sources.look, path)
                is_other, is_elsewhere = now.versions != seen.versions, now.folders != seen.folders
                seen = now
                if is_other:
                    yield
                if is_elsewhere:
                    break


async def _news(folders: frozenset[Path]) -> AsyncGenerator[None, None]:
    """Yield when something happened in one of the folders, and every ``LOOK_ANYWAY_S`` without news."""
    news = awatch(
        *folders,
        watch_filter=None,
        debounce=LONGEST_MS,
        step=QUIET_MS,
        rust_timeout=int(LOOK_ANYWAY_S * 1000),
        yield_on_timeout=True,
        recursive=False,
    )
    try:
        async with aclosing(news):
            async for _ in news:
                yield
    except (OSError, RuntimeError) as error:  # no watches left, or a folder that has just gone
        log.warning("changes of the configuration are noticed late: %s", error)
    while True:
        await asyncio.sleep(LOOK_ANYWAY_S)  # the schedule itself
        yield
