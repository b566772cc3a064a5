"""Reads the shipped recipes, and writes them out for an office."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from b2bua.config.files import shipped_configs
from b2bua.errors import Unavailable
from b2bua.recipes.answers import SAMPLE, Answers
from b2bua.recipes.head import head, listed, quoted

MARKER = "# --- what happens to callers "
"""Begins the line from which on a recipe is the same for all offices."""
MEMBERS_ON_DUTY = listed(person.key for person in SAMPLE.people)
"""Stands for those with a mobile, who take turns."""
BY_KEY, BY_VOICE = "confirm = true", 'confirm = "voice"'


@dataclass(frozen=True, slots=True)
class Blank:
    """Something that one recipe alone has to be told."""

    key: str
    """What it is called on the command line, e.g. ``url``."""
    question: str
    """What whoever wants the recipe is asked."""
    sample: str
    """What stands for it in the shipped file."""
    is_secret: bool = False
    """Whether it is not shown while it is typed."""


BLANKS: Mapping[str, tuple[Blank, ...]] = {
    "webhook": (
        Blank("url", "Address of your server that says where callers go", "https://office.example/where"),
    ),
    "crm": (
        Blank("url", "Address of your Pipedrive", "https://office.pipedrive.com"),
        Blank("token", "API token of a user there who sees all customers", "env:CRM_TOKEN", is_secret=True),
    ),
    "other-pbx": (
        Blank("pbx", "Server of the other PBX", "pbx.example"),
        Blank("pbx-user", "Account that it gave you", "b2bua"),
        Blank("pbx-password", "Password of that account", "env:PBX_PASSWORD", is_secret=True),
        Blank("pbx-number", "What to dial there", "100"),
    ),
}
"""By recipe; the others are told nothing but what every office is."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to treat callers."""

    name: str
    """As it is asked for, e.g. ``one-by-one``."""
    title: str
    """The same in words."""
    introduction: str
    """Comment at the top of the file: for whom it is, and what it does."""
    body: str
    """Everything from the marker on."""

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """Return what it has to be told besides the office."""
        return BLANKS.get(self.name, ())

    @property
    def rings_mobiles(self) -> bool:
        """Return whether somebody has to have a mobile."""
        return '"mobiles of sales"' in self.body

    @property
    def names_people_by_email(self) -> bool:
        """Return whether it needs the e-mail addresses of people: the CRM knows them by these."""
        return "[crm]" in self.body

    @property
    def confirms(self) -> bool:
        """Return whether who answers a mobile has to do something to take the call."""
        return BY_KEY in self.body

    @property
    def rings_backup(self) -> bool:
        """Return whether it needs a number to ring when nobody else can be."""
        return '"backup"' in self.body

    def written(self, answers: Answers, told: Mapping[str, str] | None = None) -> str:
        """Return the configuration of an office; ``told`` fills the blanks by key, else the sample stays."""
        replaced = {SAMPLE.number: answers.number}
        on_duty = [person.key for person in answers.people if person.mobile]
        replaced |= {blank.sample: (told or {}).get(blank.key, blank.sample) for blank in self.blanks}
        samples = "|".join(
            re.escape(_within_quotes(each)) for each in sorted(replaced, key=len, reverse=True)
        )
        values = {_within_quotes(sample): _within_quotes(value) for sample, value in replaced.items()}
        body = re.sub(samples, lambda found: values[found[0]], self.body)
        body = body.replace(MEMBERS_ON_DUTY, listed(on_duty))
        if answers.is_by_voice:
            body = body.replace(BY_KEY, BY_VOICE)
        return f"{self.introduction}\n{head(answers, self.body)}\n{body}"


def _within_quotes(text: str) -> str:
    return quoted(text)[1:-1]


def folder() -> Path:
    """Return where the recipes are."""
    return shipped_configs() / "recipes"


def recipes() -> list[Recipe]:
    """Return all recipes, by name."""
    return [_read(path) for path in sorted(folder().glob("*.toml"))]


def recipe(name: str) -> Recipe:
    """Return one recipe.

    Raises:
        Unavailable: there is none of that name.
    """
    path = folder() / f"{name}.toml"
    if path not in folder().glob("*.toml"):
        names = ", ".join(each.stem for each in sorted(folder().glob("*.toml")))
        raise Unavailable(f"there is no recipe {name!r}; there are: {names}")
    return _read(path)


def _read(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    before, marker, after = text.partition(MARKER)
    introduction = before.partition("\n\n")[0] + "\n"
    title = introduction.splitlines()[0].removeprefix("# ").rstrip(".")
    return Recipe(path.stem, title, introduction, marker + after)
