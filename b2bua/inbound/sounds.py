"""Prompts by name and language, as things to play; one that is missing is silence and never loses a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from b2bua.phrases import Phrasebook, UnknownPrompt
from media.commands import Clip, PlayItem
from media.levels import MUSIC_LUFS, SPEECH_LUFS

log = structlog.get_logger("office")

USUAL_MUSIC = "calm"


@dataclass(frozen=True, slots=True)
class Sounds:
    """The office's voice."""

    book: Callable[[], Phrasebook]
    """The phrases of the office's language."""

    def prompt(self, name: str) -> tuple[PlayItem, ...]:
        """Return the sound of the prompt ``name``; nothing where there is no such prompt."""
        return self._clips(lambda: (self.book().path(name),))

    def music(self, name: str) -> tuple[PlayItem, ...]:
        """Return the piece of music ``name``, or ours where there is none of that name, or no name."""
        return self._at(lambda: (self.book().music_or_ours(name or USUAL_MUSIC),), MUSIC_LUFS)

    def usual_music(self) -> tuple[PlayItem, ...]:
        """Return what is played to whoever is held."""
        return self.music(USUAL_MUSIC)

    def all(self, music: Iterable[str]) -> tuple[PlayItem, ...]:
        """Return all prompts of the office's language, its own and ours, and these pieces of music."""
        book = self.book()
        prompts = (self.prompt(name) for name in sorted(book.own_names() | book.our_names()))
        pieces = (self.music(name) for name in sorted({*music, USUAL_MUSIC}))
        return tuple(item for found in (*prompts, *pieces) for item in found)

    def row(self, *names: str) -> tuple[PlayItem, ...]:
        """Return the prompts of these names one after another, without those that there are not."""
        return tuple(item for name in names if self.has(name) for item in self.prompt(name))

    def standing(self, position: int | None, wait_s: float | None) -> tuple[PlayItem, ...]:
        """Return "you are number three, about two minutes" for what is given of it."""
        book = self.book()
        place = () if position is None else self._clips(lambda: book.position(position))
        return place if wait_s is None else place + self._clips(lambda: book.wait(wait_s))

    def waited(self, seconds: float) -> tuple[PlayItem, ...]:
        """Return "the caller has waited two minutes"."""
        return self._clips(lambda: self.book().waited(seconds))

    def messages(self, new: int, old: int) -> tuple[PlayItem, ...]:
        """Return "you have two new messages, one old message"."""
        return self._clips(lambda: self.book().messages(new, old))

    def left_by(self, number: str) -> tuple[PlayItem, ...]:
        """Return "from plus four eight…"."""
        return self._clips(lambda: self.book().left_by(number))

    def offer(self, number: str) -> tuple[PlayItem, ...]:
        """Return "a call from plus four eight…; to take it press one"."""
        return self._clips(lambda: self.book().offer(number))

    def call_back(self, number: str) -> tuple[PlayItem, ...]:
        """Return "noted, please call back plus four eight…"."""
        return self._clips(lambda: self.book().call_back(number))

    def ago(self, seconds: float) -> tuple[PlayItem, ...]:
        """Return "two hours ago"."""
        return self._clips(lambda: self.book().ago(seconds))

    def has(self, name: str) -> bool:
        """Return whether there is such a prompt."""
        return self.book().has(name)

    def digits(self, text: str) -> tuple[PlayItem, ...]:
        """Return one digit after another."""
        return self._clips(lambda: self.book().digits(text))

    def number(self, number: int) -> tuple[PlayItem, ...]:
        """Return a number from 0 to 999 as one says it."""
        return self._clips(lambda: self.book().number(number))

    def _clips(self, find: Callable[[], Iterable[Path]]) -> tuple[PlayItem, ...]:
        return self._at(find, SPEECH_LUFS)

    def _at(self, find: Callable[[], Iterable[Path]], lufs: float) -> tuple[PlayItem, ...]:
        """Return what is found, brought to a loudness; ours are as they shall be."""
        try:
            return tuple(self._clip(path, lufs) for path in find())
        except UnknownPrompt as error:
            log.error("a prompt is missing; the caller hears nothing in its place", why=str(error))
            return ()

    def _clip(self, path: Path, lufs: float) -> Clip:
        return Clip(path, lufs=None if self.book().is_ours(path) else lufs, is_kept=True)
