"""Whether the office can keep anything where its configuration says, found out before the first call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from b2bua.config.models import Config
from b2bua.config.origin import Fault, KeyPath
from b2bua.errors import Problem


def unusable_folders(config: Config) -> tuple[Problem, ...]:
    """Return an error for each folder that is a file, and a warning for each that we may not write into.

    The office may be meant to run as somebody else, or on another machine.
    """
    return config.origin.problems(tuple(_unusable(config)))


def _unusable(config: Config) -> Iterator[Fault]:
    folders: list[tuple[KeyPath, Path | None]] = [(("office", "data"), config.office.data)]
    if config.recording.is_on:
        folders.append((("recording", "folder"), config.recording.folder))
    for path, folder in folders:
        if folder is None:
            continue
        there = _nearest(folder.absolute())
        if not there.is_dir():
            yield Fault(path, f"{there} is a file; expected a folder")
        elif not os.access(there, os.W_OK | os.X_OK):
            yield Fault(path, f"{there} cannot be written to by this user", is_warning=True)


def _nearest(folder: Path) -> Path:
    """Return it or, where it is not there yet, the folder in which it will be made."""
    return next(each for each in (folder, *folder.parents) if each.exists())
