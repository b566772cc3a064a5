"""Prompts by name and language, as things to play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from b2bua.phrases import Phrasebook
from media.commands import Clip, PlayItem


@dataclass(frozen=True, slots=True)
class Sounds:
    """The office's voice."""

    book: Callable[[], Phrasebook]
    """The phrases of the office's language."""

    def prompt(self, name: str) -> tuple[PlayItem, ...]:
        """Return the sound of the prompt ``name``."""
        return (Clip(self.book().path(name)),)

    def music(self, name: str) -> tuple[PlayItem, ...]:
        """Return the piece of music ``name``."""
        return (Clip(self.book().music(name)),)

    def standing(self, position: int | None, wait_s: float | None) -> tuple[PlayItem, ...]:
        """Return "you are number three, about two minutes" for what is given of it."""
        book = self.book()
        paths = () if position is None else book.position(position)
        paths += () if wait_s is None else book.wait(wait_s)
        return tuple(Clip(path) for path in paths)
