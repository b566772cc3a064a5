"""``b2bua new``: writes the configuration of an office out of a recipe and a few answers."""

from __future__ import annotations

import re
import secrets
import socket
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
import typer
from phonenumbers import PhoneNumber, timezone

from b2bua.cli.check import check_office
from b2bua.config.load import load_config
from b2bua.config.public_holidays import public_holidays
from b2bua.errors import ConfigError, Unavailable
from b2bua.recipes.answers import Answers, Colleague, Line
from b2bua.recipes.recipe import Recipe, recipe, recipes
from b2bua.routing.numbers import normalise

LANGUAGES = {"PL": "pl", "UA": "uk", "RU": "ru", "BY": "ru", "KZ": "ru"}
"""By country; English elsewhere."""
FIRST_EXTENSION = 101
PASSWORD_BYTES = 9


@dataclass(frozen=True, slots=True)
class Given:
    """What was given on the command line; what is empty is asked for where somebody can answer."""

    number: str = ""
    people: Sequence[str] = ()
    backup: str = ""
    email: str = ""
    opening: str = ""
    server: str = ""
    username: str = ""
    password: str = ""
    channels: int = 10
    address: str = ""
    language: str = ""
    data: str = "data"


def list_recipes() -> None:
    """Print what there is."""
    found = recipes()
    width = max(len(each.name) for each in found)
    for each in found:
        typer.echo(f"{each.name:{width}}  {each.title}")
    typer.echo("\nb2bua new RECIPE asks what it needs to know and writes office.toml")


def named_recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        typer.BadParameter: there is none.
    """
    try:
        return recipe(name)
    except Unavailable as error:
        raise typer.BadParameter(str(error), param_hint="RECIPE") from None


def write_office(
    chosen: Recipe, path: Path, given: Given, blanks: Mapping[str, str], *, can_ask: bool, replace: bool
) -> None:
    """Write the office, tell the phones' accounts, and check it; ``blanks`` are the recipe's own, by key.

    Raises:
        typer.BadParameter: something is missing that nobody can be asked for, or cannot be.
        typer.Exit: what was written has an error.
    """
    if path.exists() and not replace:
        raise typer.BadParameter(f"{path} is there already; name another file, or give --force")
    ask = _ask if can_ask else _cannot_ask
    answers = _answers(chosen, given, ask)
    told = {
        blank.key: blanks[blank.key] or ask(blank.question, f"--{blank.key}", blank.is_secret)
        for blank in chosen.blanks
    }
    _write(path, chosen.written(answers, told))
    typer.echo(f"{path} is written ({chosen.title}). Phones log in at {answers.address}:5060 with:")
    for person in answers.people:
        typer.echo(f"  {person.name}: user name {person.extension}, password {person.password}")
    try:
        is_good = check_office(path, load_config(path))
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    if not is_good:
        raise typer.Exit(1)
    typer.echo(f"Now: b2bua run {path}")


Ask = Callable[[str, str, bool], str]
"""Returns the answer to a question; told what option would have answered it, and whether it is a secret."""


def _ask(question: str, _option: str, is_secret: bool) -> str:
    return str(typer.prompt(question, hide_input=is_secret))


def _cannot_ask(question: str, option: str, _is_secret: bool) -> str:
    raise typer.BadParameter(f"{question}? Say it by {option}", param_hint=option)


def _answers(recipe: Recipe, given: Given, ask: Ask) -> Answers:
    number = _number(
        given.number or ask("Number of the office, as +48221234567", "--number", False), "--number"
    )
    parsed = phonenumbers.parse(number)
    country = phonenumbers.region_code_for_number(parsed) or "PL"
    people = _people(recipe, given, ask, country)
    server = given.server or ask("Server of your provider", "--provider", False)
    username, password = _account(given, ask)
    return Answers(
        number=number,
        country=country,
        timezone=_zone(parsed),
        language=given.language or LANGUAGES.get(country, "en"),
        address=given.address or own_address(),
        line=Line(server, username, password, given.channels),
        people=people,
        backup=_number(given.backup or ask(_BACKUP, "--backup", False), "--backup", country),
        email=given.email or ask("E-mail address that gets the messages", "--email", False),
        opening=given.opening or "09:00-18:00",
        has_public_holidays=_has_holidays(country),
        data=given.data,
    )


_BACKUP = "A number to ring when nobody else can (a mobile, another site)"


def _account(given: Given, ask: Ask) -> tuple[str, str]:
    """Return user name and password at the provider, both empty where it knows the office's address."""
    if given.server and not given.username:
        return "", ""
    username = given.username
    if not username and ask is _ask:
        username = typer.prompt(
            "User name there (empty: it knows your address)", default="", show_default=False
        )
    password = given.password or (ask("Password there", "--password", True) if username else "")
    return username, password


def _people(recipe: Recipe, given: Given, ask: Ask, country: str) -> tuple[Colleague, ...]:
    written = list(given.people) or _ask_people(ask)
    keys: dict[str, Colleague] = {}
    for index, text in enumerate(written):
        person = _person(text, FIRST_EXTENSION + index, keys, country)
        keys[person.key] = person
    if recipe.rings_mobiles and not any(person.mobile for person in keys.values()):
        why = 'this recipe rings mobiles: give somebody one, as --person "Anna Nowak, +48600100200"'
        raise typer.BadParameter(why, param_hint="--person")
    return tuple(keys.values())


def _ask_people(ask: Ask) -> list[str]:
    """Return who takes calls, one after another, until somebody is empty."""
    if ask is not _ask:
        ask("Who takes calls", "--person", False)
    people: list[str] = []
    while True:
        end = " (empty: that is all)" if people else ""
        name = typer.prompt(
            f"Name of who takes calls{end}", default="" if people else None, show_default=False
        )
        if not name:
            return people
        mobile = typer.prompt(f"Mobile of {name} (empty: none)", default="", show_default=False)
        people.append(f"{name}, {mobile}")


def _person(text: str, extension: int, taken: Mapping[str, Colleague], country: str) -> Colleague:
    """Return the colleague of ``Anna Nowak, +48600100200, anna@office.example``: name, mobile, e-mail."""
    name, *more = (part.strip() for part in text.split(","))
    if not name:
        raise typer.BadParameter("who has no name?", param_hint="--person")
    email = next((part for part in more if "@" in part), "")
    mobile = next((part for part in more if part and "@" not in part), "")
    plain = unicodedata.normalize("NFKD", name.split()[0]).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]", "", plain) or f"p{extension}"
    return Colleague(
        key=key if key not in taken else f"{key}{extension}",
        name=name,
        extension=str(extension),
        password=secrets.token_urlsafe(PASSWORD_BYTES),
        mobile=_number(mobile, "--person", country) if mobile else "",
        email=email,
    )


def _number(text: str, option: str, country: str | None = None) -> str:
    number = normalise(text, country=country or "ZZ")
    if not number.startswith("+"):
        raise typer.BadParameter(
            f'{text!r} is no telephone number, expected for example "+48600100200"', param_hint=option
        )
    return number


def _zone(number: PhoneNumber) -> str:
    zone, *_ = timezone.time_zones_for_number(number)
    return "UTC" if zone == timezone.UNKNOWN_TIMEZONE else str(zone)


def _has_holidays(country: str) -> bool:
    if country == "UA":  # all of them are working days while martial law is in force
        return False
    try:
        public_holidays(country)
    except ValueError:
        return False
    return True


def own_address() -> str:
    """Return the address of this machine that others in its network reach it at; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _write(path: Path, text: str) -> None:
    """Write the file so that nobody else can read the passwords in it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")
