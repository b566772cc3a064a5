"""Puts other text into files: whatever fails, each has either all of the old text or all of the new."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from b2bua.errors import B2buaError


class NotWritten(B2buaError):
    """A file could not be written; every file is as it was."""


class ChangedMeanwhile(B2buaError):
    """Somebody else wrote the file just now; it has what they wrote."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a file is to have."""

    file: Path
    """Which one; a link is followed."""
    before: bytes
    """What it has."""
    after: bytes
    """What it is to have."""


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Put the new text into all files; mode and owner stay. Blocks until it is on the disk.

    Raises:
        NotWritten: the disk is full, or a file or its folder may not be written.
        ChangedMeanwhile: a file has something else than it is to have before.
    """
    with _prepared(replacements) as fresh:
        done: list[Replacement] = []
        try:
            for replacement, path in zip(replacements, fresh, strict=True):
                _put(replacement, path)
                done.append(replacement)
        except BaseException:
            _take_back(done)
            raise


@contextmanager
def _prepared(replacements: Sequence[Replacement]) -> Iterator[list[Path]]:
    """Give files beside the old ones with the new text, which are gone afterwards if they are still there."""
    with ExitStack() as stack:
        fresh = []
        for replacement in replacements:
            path = _written(replacement)
            stack.callback(path.unlink, missing_ok=True)
            fresh.append(path)
        yield fresh


def _written(replacement: Replacement) -> Path:
    """Write the new text beside the old file, to the disk."""
    file = replacement.file.resolve()
    fresh: Path | None = None
    try:
        if not os.access(file, os.W_OK):
            raise PermissionError(0, "the program may not write it")
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
        fresh = Path(name)
        with os.fdopen(handle, "wb") as opened:
            opened.write(replacement.after)
            opened.flush()
            _keep_owner(file, opened.fileno())
            shutil.copystat(file, fresh)
            os.utime(fresh)
            os.fsync(opened.fileno())
    except OSError as error:
        if fresh is not None:
            fresh.unlink(missing_ok=True)
        raise _not_written(file, error) from error
    return fresh


def _keep_owner(file: Path, handle: int) -> None:
    old, new = file.stat(), os.fstat(handle)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(handle, old.st_uid, old.st_gid)
        except PermissionError:
            raise PermissionError(0, "it belongs to somebody else than the program") from None


def _put(replacement: Replacement, fresh: Path) -> None:
    file = replacement.file.resolve()
    try:
        if file.read_bytes() != replacement.before:
            raise ChangedMeanwhile(f"{replacement.file} was changed just now; read it again")
        fresh.replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise _not_written(file, error) from error


def _take_back(done: Sequence[Replacement]) -> None:
    """Give files back what they had: half of a change is worse than none."""
    for replacement in done:
        back = Replacement(replacement.file, replacement.after, replacement.before)
        with suppress(B2buaError), _prepared([back]) as [fresh]:
            _put(back, fresh)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_written(file: Path, error: OSError) -> NotWritten:
    return NotWritten(f"{file} cannot be written: {error.strerror}; nothing has changed")
