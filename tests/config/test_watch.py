"""A change of the files is noticed, whichever way they are written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from b2bua.config import watch
from b2bua.config.sources import files_of

PATIENCE_S = 20.0


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """Return a main file that includes one file and a folder."""
    folder = tmp_path / "people"
    folder.mkdir()
    (tmp_path / "numbers.toml").write_text("")
    path = tmp_path / "office.toml"
    path.write_text('include = ["numbers.toml", "people/*.toml"]\n')
    return path


def written(office: Path) -> None:
    office.write_text(office.read_text() + "# changed\n")


def replaced(office: Path) -> None:
    new = office.with_name("4913")
    new.write_text(office.read_text() + "# changed\n")
    new.rename(office)


def replaced_twice(office: Path) -> None:
    office.rename(office.with_suffix(".toml~"))
    office.write_text('include = ["numbers.toml", "people/*.toml"]\n# other\n')


def included_written(office: Path) -> None:
    (office.parent / "numbers.toml").write_text("# changed")


def file_added(office: Path) -> None:
    (office.parent / "people" / "anna.toml").write_text("[person.anna]")


def removed(office: Path) -> None:
    (office.parent / "numbers.toml").unlink()


async def test_a_change_is_noticed_once_however_it_is_made(
    office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_ANYWAY_S", 3600.0)
    changes = (written, replaced, replaced_twice, included_written, file_added, removed)
    async with noticed(office) as count:
        for number, change in enumerate(changes, start=count() + 1):
            change(office)
            await until(lambda number=number: count() >= number)
            (office.parent / "else.txt").write_text("of no interest")
            await asyncio.sleep(2 * watch.QUIET_MS / 1000)  # nothing is to happen
            assert count() == number, change.__name__


async def test_what_a_link_points_to_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_ANYWAY_S", 0.1)
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    for folder in ("1", "2"):
        (tmp_path / folder / "office.toml").write_text(f"# {folder}")
    (tmp_path / "current").symlink_to("1")
    path = tmp_path / "etc" / "office.toml"
    path.parent.mkdir()
    path.symlink_to("../current/office.toml")
    async with noticed(path) as count:
        before = count()
        (tmp_path / "new").symlink_to("2")
        os.replace(tmp_path / "new", tmp_path / "current")
        await until(lambda: count() > before)


async def test_without_news_from_the_system_it_is_looked_all_the_same(
    office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_left(*_: object, **__: object) -> AsyncIterator[None]:
        raise OSError("no watches left")
        yield

    monkeypatch.setattr(watch, "awatch", none_left)
    monkeypatch.setattr(watch, "LOOK_ANYWAY_S", 0.05)
    async with noticed(office) as count:
        before = count()
        written(office)
        await until(lambda: count() > before)


def test_the_files_of_a_broken_configuration_are_those_that_can_be_found(office: Path) -> None:
    folder = office.parent
    assert files_of(office) == ([office, folder / "numbers.toml"], {folder, folder / "people"})
    office.write_text('include = ["numbers.toml", "nowhere.toml", "*/x/*.toml"]\n[person')
    assert files_of(office) == ([office], {folder})
    office.write_text('include = ["numbers.toml", "nowhere.toml", "*/x/*.toml", 7]\n[persons]')
    assert files_of(office) == ([office, folder / "numbers.toml"], {folder})


@asynccontextmanager
async def noticed(path: Path) -> AsyncIterator[Callable[[], int]]:
    """Watch ``path`` while the block runs; it is given what counts the changes that were noticed."""
    news = 0

    async def follow() -> None:
        nonlocal news
        async for _ in watch.changes(path):
            news += 1

    task = asyncio.create_task(follow())
    try:
        while not news and not task.done():  # until the watch is there, and has told of the first one
            written(path)
            await asyncio.wait([task], timeout=4 * watch.QUIET_MS / 1000)
        yield lambda: news
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)
