"""What somebody probably meant who wrote a name that there is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

SAME = {
    "timeout": "for",
    "seconds": "for",
    "sequential": "in-turn",
    "sequentially": "in-turn",
    "parallel": "together",
    "simultaneous": "together",
    "delay": "stagger",
    "targets": "ring",
    "dial": "ring",
    "call": "ring",
    "mailbox": "voicemail",
    "schedule": "hours",
    "weekdays": "days",
    "callerid": "caller-id",
    "cell": "mobile",
    "phone": "mobile",
}
"""Other words for what is called differently here."""


def closest(name: str, known: Iterable[str]) -> str:
    """Return the name that is most like it or means the same, empty where none is."""
    known = list(known)
    if (same := SAME.get(name.lower(), "")) in known:
        return same
    return next(iter(get_close_matches(name, sorted(known), n=1)), "")


def did_you_mean(name: str, known: Iterable[str] | Mapping[str, object]) -> str:
    """Return ``; did you mean 'x'?`` or what there is, or nothing when there is nothing."""
    names = list(known)
    if meant := closest(name, names):
        return f"; did you mean {meant!r}?"
    return f"; there are: {', '.join(sorted(names))}" if names and len(names) <= 12 else ""
