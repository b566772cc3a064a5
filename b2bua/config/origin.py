"""From a key of the configuration to the file and line where it stands, without parsing TOML twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from b2bua.errors import Problem

KeyPath = tuple[str | int, ...]
"""Keys from the root; positions in arrays of tables and lists are 0-based integers."""

HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
QUIET = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong under a key, before it is known in which file that stands."""

    path: KeyPath
    """The key."""
    message: str
    """What is wrong and what was expected."""
    is_warning: bool = False
    """Does not keep the office from starting."""


def warning(*path: str | int, because: str) -> Fault:
    """Return what is worth a look at ``path``, but no mistake."""
    return Fault(path, because, is_warning=True)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where every key was read."""

    file: Path
    """The main file."""
    places: Mapping[KeyPath, tuple[Path, int]] = field(default_factory=dict)
    """File and 1-based line by key path."""
    remarks: tuple[Fault, ...] = ()
    """What is odd about the files themselves, and no error."""
    is_stand_in: bool = False
    """The file itself cannot be used: this was read from what was kept of it."""

    @classmethod
    def nowhere(cls) -> Origin:
        """Return the origin of a configuration that was built by a program."""
        return cls(Path("configuration"))

    @classmethod
    def scan(cls, file: Path, text: str) -> Origin:
        """Return where the keys of a TOML text stand; what cannot be read is left out."""
        return cls(file, {path: (file, line) for path, line in scan_keys(text)})

    def locate(self, path: KeyPath) -> tuple[Path, int]:
        """Return file and line of the key, or of the nearest table around it.

        A table without a header of its own, as ``scheme.x`` is, begins where the first one in it does.
        """
        for length in range(len(path), 0, -1):
            if place := self.places.get(path[:length]) or self._first_within(path[:length]):
                return place
        return self.file, 1

    def _first_within(self, table: KeyPath) -> tuple[Path, int] | None:
        within = (place for path, place in self.places.items() if path[: len(table)] == table)
        return min(within, default=None)

    def joined(self, other: Origin) -> Origin:
        """Return the places of both; for tables that both have, those of this one."""
        return replace(self, places={**other.places, **self.places})

    def problems(self, faults: Iterable[Fault]) -> tuple[Problem, ...]:
        """Return the faults with the places where they stand, in the order of the file."""
        found = [
            Problem(*self.locate(fault.path), dotted(fault.path), fault.message, fault.is_warning)
            for fault in faults
        ]
        return tuple(sorted(found, key=lambda problem: (problem.file, problem.line)))


def dotted(path: KeyPath) -> str:
    """Return the key as people write it: ``scheme.sales.step.2.for``, positions counted from 1."""
    return ".".join(_quoted(str(part + 1 if isinstance(part, int) else part)) for part in path)


def scan_keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield each key's path and line, in the order of the file."""
    for number, line in enumerate(scan_lines(text), start=1):
        yield from ((path, number) for path in line.paths)


class LineKind(Enum):
    """What a line of TOML is."""

    HEADER = "header"
    KEY = "key"
    MORE = "more of the value above"
    REST = "blank, a comment, or no TOML"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of TOML."""

    kind: LineKind
    """What it is."""
    paths: tuple[KeyPath, ...] = ()
    """Keys that stand in it: a table's, or each part of a dotted one."""


def scan_lines(text: str) -> Iterator[Line]:
    """Yield what each line of a TOML text is; lines end with a line feed, as TOML has it."""
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    skipped_until: str | None = None
    depth = 0
    for line in text.split("\n"):
        if skipped_until is not None:
            skipped_until = None if skipped_until in line else skipped_until
            yield Line(LineKind.MORE)
        elif depth > 0:
            depth += _brackets(line)
            yield Line(LineKind.MORE)
        elif header := HEADER.match(line):
            table = _table(header, counts)
            yield Line(LineKind.HEADER, (table,))
        elif (key := _key(line))[0] and key[1].startswith("="):
            names, value = key[0], key[1][1:]
            yield Line(LineKind.KEY, tuple(table + names[:length] for length in range(1, len(names) + 1)))
            skipped_until = _opened_string(value)
            depth = 0 if skipped_until else _brackets(value)
        else:
            yield Line(LineKind.REST)


def _table(header: re.Match[str], counts: dict[KeyPath, int]) -> KeyPath:
    names, _ = _key(header[2])
    path: KeyPath = ()
    for position, name in enumerate(names):
        path += (name,)
        is_last = position == len(names) - 1
        if header[1] == "[[" and is_last:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += (counts[path],)
    return path


def _key(text: str) -> tuple[tuple[str, ...], str]:
    """Return the parts of a dotted key and what follows it."""
    names: list[str] = []
    position = 0
    while part := KEY_PART.match(text, position):
        names.append(next(group for group in part.groups() if group is not None))
        position = part.end()
        if not text.startswith(".", position):
            break
        position += 1
    return tuple(names), text[position:]


def _opened_string(value: str) -> str | None:
    """Return the quotes that close a multi-line string which this value opens."""
    for quotes in ('"""', "'''"):
        if value.lstrip().startswith(quotes) and value.count(quotes) == 1:
            return quotes
    return None


def _brackets(value: str) -> int:
    bare = QUIET.sub("", value)
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


def _quoted(part: str) -> str:
    return part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'
