"""The phrasebook: names and numbers in, files that say them out."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path

from b2bua.phrases.errors import UnknownPrompt
from b2bua.phrases.grammar import LARGEST_NUMBER, Grammar

FALLBACK_LANGUAGE = "en"
LONGEST_SPOKEN_WAIT_S = 3600.0
SECONDS_ARE_SPOKEN_BELOW_S = 300.0
"""A caller who has waited longer than this is announced in whole minutes."""

log = logging.getLogger(__name__)  # structlog would be most of what `b2bua check` has to import

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".gsm")
"""Of sound files; the first kind that is there is played."""
_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")


class Phrasebook:
    """What an office says to its callers, in one language.

    A prompt is searched in the office's own directory (``<overrides>/<language>/`` before ``<overrides>/``),
    then among ours in the language, then in English, which is logged once for each name.
    """

    def __init__(self, root: Path, language: str, overrides: Path | None = None) -> None:
        """Read the language's grammar; ``root`` has a directory for each language.

        Raises:
            MalformedGrammar: its ``grammar.toml`` cannot be used.
            UnknownPrompt: we have no such language.
        """
        self.language = language
        self._own: tuple[Path, ...] = () if overrides is None else (overrides / language, overrides)
        self._ours = root / language
        self._english = root / FALLBACK_LANGUAGE
        self._music = (*(path / "music" for path in self._own), root / "music")
        self._complained: set[str] = set()
        if language not in self.languages(root):
            raise UnknownPrompt(f"{language}/grammar.toml", (root,))
        self.grammar = Grammar.load(self._ours / "grammar.toml")

    @staticmethod
    def found() -> Path:
        """Return the bundled prompts: those of the checkout, else those installed with the package.

        Raises:
            FileNotFoundError: the installation is incomplete.
        """
        package = Path(__file__).resolve().parents[1]
        for root in (package.parent / "prompts", package / "_data" / "prompts"):
            if (root / FALLBACK_LANGUAGE / "grammar.toml").is_file():
                return root
        raise FileNotFoundError(f"no prompts beside or inside {package}: reinstall b2bua")

    @staticmethod
    def languages(root: Path) -> tuple[str, ...]:
        """Return the languages that ``root`` has a grammar for."""
        return tuple(sorted(path.parent.name for path in root.glob("*/grammar.toml")))

    def path(self, name: str) -> Path:
        """Return the file that says the prompt ``name``.

        Raises:
            UnknownPrompt: there is none.
        """
        stem = _stem(name)
        for folder in (*self._own, self._ours):
            if (found := _file(folder, stem)) is not None:
                return found
        if (found := _file(self._english, stem)) is not None:
            told = "prompt %s is missing in %r, said in English instead"
            self._complain_once(name, told, name, self.language)
            return found
        raise UnknownPrompt(name, (*self._own, self._ours, self._english))

    def paths(self, names: Iterable[str]) -> tuple[Path, ...]:
        """Return the files that say these prompts one after another.

        Raises:
            UnknownPrompt: one of them does not exist.
        """
        return tuple(self.path(name) for name in names)

    def has(self, name: str) -> bool:
        """Return whether ``path`` would find this prompt, be it in English."""
        try:
            stem = _stem(name)
        except UnknownPrompt:
            return False
        return any(_file(folder, stem) for folder in (*self._own, self._ours, self._english))

    def names(self) -> frozenset[str]:
        """Return the names of all prompts that there are."""
        return _names((*self._own, self._ours, self._english))

    def own_names(self) -> frozenset[str]:
        """Return the names of the prompts that the office has recorded itself, in this language or any."""
        elsewhere = {"music", *self.languages(self._ours.parent)}
        names = (name for name in _names(self._own) if name.split("/")[0] not in elsewhere)
        return frozenset(name for name in names if self.has(name))

    def our_names(self) -> frozenset[str]:
        """Return the names of the prompts that come with the program in this language."""
        return _names((self._ours,))

    def music_names(self) -> frozenset[str]:
        """Return the names of all music that there is."""
        return _names(self._music)

    def has_music(self, name: str) -> bool:
        """Return whether ``music`` would find this piece."""
        try:
            return self.music(name).is_file()
        except UnknownPrompt:
            return False

    def is_ours(self, path: Path) -> bool:
        """Return whether that file is one of those that come with the program."""
        return path.is_relative_to(self._ours.parent)

    def music(self, name: str = "calm") -> Path:
        """Return the piece to play while a caller waits; it may be repeated without a seam.

        Raises:
            UnknownPrompt: there is no such piece.
        """
        stem = _stem(name)
        for folder in self._music:
            if (found := _file(folder, stem)) is not None:
                return found
        raise UnknownPrompt(f"music/{name}", self._music)

    def music_or_ours(self, name: str) -> Path:
        """Return the piece to play, ours where there is none of that name, which is logged once.

        Raises:
            UnknownPrompt: ours is not there either.
        """
        try:
            return self.music(name)
        except UnknownPrompt:
            self._complain_once(f"music/{name}", "music %s is missing, ours is played instead", name)
            return self.music()

    def number(self, number: int) -> tuple[Path, ...]:
        """Return the files that say a number that counts nothing.

        Raises:
            ValueError: it is not between 0 and 999.
        """
        return self.paths(self.grammar.number(number))

    def digits(self, text: str) -> tuple[Path, ...]:
        """Return the files that spell a telephone number or extension; all but digits and "+" is skipped."""
        return self.paths(
            "plus" if sign == "+" else f"number-{sign}" for sign in text if sign in "+0123456789"
        )

    def position(self, position: int) -> tuple[Path, ...]:
        """Return the files that say a place in the queue, 1 being the next; nothing from 1000 on.

        Raises:
            ValueError: the position is below 1.
        """
        if position < 1:
            raise ValueError(f"there is no position {position} in a queue")
        if position == 1:
            return self.paths(("position-next",))
        if position > LARGEST_NUMBER:
            return ()
        return self.paths(("position-number", *self.grammar.number(position)))

    def wait(self, wait_s: float) -> tuple[Path, ...]:
        """Return the files that say how long a caller will wait, to the nearest minute."""
        if wait_s < 60:
            return self.paths(("wait-under-a-minute",))
        if wait_s >= LONGEST_SPOKEN_WAIT_S + 30:
            return self.paths(("wait-over-an-hour",))
        return self.paths(("wait-about", *self.grammar.count(int(wait_s / 60 + 0.5), "minute")))

    def position_and_wait(self, position: int, wait_s: float | None) -> tuple[Path, ...]:
        """Return the files that say a place in the queue and, where it is known, the wait.

        Raises:
            ValueError: the position is below 1.
        """
        return self.position(position) + (() if wait_s is None else self.wait(wait_s))

    def waited(self, seconds: float) -> tuple[Path, ...]:
        """Return the files that tell the answerer the wait of the caller: "one minute two seconds"."""
        whole = max(0, round(seconds))
        minutes, rest = divmod(whole, 60)
        if whole >= SECONDS_ARE_SPOKEN_BELOW_S:
            minutes, rest = min(int(whole / 60 + 0.5), LARGEST_NUMBER), 0
        spoken = self.grammar.count(minutes, "minute-waited") if minutes else ()
        if rest or not minutes:
            spoken += self.grammar.count(rest, "second-waited")
        return self.paths(("caller-waited", *spoken))

    def messages(self, new: int, old: int) -> tuple[Path, ...]:
        """Return the files that tell how many messages wait: "you have two new messages, one old message"."""
        parts = [
            *(self.grammar.count(min(new, LARGEST_NUMBER), "message-new") if new else ()),
            *(self.grammar.count(min(old, LARGEST_NUMBER), "message-old") if old else ()),
        ]
        names = ("messages-you-have", *parts) if parts else ()
        return self.paths(names if new else ("messages-none-new", *names))

    def left_by(self, number: str) -> tuple[Path, ...]:
        """Return the files that say from which number a message is; it may be empty or no number."""
        digits = self.digits(number)
        return (*self.paths(("message-from",)), *digits) if digits else self.paths(("message-from-withheld",))

    def offer(self, number: str) -> tuple[Path, ...]:
        """Return the files that offer a call from ``number``, which may be empty, to who is outside."""
        digits = self.digits(number)
        caller = ("call-from",) if digits else ("call-from-withheld",)
        return (*self.paths(caller), *digits, *self.paths(("press-1-to-take-the-call",)))

    def call_back(self, number: str) -> tuple[Path, ...]:
        """Return the files that say that a call to ``number`` is owed."""
        return (*self.paths(("call-back-noted",)), *self.digits(number))

    def ago(self, seconds: float) -> tuple[Path, ...]:
        """Return the files that say how long ago something was: "two hours ago"."""
        minutes = int(seconds / 60)
        if minutes < 1:
            return self.paths(("message-just-now",))
        if minutes < 60:
            counted = self.grammar.count(minutes, "minute-waited")
        elif minutes < 24 * 60:
            counted = self.grammar.count(minutes // 60, "hour-ago")
        else:
            counted = self.grammar.count(min(minutes // (24 * 60), LARGEST_NUMBER), "day-ago")
        return self.paths((*counted, "ago"))

    def _complain_once(self, missing: str, why: str, *named: str) -> None:
        if missing not in self._complained:
            self._complained.add(missing)
            log.warning(why, *named)


def _stem(name: str) -> str:
    """Return the name of a prompt without the suffix with which some write it."""
    path, dot, suffix = name.rpartition(".")
    stem = path if f"{dot}{suffix}" in SUFFIXES else name
    if not _NAME.fullmatch(stem):
        raise UnknownPrompt(name)
    return stem


def _file(folder: Path, stem: str) -> Path | None:
    """Return the sound file of that name in ``folder``, of whatever kind it is."""
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _names(folders: Iterable[Path]) -> frozenset[str]:
    """Return what the sound files in these folders are called."""
    return frozenset(
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES
    )
