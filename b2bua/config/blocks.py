"""A TOML text in blocks: a header, what stands under it, and the comments that belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from b2bua.config.origin import KeyPath, Line, LineKind, scan_lines


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a text, counted from 0. Between blocks are blank lines and comments that stand alone."""

    path: KeyPath
    """Of the table; empty: what stands before the first header."""
    first: int
    """Its first line: comments right above the header belong to it."""
    header: int
    """The line of its header."""
    end: int
    """The line after its last."""


def blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a TOML text, in its order."""
    written = text.split("\n")
    lines = list(scan_lines(text))
    headers = [at for at, line in enumerate(lines) if line.kind is LineKind.HEADER]
    return tuple(_blocks(written, lines, headers))


def _blocks(written: list[str], lines: list[Line], headers: list[int]) -> Iterator[Block]:
    firsts = [_first(written, lines, header) for header in headers]
    limits = [*firsts, len(lines)]
    if any(line.kind is LineKind.KEY for line in lines[: limits[0]]):
        yield Block((), 0, 0, _end(written, lines, 0, limits[0]))
    for header, first, limit in zip(headers, firsts, limits[1:], strict=True):
        yield Block(lines[header].paths[0], first, header, _end(written, lines, header, limit))


def _first(written: list[str], lines: list[Line], header: int) -> int:
    while header > 0 and _is_comment(written, lines, header - 1):
        header -= 1
    return header


def _end(written: list[str], lines: list[Line], start: int, limit: int) -> int:
    """Return where a block ends: after its last key, and the comments right below that."""
    end = max((at for at in range(start, limit) if lines[at].kind is not LineKind.REST), default=start) + 1
    while end < limit and _is_comment(written, lines, end):
        end += 1
    return end


def _is_comment(written: list[str], lines: list[Line], at: int) -> bool:
    return lines[at].kind is LineKind.REST and written[at].lstrip().startswith("#")
