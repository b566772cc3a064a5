"""What a server lets a caller hear: ``"say": ["balance-is", 120, "zloty"]`` (row I21)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from b2bua.http.client import Answer
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.webhook.form import FormSounds
from media.commands import PlayItem

LARGEST_NUMBER = 999
"""Larger ones are read digit by digit."""
MOST_ITEMS, LONGEST_ITEM = 40, 60


def said(answer: Answer, *, has: Callable[[str], bool]) -> list[str | int]:
    """Return what is to be said to the caller, in order; nothing where the answer says nothing of it.

    ``has`` tells whether there is a prompt of that name.

    Raises:
        NoAnswerError: that cannot be said.
    """
    try:
        found = json.loads(answer.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    items = found.get("say") if isinstance(found, dict) else None
    if items is None:
        return []
    items = items if isinstance(items, list) else [items]
    if len(items) > MOST_ITEMS or not all(_can_be_said(item) for item in items):
        raise NoAnswerError("wants to say what is no prompt, number or row of digits", Fault.BAD)
    for item in items:
        if isinstance(item, str) and not (_is_digits(item) or has(item)):
            raise NoAnswerError(f"wants to say {item[:60]!r}, which is no prompt here", Fault.BAD)
    return items


def _can_be_said(item: object) -> bool:
    is_told = isinstance(item, str | int) and not isinstance(item, bool)
    return is_told and 1 <= len(str(item)) <= LONGEST_ITEM and not str(item).startswith("-")


def sound_of(items: Sequence[str | int], sounds: FormSounds) -> list[PlayItem]:
    """Return how that sounds: texts of digits one by one, numbers as one says them, else prompts."""
    found: list[PlayItem] = []
    for item in items:
        if isinstance(item, int):
            found += sounds.number(item) if item <= LARGEST_NUMBER else sounds.digits(str(item))
        elif _is_digits(item):
            found += sounds.digits(item)
        else:
            found += sounds.prompt(item)
    return found


def _is_digits(item: str) -> bool:
    return item.isascii() and item.isdecimal()
