"""Reads the TOML of a configuration: the main file and those that its ``include`` names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from b2bua.config.origin import Fault, KeyPath, Origin
from b2bua.config.syntax import SYNTAX, syntax_problem
from b2bua.errors import ConfigError, Problem

Tables = dict[str, Any]
Version = tuple[int, int, int] | None
"""Changes with the file; None: there is none."""
NOTHING_ELSE: Mapping[Path, str] = MappingProxyType({})
"""The files say what is to be read."""
WILDCARDS = frozenset("*?[")
"""What makes a pattern of a name."""


def read_tables(path: Path, texts: Mapping[Path, str] = NOTHING_ELSE) -> tuple[Tables, Origin]:
    """Return the tables of a file and of its includes as one, and where each key stands.

    ``texts`` stand in for what is in some of the files.

    Raises:
        ConfigError: a file cannot be read, is no TOML, or a key is set in two files.
    """
    tables, origin = _read_file(path, texts)
    patterns = tables.pop("include", [])
    for included in _included(path, patterns, origin):
        more, places = _read_file(included, texts)
        clashes = tuple(_merge(tables, more, ()))
        if clashes:
            raise ConfigError(places.problems(_clash(clash, origin) for clash in clashes))
        origin = origin.joined(places)
    return tables, replace(origin, remarks=tuple(_idle_patterns(path, patterns)))


def read_whole_tables(path: Path) -> tuple[Tables, Origin]:
    """Return the same without those tables in which something is no TOML.

    Raises:
        ConfigError: a file cannot be read, or what is left of them does not fit together.
    """
    texts: dict[Path, str] = {}
    while True:
        try:
            return read_tables(path, texts)
        except ConfigError as error:
            [problem, *_] = error.problems
            if problem.key != SYNTAX:
                raise
            before = texts.get(problem.file) or problem.file.read_text(encoding="utf-8-sig")
            texts[problem.file] = _without_table(before, problem.line)
            if texts[problem.file] == before:
                raise


def _without_table(text: str, line: int) -> str:
    """Return the text without the table around a line; blank lines stand in for it."""
    lines = text.split("\n")
    headers = [index for index, each in enumerate(lines) if each.lstrip().startswith("[")]
    first = max((index for index in headers if index < line), default=0)
    end = min((index for index in headers if index >= line), default=len(lines))
    return "\n".join([*lines[:first], *[""] * (end - first), *lines[end:]])


def _idle_patterns(path: Path, patterns: Sequence[str]) -> Iterator[Fault]:
    """Yield the patterns that match nothing: files may come later, or the folder has another name."""
    for index, pattern in enumerate(patterns):
        if not _matching(path, pattern):
            yield Fault(("include", index), f"no file matches {pattern}: nothing is read", is_warning=True)


def files_of(path: Path) -> tuple[list[Path], set[Path]]:
    """Return the files that a configuration is read from, and the folders in which they and new ones appear.

    One that is broken has those that can be found: whoever mends it may do so in any of them.
    """
    files, folders = [path], {path.parent}
    for pattern in _patterns(path, version_of(path)):
        matching = _matching(path, pattern)
        files += [file for file in matching if file not in files]
        folders |= {file.parent for file in matching} | {_fixed_part(path.parent / pattern)}
    return files, folders


@lru_cache(maxsize=1)
def _patterns(path: Path, _version: Version) -> tuple[str, ...]:
    """Return what the ``include`` of that version names; it is asked for every few seconds."""
    try:
        patterns = _read_file(path)[0].get("include", [])
    except ConfigError:
        return ()
    usable = patterns if isinstance(patterns, list) else []
    return tuple(pattern for pattern in usable if isinstance(pattern, str) and pattern.strip("/"))


def version_of(file: Path) -> Version:
    """Return what changes with the file; None: there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _matching(path: Path, pattern: str) -> list[Path]:
    base, relative = (Path("/"), pattern[1:]) if pattern.startswith("/") else (path.parent, pattern)
    try:
        return sorted(file for file in base.glob(relative) if file.is_file())
    except (ValueError, IndexError):  # "", "." or ** within a name
        return []


def _fixed_part(pattern: Path) -> Path:
    """Return the innermost folder that a pattern names without a wildcard."""
    folder = pattern.parent
    while WILDCARDS & set(str(folder)):
        folder = folder.parent
    return folder


def _included(path: Path, patterns: object, origin: Origin) -> list[Path]:
    """Return the files that the patterns mean, relative to the main file, sorted within each pattern."""
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        fault = Fault(("include",), 'expected a list of files, for example ["people.toml", "schemes/*.toml"]')
        raise ConfigError(origin.problems([fault]))
    found: list[Path] = []
    for index, pattern in enumerate(patterns):
        matching = _matching(path, pattern)
        if not matching and not WILDCARDS & set(pattern):
            raise ConfigError(origin.problems([Fault(("include", index), f"there is no file {pattern}")]))
        found += [file for file in matching if file not in found]
    return found


def _merge(tables: Tables, more: Tables, path: KeyPath) -> Iterator[KeyPath]:
    """Put ``more`` into ``tables``; yield the keys that both of them set."""
    for key, value in more.items():
        here = (*path, key)
        if key not in tables:
            tables[key] = value
        elif isinstance(tables[key], dict) and isinstance(value, dict):
            yield from _merge(tables[key], value, here)
        else:
            yield here


def _clash(path: KeyPath, origin: Origin) -> Fault:
    file, line = origin.locate(path)
    return Fault(path, f"is already set in {file}:{line}")


def _read_file(path: Path, texts: Mapping[Path, str] = NOTHING_ELSE) -> tuple[Tables, Origin]:
    try:  # Windows' editor puts a mark in front
        text = texts[path] if path in texts else path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError((Problem(path, 1, "file", f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        why = "cannot be read: it is not UTF-8; let your editor save it in that encoding"
        raise ConfigError((Problem(path, line, "file", why),)) from error
    try:
        return tomllib.loads(text), Origin.scan(path, text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((syntax_problem(path, text, error),)) from error
