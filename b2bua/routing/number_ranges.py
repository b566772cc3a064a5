"""Ranges of numbers as providers sell them: ``+48221234500-29``, ``+482212345xx``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from b2bua.routing.numbers import DIALLABLE, SEPARATORS, is_whole, normalise

MOST_NUMBERS = 10_000
"""Larger blocks are no office's; somebody has typed an x too many."""
WILDCARDS = re.compile(r"(.*?)([xX]+)")
TO = re.compile(r"(.+?)(\.\.|[-\u2010-\u2015])\s*(\+?[0-9][0-9 ]*)")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers that follow one another."""

    first: str
    """Normalised."""
    last: str
    """Normalised; included, and as long as the first."""

    @classmethod
    def parse(cls, text: str, *, country: str) -> NumberRange | None:
        """Return the range that a text means; None: it is a single number, or none at all.

        A dash may also stand between the digits of one number: then what is before it is too short for one,
        or both together are one.

        Raises:
            ValueError: it is a range, and cannot be.
        """
        if match := WILDCARDS.fullmatch(text):
            digits = len(match[2])
            ends = (normalise(match[1] + digit * digits, country=country) for digit in "09")
            return _checked(text, *ends)
        if "x" in text.lower():
            raise ValueError(f"{text!r}: x stands for the last digits of a number, as in +482212345xx")
        match = TO.fullmatch(text)
        if match is None:
            return None
        first, after = normalise(match[1], country=country), SEPARATORS.sub("", match[3])
        if match[2] != ".." and not _is_range(text, first, country):
            return None
        last = normalise(after, country=country) if after.startswith("+") else first[: -len(after)] + after
        return _checked(text, first, last)

    def holds(self, number: str) -> bool:
        """Return whether a normalised number is one of them."""
        return len(number) == len(self.first) and self.first <= number <= self.last

    def overlaps(self, other: NumberRange) -> bool:
        """Return whether a number is in both."""
        is_as_long = len(self.first) == len(other.first)
        return is_as_long and self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        """Return it as it is written shortest: ``+48221234500-29``."""
        same = next(at for at in range(len(self.first)) if self.first[at] != self.last[at])
        return f"{self.first}-{self.last[same:]}"


def _is_range(text: str, first: str, country: str) -> bool:
    """Return whether the dash parts two numbers, and not the digits of one."""
    return is_whole(first) and not is_whole(normalise(text, country=country))


def _checked(text: str, first: str, last: str) -> NumberRange:
    if not (first.startswith("+") and DIALLABLE.fullmatch(first) and DIALLABLE.fullmatch(last)):
        raise ValueError(f'{text!r} is no range of numbers, expected for example "+48221234500-29"')
    if len(first) != len(last) or last <= first:
        raise ValueError(f"{text!r} ends before it begins")
    if int(last) - int(first) >= MOST_NUMBERS:
        raise ValueError(f"{text!r} are more than {MOST_NUMBERS} numbers")
    return NumberRange(first, last)
