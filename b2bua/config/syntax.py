"""What is wrong in a file that is no TOML, said to somebody who has never heard of TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from b2bua.config.origin import QUIET, dotted, scan_keys
from b2bua.errors import Problem

SYNTAX = "syntax"
"""The key under which it is told."""
CURLY_QUOTES = frozenset("“”„«»‘’")
"""What word processors and telephones write instead of straight ones."""
SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off"})
TWICE = ("twice", "Cannot overwrite", "Cannot redefine", "Duplicate", "Cannot mutate")
"""What the messages about a key or table that is there already have in them."""
NAMES = "names consist of the letters a to z, digits, - and _; others stand in quotes"


def syntax_problem(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """Return what is wrong, with the line and what was probably meant."""
    # Python 3.14 gives .lineno; before that the position stands only in the message
    message = str(error)
    _, _, place = message.rpartition("(at line ")
    line = int(place.partition(",")[0]) if place[:1].isdigit() else len(text.splitlines()) or 1
    written = "".join((text.splitlines() or [""])[line - 1 : line])
    what = message.partition(" (at ")[0]
    if any(each in what for each in TWICE) and (said := _said_before(text, line)):
        return Problem(path, line, SYNTAX, said)
    hint = _hint_by_line(written) or _hint_by_message(what, written)
    return Problem(path, line, SYNTAX, f"this is not TOML: {what}{hint and f'; {hint}'}")


def _said_before(text: str, line: int) -> str:
    """Return where the table or key of a line stands above it; empty where that cannot be seen."""
    places = list(scan_keys(text))
    here = max((path for path, number in places if number == line), key=len, default=None)
    first = next((number for path, number in places if path == here and number < line), None)
    if here is None or first is None:
        return ""
    return f"{dotted(here)} stands in line {first} already: make one of the two, or rename this one"


def _hint_by_line(line: str) -> str:
    """Return what is probably wrong in a line, where its signs show it."""
    bare = QUIET.sub("", line).strip()
    key, equals, value = bare.partition("=")
    if CURLY_QUOTES & set(bare):
        return 'write straight quotes: "'
    if bare.startswith(("//", ";", "--")):
        return "a comment begins with #"
    if '"' in bare or "'" in bare:
        return "quotes that are opened have to be closed in the same line"
    if "+" in key:
        return 'a number in the name of a key or table is written in quotes: [number."+48221234567"]'
    if not equals and ":" in bare and not bare.startswith("["):
        return "between a key and its value stands ="
    if value.strip().lower() in SWITCHES:
        return "write true or false, in small letters"
    return ""


def _hint_by_message(what: str, line: str) -> str:
    bare = QUIET.sub("", line).strip()
    key, equals, value = bare.partition("=")
    is_header = bare.startswith("[") and not equals
    if "Unclosed array" in what or (is_header and "Invalid value" in what):
        return "between the elements of a list stand commas, and behind the last one ]"
    if "nclosed inline table" in what:
        return "a table that begins with { ends with } in the same line, and commas stand between its keys"
    if is_header:
        return f"a header looks like [person.anna]; {NAMES}"
    if "key part" in what or not re.fullmatch(r"[\w.\s-]*", key, re.ASCII):
        return NAMES
    if equals and re.search(r"[^\W\d_]|\+", value):
        return "text is written in quotes"
    return ""
