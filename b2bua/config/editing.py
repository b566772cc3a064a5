"""Edits one scheme or queue in the files of a configuration: first all is looked over, then written."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomlkit.exceptions import TOMLKitError

from b2bua.config import rewriting
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.config.origin import KeyPath, Origin, dotted
from b2bua.config.replacing import NotWritten, Replacement
from b2bua.config.rewriting import Content
from b2bua.config.sources import files_of, read_tables
from b2bua.config.uses import renamed, uses
from b2bua.errors import B2buaError, ConfigError, Problem

MARK = b"\xef\xbb\xbf"
"""Windows' editor puts it in front of UTF-8."""


class StillUsed(B2buaError):
    """What is to be removed is named elsewhere."""

    def __init__(self, why: str, used_by: tuple[str, ...]) -> None:
        super().__init__(why)
        self.used_by = used_by


class NameTaken(B2buaError):
    """Another one is called so."""


class CannotEdit(B2buaError):
    """The table is written in a way that a program cannot change without harm to what is around it."""


class AlreadyBroken(ConfigError):
    """The files cannot be used as they are, whatever the edit."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to become of one table."""

    section: str
    """``scheme`` or ``queue``."""
    name: str
    """Which of them."""
    revise: Callable[[Content | None], Content | None]
    """Returns what it shall say, for what it says (None: it is not there); None: it shall be gone."""
    new_name: str = ""
    """What it shall be called, and named by others; empty: as it is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit that can be used, before it is written."""

    config: Config
    """The office as it would be."""
    content: Content | None
    """What the table would say; None: it would be gone."""
    replacements: tuple[Replacement, ...]
    """The files that change; none: nothing does."""


def propose(path: Path, edit: Edit) -> Proposal:
    """Return what the configuration at ``path`` would be after ``edit``; reads files, writes none.

    Raises:
        ConfigError: the configuration could not be used so.
        AlreadyBroken: it cannot be used as it is.
        StillUsed: what is to be removed is named elsewhere.
        NameTaken: the new name is that of another one.
        CannotEdit: that has to be done by hand.
        NotWritten: the files cannot be read.
        Exception: whatever ``revise`` raises.
    """
    try:
        tables, origin = read_tables(path)
    except ConfigError as error:
        raise AlreadyBroken(error.problems) from None
    content = edit.revise(tables.get(edit.section, {}).get(edit.name))
    if content is None:
        _refuse_if_used(tables, edit)
    if edit.new_name in tables.get(edit.section, {}):
        raise NameTaken(f"there is a {edit.section} {edit.new_name} already")
    wanted = _expected(tables, edit, content)
    texts = {file: _read(file) for file in files_of(path)[0]}
    fresh = dict(_changed(texts, tables, origin, edit, content)) if wanted != tables else {}
    _hold_against(path, fresh, wanted, origin, edit)
    replacements = tuple(texts[file].replacement(file, text) for file, text in fresh.items())
    return Proposal(_loaded(path, fresh), content, replacements)


def _loaded(path: Path, fresh: Mapping[Path, str]) -> Config:
    try:
        return load_config(path, texts=fresh)
    except ConfigError as error:
        try:
            load_config(path)
        except ConfigError as before:
            raise AlreadyBroken(before.problems) from None
        raise error from None


def _refuse_if_used(tables: Mapping[str, Any], edit: Edit) -> None:
    own = (edit.section, edit.name)
    found = tuple(dotted(key) for key in uses(tables, *own) if key[:2] != own)
    if found:
        raise StillUsed(f"the {edit.section} {edit.name} is still used by {', '.join(found)}", found)


def _expected(tables: Mapping[str, Any], edit: Edit, content: Content | None) -> dict[str, Any]:
    """Return all tables as they have to be after the edit."""
    wanted: dict[str, Any] = copy.deepcopy(dict(tables))
    section = wanted.setdefault(edit.section, {})
    section.pop(edit.name, None)
    if content is not None:
        section[edit.new_name or edit.name] = copy.deepcopy(dict(content))
    if not section:
        del wanted[edit.section]
    if edit.new_name:
        for key in uses(wanted, edit.section, edit.name):
            table = _table_of(wanted, key)
            table[key[-1]] = renamed(table[key[-1]], edit.name, edit.new_name)
    return wanted


