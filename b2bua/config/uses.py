"""Where a configuration names its schemes and queues."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from b2bua.config.origin import KeyPath

ANY = "*"
"""Whatever the key, or each element of a list."""
DESTINATIONS: tuple[KeyPath, ...] = (
    ("scheme", ANY, "step", ANY),
    ("menu", ANY, "no-input"),
    ("menu", ANY, "invalid"),
    ("menu", ANY, "options", ANY),
    ("extension", ANY),
)
"""What can be done with callers."""
CONDITIONS: tuple[KeyPath, ...] = (("scheme", ANY, "when"), ("scheme", ANY, "step", ANY, "when"))
"""On the load: a text, or a list of them."""
NAMED_BY: Mapping[str, tuple[KeyPath, ...]] = {
    "scheme": (
        ("office", "default-scheme"),
        ("office", "backup-scheme"),
        *(
            (table, ANY, key)
            for table in ("number", "number-group")
            for key in ("scheme", "in-hours", "off-hours", "holiday")
        ),
        ("scheme", ANY, "otherwise"),
        ("return-call", ANY, "scheme"),
        *((*path, "scheme") for path in DESTINATIONS),
    ),
    "queue": (
        *((*path, "queue") for path in DESTINATIONS),
        *((*path, *at) for path in CONDITIONS for at in ((), (ANY,))),
    ),
}
"""Section: the keys whose values are names of its tables, or conditions on them."""
IN_CONDITION = re.compile(r"(?<=\bin\s)\s*(\S+?)(?=\s*[<>])", re.IGNORECASE)
"""The name in ``waiting in sales > 3``."""


def uses(tables: Mapping[str, Any], section: str, name: str) -> tuple[KeyPath, ...]:
    """Return the keys whose value names the table ``name`` of a section; it may name itself."""
    found = (each for pattern in NAMED_BY[section] for each in _values(tables, pattern))
    return tuple(path for path, value in found if _names(path, value, name))


def _names(path: KeyPath, value: Any, name: str) -> bool:
    if "when" not in path[2:]:
        return bool(value == name)
    found = IN_CONDITION.search(value) if isinstance(value, str) else None
    return found is not None and found[1] == name


def renamed(value: str, name: str, new_name: str) -> str:
    """Return the value of a key, which is a name or a condition, with another name."""
    found = IN_CONDITION.search(value)
    if value == name or found is None:
        return new_name
    return f"{value[: found.start(1)]}{new_name}{value[found.end(1) :]}"


def _values(value: Any, pattern: KeyPath, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield what stands at each key that the pattern means."""
    if not pattern:
        yield path, value
        return
    for part in _parts(value, pattern[0]):
        yield from _values(value[part], pattern[1:], (*path, part))


def _parts(value: Any, part: str | int) -> Sequence[str | int]:
    if isinstance(value, dict):
        return list(value) if part == ANY else [part] if part in value else []
    return range(len(value)) if isinstance(value, list) and part == ANY else []
