"""Answers in JSON, and what stands where in them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from b2bua.http.client import Answer
from b2bua.http.failures import Fault, NoAnswerError


def read_json(answer: Answer) -> Any:
    """Return what an answer says; nothing is None.

    Raises:
        NoAnswerError: it is no JSON.
    """
    if not answer.body.strip():
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise NoAnswerError("sent what is no JSON", Fault.BAD) from None


def at(path: str, found: Any) -> Any:
    """Return what is at a path like ``items.0.owner.email``, None where there is nothing.

    A part is the key of an object or the place in a list, from 0.
    """
    for part in path.split("."):
        match found:
            case Mapping() if part in found:
                found = found[part]
            case Sequence() if not isinstance(found, str) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            case _:
                return None
    return found


def new_id(path: str, answer: Answer) -> str:
    """Return the id of what was just made.

    Raises:
        NoAnswerError: there is none: whoever answered made nothing.
    """
    key = text_at(path, read_json(answer))
    if not key:
        raise NoAnswerError(f"did not say what it made ({path})", Fault.BAD)
    return key


def list_at(path: str, found: Any) -> Sequence[Any]:
    """Return the list at a path, an empty one where there is none."""
    value = at(path, found)
    return value if isinstance(value, list) else ()


def text_at(path: str, found: Any) -> str:
    """Return the text or number at a path, empty where there is neither."""
    value = at(path, found)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
