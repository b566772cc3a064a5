"""Large pages for the memory of a long run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from b2bua.cli import large_pages

GROW_AND_ASK = """
import re
from pathlib import Path
from b2bua.cli.large_pages import use_large_pages
kept = [b"%d" % number for number in range(400_000)]
def large_kb():
    return int(re.search(r"AnonHugePages: +([0-9]+) kB", Path("/proc/self/smaps_rollup").read_text())[1])
before = large_kb()
use_large_pages()
assert kept == [b"%d" % number for number in range(400_000)]
print(large_kb() - before)
"""


def _kernel() -> tuple[int, ...]:
    return tuple(map(int, Path("/proc/sys/kernel/osrelease").read_text().split("-")[0].split(".")[:2]))


@pytest.mark.skipif(
    sys.platform != "linux" or not large_pages.SIZE.exists() or _kernel() < (6, 1),
    reason="this system cannot do it",
)
def test_what_is_in_memory_moves_to_large_pages_and_stays_as_it_was() -> None:
    grown = subprocess.run(
        [sys.executable, "-c", GROW_AND_ASK], capture_output=True, text=True, check=True, timeout=50
    ).stdout
    assert int(grown) >= 4096


@pytest.mark.parametrize("content", [None, "33554432\n", "no number\n"])
def test_where_pages_are_of_another_size_or_unknown_nothing_is_done(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = tmp_path / "size"
    if content is not None:
        size.write_text(content)
    monkeypatch.setattr(large_pages, "SIZE", size)
    monkeypatch.setattr(large_pages, "AREAS", tmp_path / "must-not-be-read")
    monkeypatch.setattr(large_pages, "_places", pytest.fail)
    large_pages.use_large_pages()


def test_only_whole_large_pages_of_the_heap_are_asked_for() -> None:
    areas = "\n".join(
        (
            "00400000-00a00000 r-xp 00000000 fe:00 1 /usr/bin/python3",
            "01100000-01900000 rw-p 00000000 00:00 0                          [heap]",
            "7f0000100000-7f0000200000 rw-p 00000000 00:00 0 ",
            "7f0000400000-7f0000600000 rw-p 00000000 00:00 0",
            "7f0001000000-7f0001400000 rw-p 00000000 00:01 9 /dev/zero (deleted)",
        )
    )
    assert list(large_pages._places(areas)) == [0x1200000, 0x1400000, 0x1600000, 0x7F0000400000]