def _table_of(tables: Any, key: KeyPath) -> Any:
    for part in key[:-1]:
        tables = tables[part]
    return tables


# --- text --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Text:
    """A file as it is, and the text in it."""

    raw: bytes
    text: str
    has_mark: bool
    has_crlf: bool

    def replacement(self, file: Path, text: str) -> Replacement:
        """Return what puts ``text`` there, with the marks and ends of lines that the file has."""
        written = text.replace("\n", "\r\n") if self.has_crlf else text
        return Replacement(file, self.raw, (MARK if self.has_mark else b"") + written.encode())


def _read(file: Path) -> _Text:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise NotWritten(f"{file} cannot be read: {error.strerror}") from error
    text = raw.removeprefix(MARK).decode()
    has_crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
    return _Text(raw, text.replace("\r\n", "\n") if has_crlf else text, raw.startswith(MARK), has_crlf)


def _changed(
    texts: Mapping[Path, _Text],
    tables: Mapping[str, Any],
    origin: Origin,
    edit: Edit,
    content: Content | None,
) -> Iterator[tuple[Path, str]]:
    """Yield the files that change, and their text then."""
    table = (edit.section, edit.name)
    home = _home(texts, tables, origin, table)
    named = uses(tables, *table) if edit.new_name else ()
    for file, old in texts.items():
        text = old.text
        try:
            for key in (key for key in named if origin.locate(key)[0] == file):
                value = renamed(_table_of(tables, key)[key[-1]], edit.name, edit.new_name)
                text = rewriting.set_value(text, key, value)
            if file == home and content is None:
                text = rewriting.remove(text, table)
            elif file == home and content is not None:
                text = rewriting.put(text, table, content) if content != _said(tables, table) else text
                text = rewriting.rename(text, table, edit.new_name) if edit.new_name else text
        except (TOMLKitError, LookupError, TypeError, ValueError):
            raise _by_hand(edit, origin) from None
        if text != old.text:
            yield file, text


def _said(tables: Mapping[str, Any], table: KeyPath) -> Content | None:
    found: Content | None = tables.get(str(table[0]), {}).get(table[1])
    return found


def _home(texts: Mapping[Path, _Text], tables: Mapping[str, Any], origin: Origin, table: KeyPath) -> Path:
    """Return the file in which the table is; for a new one, that of the others of its kind."""
    if _said(tables, table) is not None:
        return origin.locate(table)[0]
    has_kin = [file for file, text in texts.items() if rewriting.has_blocks(text.text, table[:1])]
    return has_kin[0] if has_kin else next(iter(texts))


def _hold_against(
    path: Path, fresh: Mapping[Path, str], wanted: Mapping[str, Any], origin: Origin, edit: Edit
) -> None:
    """Read the new text as the office will, and see that it says what was asked for and nothing else.

    Raises:
        CannotEdit: it does not.
    """
    try:
        tables, _ = read_tables(path, fresh)
    except ConfigError:
        raise _by_hand(edit, origin) from None
    if tables != wanted:
        raise _by_hand(edit, origin)


def _by_hand(edit: Edit, origin: Origin) -> CannotEdit:
    file, line = origin.locate((edit.section, edit.name))
    header = f"[{dotted((edit.section, edit.name))}]"
    return CannotEdit(
        f"{file}:{line}: the {edit.section} {edit.name} cannot be edited as it is written there; "
        f"give it a table of its own, {header}, in one file"
    )


def same_problem(one: Problem, other: Problem) -> bool:
    """Return whether both tell of the same thing, wherever it stands by now."""
    return (one.key, one.message) == (other.key, other.message)
