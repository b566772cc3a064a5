"""Row F1: a file that a program edits has all of the old text or all of the new, whatever fails."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from b2bua.config.replacing import ChangedMeanwhile, NotWritten, Replacement, replace_files

NOBODY = 65534


def as_nobody(replacements: list[Replacement]) -> None:
    """Replace as a program that is not root; on Linux a thread may be somebody else before the files."""

    def work() -> None:
        ctypes.CDLL(None).setfsuid(NOBODY)
        replace_files(replacements)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(work).result()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder into which everybody can look."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def two(folder: Path) -> list[Replacement]:
    """Return what changes two files of one folder."""
    for name in ("one", "two"):
        (folder / name).write_bytes(b"old")
        (folder / name).chmod(0o666)
    return [Replacement(folder / name, b"old", b"new") for name in ("one", "two")]


def texts(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_row_f1_mode_and_links_stay(folder: Path, two: list[Replacement]) -> None:
    two[0].file.chmod(0o604)
    link = folder / "link"
    link.symlink_to("one")
    replace_files([Replacement(link, b"old", b"new")])
    assert link.is_symlink()
    assert (two[0].file.read_bytes(), two[0].file.stat().st_mode & 0o777) == (b"new", 0o604)


def test_row_f1_a_folder_that_may_not_be_written_leaves_the_file(
    folder: Path, two: list[Replacement]
) -> None:
    folder.chmod(0o555)
    try:
        with pytest.raises(
            NotWritten, match=r"one cannot be written: Permission denied; nothing has changed"
        ):
            as_nobody(two)
    finally:
        folder.chmod(0o755)
    assert texts(folder) == {"one": b"old", "two": b"old"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_row_f1_a_file_of_somebody_else_stays_theirs(folder: Path, two: list[Replacement]) -> None:
    folder.chmod(0o777)
    with pytest.raises(NotWritten, match="it belongs to somebody else than the program"):
        as_nobody(two)
    assert texts(folder) == {"one": b"old", "two": b"old"}
    os.chown(two[0].file, NOBODY, -1)
    replace_files(two[:1])
    assert (two[0].file.read_bytes(), two[0].file.stat().st_uid) == (b"new", NOBODY)


def test_row_f1_what_somebody_wrote_just_now_is_not_lost(folder: Path, two: list[Replacement]) -> None:
    two[1].file.write_bytes(b"by hand")
    with pytest.raises(ChangedMeanwhile, match="two was changed just now"):
        replace_files(two)
    assert texts(folder) == {"one": b"old", "two": b"by hand"}


def test_row_f1_half_of_a_change_is_taken_back(
    folder: Path, two: list[Replacement], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace

    def fails_for_the_second(fresh: Path, target: Path) -> Path:
        if target.name == "two":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(fresh, target)

    monkeypatch.setattr(Path, "replace", fails_for_the_second)
    with pytest.raises(NotWritten, match="two cannot be written: Input/output error"):
        replace_files(two)
    assert texts(folder) == {"one": b"old", "two": b"old"}


def test_row_f1_a_file_that_is_gone_is_told(folder: Path, two: list[Replacement]) -> None:
    two[0].file.unlink()
    with pytest.raises(NotWritten, match="one cannot be written"):
        replace_files(two)
    assert texts(folder) == {"two": b"old"}
