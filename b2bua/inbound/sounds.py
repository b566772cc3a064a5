"""Prompts by name and language, as things to play; one that is missing is silence and never loses a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from b2bua.phrases import Phrasebook, UnknownPrompt
from media.commands import Clip, PlayItem

log = structlog.get_logger("office")

USUAL_MUSIC = "calm"


@dataclass(frozen=True, slots=True)
class Sounds:
    """The office's voice."""

    book: Callable[[], Phrasebook]
    """The phrases of the office's language."""

    def prompt(self, name: str) -> tuple[PlayItem, ...]:
        """Return the sound of the prompt ``name``; nothing where there is no such prompt."""
        return _clips(lambda: (self.book().path(name),))

    def music(self, name: str) -> tuple[PlayItem, ...]:
        """Return the piece of music ``name``, or ours where there is no such piece."""
        return _clips(lambda: (self.book().music(name),)) or _clips(lambda: (self.book().music(USUAL_MUSIC),))

    def standing(self, position: int | None, wait_s: float | None) -> tuple[PlayItem, ...]:
        """Return "you are number three, about two minutes" for what is given of it."""
        book = self.book()
        place = () if position is None else _clips(lambda: book.position(position))
        return place if wait_s is None else place + _clips(lambda: book.wait(wait_s))

    def messages(self, new: int, old: int) -> tuple[PlayItem, ...]:
        """Return "you have two new messages, one old message"."""
        return _clips(lambda: self.book().messages(new, old))

    def left_by(self, number: str) -> tuple[PlayItem, ...]:
        """Return "from plus four eight…"."""
        return _clips(lambda: self.book().left_by(number))

    def ago(self, seconds: float) -> tuple[PlayItem, ...]:
        """Return "two hours ago"."""
        return _clips(lambda: self.book().ago(seconds))


def _clips(find: Callable[[], Iterable[Path]]) -> tuple[PlayItem, ...]:
    try:
        return tuple(Clip(path) for path in find())
    except UnknownPrompt as error:
        log.error("a prompt is missing; the caller hears nothing in its place", why=str(error))
        return ()
