"""Changes one table in the text of a configuration; all else in it stays as it is, letter by letter. Pure.

A table is that of a scheme or a queue: ``[scheme.x]`` with ``[[scheme.x.step]]``. ``tomlkit`` changes the
values within a block, for it keeps the comments there; whole blocks are moved by lines, for a comment above a
header belongs to what follows, which ``tomlkit`` does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import Item

from b2bua.config.blocks import Block, blocks
from b2bua.config.origin import HEADER, KeyPath

Content = Mapping[str, Any]
"""A table as TOML has it."""
STEP = "step"
"""The key of a scheme's steps, each of which is a table of its own."""


def put(text: str, table: KeyPath, content: Content) -> str:
    """Return ``text`` in which ``table`` says ``content``; steps that stay keep their comments."""
    lines = text.split("\n")
    found = [block for block in blocks(text) if block.path[: len(table)] == table]
    if not found:
        return _added(text, table, content)
    heads = [block for block in found if block.path == table]
    slots = [block for block in found if block.path[:-1] == (*table, STEP)]
    own = content if not slots else {key: value for key, value in content.items() if key != STEP}
    if slots:
        _put_steps(lines, slots, content.get(STEP, ()), table)
    if heads:  # which stands before the steps or after them all; in between it is not TOML
        head = heads[0]
        moved = len(lines) - len(text.split("\n")) if slots and slots[0].first < head.first else 0
        first, end = head.first + moved, head.end + moved
        lines[first:end] = _edited(lines[first:end], table, own)
    elif own:
        lines[slots[0].first : slots[0].first] = [*_new_block(table, own), ""]
    return "\n".join(lines)


def remove(text: str, table: KeyPath) -> str:
    """Return ``text`` without the blocks of ``table``."""
    lines = text.split("\n")
    for block in reversed([each for each in blocks(text) if each.path[: len(table)] == table]):
        _cut(lines, block)
    return "\n".join(lines)


def rename(text: str, table: KeyPath, name: str) -> str:
    """Return ``text`` in which the headers of ``table`` have ``name`` as its last part."""
    lines = text.split("\n")
    for block in blocks(text):
        if block.path[: len(table)] == table:
            header = HEADER.match(lines[block.header])
            assert header is not None
            named = (*table[:-1], name, *block.path[len(table) :])
            start, end = header.span(2)
            lines[block.header] = lines[block.header][:start] + _dotted(named) + lines[block.header][end:]
    return "\n".join(lines)


def set_value(text: str, key: KeyPath, value: str) -> str:
    """Return ``text`` in which the value of ``key``, which is there, is another one."""
    lines = text.split("\n")
    around = [block for block in blocks(text) if block.path == key[: len(block.path)]]
    block = max(around, key=lambda each: len(each.path))
    document = tomlkit.parse("\n".join(lines[block.first : block.end]) + "\n")
    within = (*_alone(block.path), *key[len(block.path) : -1])
    _at(document, within)[key[-1]] = value
    lines[block.first : block.end] = _lines(document.as_string())
    return "\n".join(lines)


def has_blocks(text: str, table: KeyPath) -> bool:
    """Return whether ``table`` has a header in ``text``."""
    return any(block.path[: len(table)] == table for block in blocks(text))


# --- blocks ------------------------------------------------------------------------------------------------


def _put_steps(lines: list[str], slots: Sequence[Block], steps: Sequence[Content], table: KeyPath) -> None:
    """Fill the places of the steps that are there with ``steps``; the comments between them stay."""
    blocks_now = [lines[slot.first : slot.end] for slot in slots]
    fresh = _steps(blocks_now, steps, (*table, STEP))
    for block in fresh[: len(slots) - 1 : -1]:
        lines[slots[-1].end : slots[-1].end] = ["", *block]
    for slot in reversed(slots[len(fresh) :]):
        _cut(lines, slot)
    for slot, block in reversed(list(zip(slots, fresh, strict=False))):
        lines[slot.first : slot.end] = block


def _steps(old: list[list[str]], steps: Sequence[Content], path: KeyPath) -> list[list[str]]:
    """Return the block of each step: the one that says the same, else that at its place, else a new one."""
    said = [_at(tomlkit.parse("\n".join(block) + "\n"), (*path, 0)).unwrap() for block in old]
    left = list(range(len(old)))
    taken: dict[int, int] = {}
    for index, step in enumerate(steps):
        same = next((each for each in left if said[each] == dict(step)), None)
        if same is not None:
            taken[index] = same
            left.remove(same)
    fresh = []
    for index, step in enumerate(steps):
        if index not in taken and index in left:
            taken[index] = index
        fresh.append(
            _edited(old[taken[index]], (*path, 0), step)
            if index in taken
            else _new_block(path, step, is_list=True)
        )
    return fresh


def _added(text: str, table: KeyPath, content: Content) -> str:
    """Return ``text`` with a table that was not there, below the last of its kind, else at the end."""
    own = {key: value for key, value in content.items() if key != STEP}
    fresh: list[str] = [*_new_block(table, own), ""] if own or STEP not in content else []
    for step in content.get(STEP, ()):
        fresh += [*_new_block((*table, STEP), step, is_list=True), ""]
    kin = [block for block in blocks(text) if block.path[:1] == table[:1] and len(block.path) > 1]
    lines = text.split("\n") if kin else text.rstrip("\n").split("\n")
    at = kin[-1].end if kin else len(lines)
    lines[at:at] = ["", *fresh[:-1]] if text.strip() else fresh[:-1]
    return "\n".join(lines) + ("" if kin else "\n")


def _cut(lines: list[str], block: Block) -> None:
    """Take a block away, and the blank lines above it."""
    first = block.first
    while first > 0 and not lines[first - 1].strip():
        first -= 1
    is_first = first == 0
    del lines[first : block.end]
    while is_first and lines and not lines[0].strip():
        del lines[0]


def _new_block(path: KeyPath, content: Content, *, is_list: bool = False) -> list[str]:
    brackets = "[[{}]]" if is_list else "[{}]"
    document = tomlkit.document()
    for key, value in content.items():
        document[key] = _item(value)
    return [brackets.format(_dotted(path)), *_lines(document.as_string())]


def _edited(block: list[str], path: KeyPath, content: Content) -> list[str]:
    """Return the block with the keys of ``content`` and no others."""
    document = tomlkit.parse("\n".join(block) + "\n")
    table = _at(document, path)
    now = table.unwrap()
    for key in now.keys() - content.keys():
        del table[key]
    for key, value in content.items():
        if key not in now or (type(now[key]), now[key]) != (type(value), value):
            table[key] = _item(value)
    return _lines(document.as_string())


# --- TOML --------------------------------------------------------------------------------------------------


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n") if text.strip() else []


def _item(value: Any) -> Item:
    """Return the value as it is written in one line; steps within brackets have a line each."""
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        array = tomlkit.array().multiline(multiline=True)
        for each in value:
            table = tomlkit.inline_table()
            table.update(each)
            array.append(table)
        return array
    item: Item = tomlkit.item(value)
    return item


def _at(document: Any, path: KeyPath) -> Any:
    for part in path:
        document = document[part]
    return document


def _alone(path: KeyPath) -> KeyPath:
    """Return the path of a block's table in a text that has this block alone."""
    return tuple(0 if isinstance(part, int) else part for part in path)


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(tomlkit.key(part).as_string() for part in path if isinstance(part, str))
