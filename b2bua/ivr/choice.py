"""Digits to choices, without a clock: which keys are complete, which may still grow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto


class Match(Enum):
    """What the digits pressed so far come to."""

    COMPLETE = auto()
    """A choice that no longer one begins with: take it at once."""
    MAY_GROW = auto()
    """A choice that is also the start of a longer one: wait for the inter-digit time (row I3)."""
    PARTIAL = auto()
    """The start of a choice only."""
    NOTHING = auto()
    """No choice begins like this."""


@dataclass(frozen=True, slots=True)
class Keypad:
    """The digit strings that mean something right now."""

    choices: frozenset[str]
    """Options and extensions."""

    @classmethod
    def of(cls, *groups: Collection[str]) -> Keypad:
        """Return the keypad for the union of ``groups``."""
        return cls(frozenset().union(*groups))

    def match(self, keys: str) -> Match:
        """Return what ``keys`` mean so far."""
        may_grow = any(choice != keys and choice.startswith(keys) for choice in self.choices)
        if keys in self.choices:
            return Match.MAY_GROW if may_grow else Match.COMPLETE
        return Match.PARTIAL if may_grow else Match.NOTHING
