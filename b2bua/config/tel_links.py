"""Links for web pages that dial an extension behind a number: ``tel:+48221234567,555`` (row I10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from b2bua.config.rung import destinations_from
from b2bua.errors import B2buaError
from b2bua.routing.destination import Goto, Menu
from b2bua.routing.numbers import normalise
from b2bua.routing.plan import NumberSpec, Plan
from b2bua.routing.scheme import number_spec
from b2bua.routing.words import short


class NoLink(B2buaError):
    """Such a link would lead nowhere; the text says why."""


@dataclass(frozen=True, slots=True)
class TelLink:
    """One link."""

    number: str
    """Number of the office, with + and the country."""
    extension: str
    """What is dialled behind it."""
    reaches: str
    """What is done with who uses it, in words."""
    deaf: tuple[str, ...]
    """Schemes of the number in which no menu takes extensions: callers go their way there."""

    @property
    def href(self) -> str:
        """The address: phones dial the number, wait two seconds, and press the digits."""
        return f"tel:{self.number},{self.extension}"

    @property
    def fields(self) -> dict[str, Any]:
        """Return what programs read of it."""
        return {
            "number": self.number,
            "extension": self.extension,
            "href": self.href,
            "html": f'<a href="{self.href}">{self.number}</a>',
            "reaches": self.reaches,
            "not_heard_in": list(self.deaf),
        }


def tel_link(plan: Plan, number: str, extension: str) -> TelLink:
    """Return the link that dials ``extension`` behind ``number``.

    Raises:
        NoLink: the office has no such number or extension, or nothing listens to digits there.
    """
    spec, whole = _known(plan, number)
    if extension not in plan.extensions:
        known = ", ".join(sorted(plan.extensions)) or "none"
        raise NoLink(f"there is no extension {extension}; there are: {known}")
    deaf = tuple(name for name in dict.fromkeys(spec.schemes) if not _listens(plan, name))
    if len(deaf) == len(set(spec.schemes)):
        raise NoLink(f"no menu of {whole} takes extensions, so the digits of a link would not be heard")
    return TelLink(whole, extension, short(plan, plan.extensions[extension]), deaf)


def links_of(plan: Plan, number: str = "") -> Iterator[TelLink]:
    """Yield every link to ``number``; empty: to all numbers that are listed by themselves.

    Raises:
        NoLink: the office has no such number.
    """
    if number:
        _known(plan, number)
    for each in [number] if number else [spec.number for spec in plan.numbers.values()]:
        yield from _links(plan, each)


def _links(plan: Plan, number: str) -> Iterator[TelLink]:
    for extension in plan.extensions:
        try:
            yield tel_link(plan, number, extension)
        except NoLink:
            continue


def _known(plan: Plan, number: str) -> tuple[NumberSpec, str]:
    """Return what is configured for a number, and the whole of that; raises NoLink where nothing is."""
    spec, whole = number_spec(plan, number), normalise(number, country=plan.country)
    if spec is None or not whole.startswith("+"):
        raise NoLink(f"{number} is no number of this office")
    return spec, whole


def _listens(plan: Plan, scheme: str) -> bool:
    """Whether a scheme comes to a menu in which extensions may be typed at once."""
    found = destinations_from(plan, [Goto(scheme)])
    return any(isinstance(each, Menu) and plan.menus[each.name].dials_extensions for each in found)
