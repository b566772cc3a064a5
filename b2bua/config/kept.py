"""The files by which an office ran last, kept with its data: it starts by them while its own are broken."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from b2bua.config.load import load_config, readable_part
from b2bua.config.models import Config
from b2bua.config.sources import files_of
from b2bua.errors import ConfigError

FOLDER = "configuration"
"""Within the data of an office."""
WHOSE = "kept-from"
"""File with the path of the main file: somebody else's office may have had that folder."""


def keep(path: Path, data: Path) -> None:
    """Copy the files of a configuration that works; nobody else may read them: they may have passwords.

    Files that it includes by an absolute name are read where they are.

    Raises:
        OSError: they cannot be kept.
    """
    new, old, kept = (data / f"{FOLDER}{suffix}" for suffix in (".new", ".old", ""))
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700, parents=True)
    for file in files_of(path)[0]:
        if file.is_relative_to(path.parent):
            copy = new / file.relative_to(path.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch(mode=0o600)
            copy.write_bytes(file.read_bytes())
    (new / WHOSE).write_text(str(path.absolute()))
    shutil.rmtree(old, ignore_errors=True)
    if kept.exists():
        kept.rename(old)
    new.rename(kept)
    shutil.rmtree(old, ignore_errors=True)


def kept_config(path: Path) -> tuple[Config, datetime] | None:
    """Return the office as it ran last by the file at ``path``, which is broken, and when it was read so.

    None: it never ran by that file, or what was kept cannot be used either.
    """
    folder = _folder_of(path)
    if folder is None:
        return None
    copy = folder / path.name
    try:
        config = load_config(copy)
        kept_at = datetime.fromtimestamp(copy.stat().st_mtime, UTC)
    except (ConfigError, OSError):
        return None
    return config.read_from(replace(config.origin, file=path, is_stand_in=True), config.as_written), kept_at


def _folder_of(path: Path) -> Path | None:
    try:
        part = readable_part(path, without_broken_tables=True)
    except ConfigError:
        return None
    if part is None:
        return None
    folder = part.office.data / FOLDER
    try:
        is_ours = (folder / WHOSE).read_text() == str(path.absolute())
    except OSError:
        return None
    return folder if is_ours else None
