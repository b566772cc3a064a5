"""Where a configuration names its schemes and queues."""

from __future__ import annotations

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
        *((*path, "scheme") for path in DESTINATIONS),
    ),
    "queue": tuple((*path, "queue") for path in DESTINATIONS),
}
"""Section: the keys whose values are names of its tables."""


def uses(tables: Mapping[str, Any], section: str, name: str) -> tuple[KeyPath, ...]:
    """Return the keys whose value is the table ``name`` of a section; it may name itself."""
    found = (each for pattern in NAMED_BY[section] for each in _values(tables, pattern))
    return tuple(path for path, value in found if value == name)


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
