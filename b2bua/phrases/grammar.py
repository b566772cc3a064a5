"""How one language speaks numbers and counted things: a table of rules, read from its ``grammar.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from b2bua.phrases.errors import MalformedGrammar

LARGEST_NUMBER = 999
PLAIN = "plain"
"""The inflection of a number that counts nothing."""


@dataclass(frozen=True, slots=True)
class PluralRule:
    """One row of the table that picks a noun's form after a number; the first row that fits counts."""

    form: str
    """E.g. ``few``."""
    exactly: frozenset[int] | None = None
    """Fits these numbers only; ``None`` is no condition."""
    last_digit: frozenset[int] | None = None
    """Fits numbers that end in one of these digits; ``None`` is no condition."""
    except_last_two: frozenset[int] = frozenset()
    """Does not fit numbers that end in one of these two digits (11 to 14 in Slavic languages)."""

    def fits(self, number: int) -> bool:
        """Return whether a noun after ``number`` takes this form."""
        return (
            (self.exactly is None or number in self.exactly)
            and (self.last_digit is None or number % 10 in self.last_digit)
            and number % 100 not in self.except_last_two
        )


@dataclass(frozen=True, slots=True)
class Inflection:
    """Prompts that replace plain number words in one gender and case."""

    exactly: Mapping[int, str]
    """By the whole number: Polish ``jedna``, but ``dwadzieścia jeden``."""
    last_word: Mapping[int, str]
    """By the number's last word: Ukrainian ``одна`` and ``двадцять одна``."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A thing that is counted, e.g. minutes."""

    inflection: str
    """The gender and case its numbers take: a name under ``number`` or ``plain``."""
    forms: Mapping[str, str]
    """Plural form to the prompt that says the noun in it."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """The number rules of one language. All results are names of prompts, in the order they are spoken."""

    plural: tuple[PluralRule, ...]
    """The last one fits every number."""
    inflections: Mapping[str, Inflection]
    """By name; ``plain`` changes nothing."""
    units: Mapping[str, Unit]
    """By name, e.g. ``minute``."""

    @classmethod
    def load(cls, path: Path) -> Grammar:
        """Return the grammar in ``path``.

        Raises:
            MalformedGrammar: it is not TOML, or a rule is missing or points nowhere.
        """
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise MalformedGrammar(path, "(file)", str(error)) from error
        grammar = cls(
            plural=tuple(_plural_rule(path, row) for row in tables.get("plural", ())),
            inflections={
                PLAIN: Inflection({}, {}),
                **{name: _inflection(path, name, row) for name, row in tables.get("number", {}).items()},
            },
            units={name: _unit(row) for name, row in tables.get("unit", {}).items()},
        )
        grammar._check(path)
        return grammar

    def number(self, number: int, inflection: str = PLAIN) -> tuple[str, ...]:
        """Return the prompts that say ``number``.

        Raises:
            ValueError: it is not between 0 and 999.
        """
        words = number_words(number)
        changes = self.inflections[inflection]
        last = changes.last_word.get(words[-1], f"number-{words[-1]}")
        plain = (*(f"number-{word}" for word in words[:-1]), last)
        return (changes.exactly[number],) if number in changes.exactly else plain

    def count(self, number: int, unit: str) -> tuple[str, ...]:
        """Return the prompts that say ``number`` of ``unit``, e.g. "twenty" "one" "minutes".

        Raises:
            ValueError: the number is not between 0 and 999.
        """
        counted = self.units[unit]
        return (*self.number(number, counted.inflection), counted.forms[self.plural_form(number)])

    def plural_form(self, number: int) -> str:
        """Return the form that a noun takes after ``number``."""
        return next(rule.form for rule in self.plural if rule.fits(number))

    def _check(self, path: Path) -> None:
        if not self.plural or self.plural[-1] != PluralRule(self.plural[-1].form):
            raise MalformedGrammar(path, "plural", "the last rule must have no condition")
        for name, unit in self.units.items():
            if unit.inflection not in self.inflections:
                raise MalformedGrammar(path, f"unit.{name}.number", f"no [number.{unit.inflection}]")
            for rule in self.plural:
                if rule.form not in unit.forms:
                    raise MalformedGrammar(path, f"unit.{name}", f"the form {rule.form!r} is missing")


def number_words(number: int) -> tuple[int, ...]:
    """Return the numbers whose words say ``number``: 321 is 300, 20, 1; 0 is 0; 112 is 100, 12.

    Raises:
        ValueError: it is not between 0 and 999.
    """
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError(f"{number} is not between 0 and {LARGEST_NUMBER}")
    hundreds, rest = number - number % 100, number % 100
    tens, ones = (0, rest) if rest < 20 else (rest - rest % 10, rest % 10)
    return tuple(word for word in (hundreds, tens, ones) if word) or (0,)


def _plural_rule(path: Path, row: Mapping[str, Any]) -> PluralRule:
    if unknown := row.keys() - {"form", "exactly", "last-digit", "except-last-two"}:
        raise MalformedGrammar(path, "plural", f"unknown key {min(unknown)!r}")
    if "form" not in row:
        raise MalformedGrammar(path, "plural", "a rule without a form")
    return PluralRule(
        form=row["form"],
        exactly=frozenset(row["exactly"]) if "exactly" in row else None,
        last_digit=frozenset(row["last-digit"]) if "last-digit" in row else None,
        except_last_two=frozenset(row.get("except-last-two", ())),
    )


def _inflection(path: Path, name: str, row: Mapping[str, Any]) -> Inflection:
    if unknown := row.keys() - {"exactly", "last-word"}:
        raise MalformedGrammar(path, f"number.{name}", f"unknown key {min(unknown)!r}")
    try:
        exactly, last_word = (
            {int(number): str(prompt) for number, prompt in row.get(key, {}).items()}
            for key in ("exactly", "last-word")
        )
    except ValueError as error:
        raise MalformedGrammar(path, f"number.{name}", str(error)) from error
    return Inflection(exactly, last_word)


def _unit(row: Mapping[str, Any]) -> Unit:
    forms = {form: prompt for form, prompt in row.items() if form != "number"}
    return Unit(inflection=row.get("number", PLAIN), forms=forms)
