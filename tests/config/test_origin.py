"""Keys are found at their lines whatever TOML allows around them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from b2bua.config.origin import KeyPath, Origin, dotted, scan_keys
from tests.config.offices import CONFIGS

TEXT = '''# comment
top = 1
[office]  # comment with [brackets]
country = "PL"  # a = b
greeting = """
not = "a key"
[nor.a.table]
"""
list = [
  "a = 1",  # ] no end
  [1]
]
after = true
[number."+48 22.1"]
'single quoted' = 1
a.b . "c d" = 2
[[scheme.x.step]]
ring = ["a]"]
[[scheme.x.step]]
ring = ["b"]
[scheme.x.step.sub]
deep = 1
[[scheme.y.step]]
queue = "q"
'''

LINES: dict[KeyPath, int] = {
    ("top",): 2,
    ("office",): 3,
    ("office", "country"): 4,
    ("office", "greeting"): 5,
    ("office", "list"): 9,
    ("office", "after"): 13,
    ("number", "+48 22.1"): 14,
    ("number", "+48 22.1", "single quoted"): 15,
    ("number", "+48 22.1", "a"): 16,
    ("number", "+48 22.1", "a", "b"): 16,
    ("number", "+48 22.1", "a", "b", "c d"): 16,
    ("scheme", "x", "step", 0): 17,
    ("scheme", "x", "step", 0, "ring"): 18,
    ("scheme", "x", "step", 1): 19,
    ("scheme", "x", "step", 1, "ring"): 20,
    ("scheme", "x", "step", 1, "sub"): 21,
    ("scheme", "x", "step", 1, "sub", "deep"): 22,
    ("scheme", "y", "step", 0): 23,
    ("scheme", "y", "step", 0, "queue"): 24,
}


def test_every_key_has_its_line() -> None:
    assert dict(scan_keys(TEXT)) == LINES
    tables = tomllib.loads(TEXT)
    for key in LINES:
        _look_up(tables, key)


@pytest.mark.parametrize(
    "path", [CONFIGS / "demo.toml", CONFIGS / "example.toml"], ids=lambda path: path.name
)
def test_what_the_scanner_finds_is_what_toml_holds(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    found = [_look_up(tables, key) for key, _ in scan_keys(text)]
    assert len(found) > 50


def test_a_key_that_is_missing_is_located_at_its_table() -> None:
    origin = Origin.scan(Path("office.toml"), TEXT)
    assert origin.locate(("scheme", "x", "step", 1, "after", 0)) == (Path("office.toml"), 19)
    assert origin.locate(("scheme", "x")) == (Path("office.toml"), 17)
    assert origin.locate(("scheme", "z")) == (Path("office.toml"), 17)
    assert origin.locate(("nothing",)) == (Path("office.toml"), 1)


def test_positions_are_shown_counted_from_one_and_odd_keys_quoted() -> None:
    assert dotted(("scheme", "sales", "step", 1, "for")) == "scheme.sales.step.2.for"
    assert dotted(("number", "+48221230001", "scheme")) == 'number."+48221230001".scheme'


def _look_up(tables: Any, key: KeyPath) -> Any:
    for part in key:
        tables = tables[part]
    return tables
