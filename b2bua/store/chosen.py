"""What callers chose in menus: the share of each option, and of who chose nothing (row I11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from b2bua.store.calls import CallStory, EventKind


class How(StrEnum):
    """What kind of choice it was."""

    KEY = "key"
    """A key of the telephone, offered or not."""
    EXTENSION = "extension"
    """An extension, typed by the caller or by a ``tel:`` link."""
    NOTHING = "nothing"
    """They pressed nothing until the menu was over."""
    HUNG_UP = "hung-up"
    """They hung up in the menu."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose."""

    how: How
    """What it was."""
    keys: str = ""
    """Which keys."""


@dataclass(slots=True)
class ChosenReport:
    """The calls of a span of time that were in one menu."""

    choices: Counter[Choice] = field(default_factory=Counter)
    """In how many calls each was the last word in that menu."""

    @property
    def calls(self) -> int:
        """In how many there was one."""
        return self.choices.total()


def chosen_report(stories: Iterable[CallStory]) -> dict[str, ChosenReport]:
    """Return the report of each menu, by its key; a call counts once in each menu that it came through."""
    found: dict[str, ChosenReport] = {}
    for story in stories:
        for menu, choice in _last_words(story).items():
            found.setdefault(menu, ChosenReport()).choices[choice] += 1
    return found


def _last_words(story: CallStory) -> dict[str, Choice]:
    words: dict[str, Choice] = {}
    for event in story.events:
        if event.kind is EventKind.EXTENSION and event.who:
            words[event.who] = Choice(How.EXTENSION, event.detail)
        elif event.kind is EventKind.MENU:
            words[event.who] = Choice(How.KEY, event.detail) if event.detail else Choice(How.NOTHING)
        elif event.kind is EventKind.HUNG_UP and event.who:
            words[event.who] = Choice(How.HUNG_UP)
    return words
