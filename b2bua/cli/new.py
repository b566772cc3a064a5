"""``b2bua new``: writes the configuration of an office out of a recipe and a few answers."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import phonenumbers
import typer
from phonenumbers import PhoneNumber, timezone

from b2bua.cli.check import check_office
from b2bua.config.load import load_config
from b2bua.config.public_holidays import public_holidays
from b2bua.config.tables.outside import parse_web_address
from b2bua.config.values import EMAIL
from b2bua.errors import ConfigError, Unavailable
from b2bua.recipes.answers import Answers, Colleague, Line
from b2bua.recipes.keys import key_of
from b2bua.recipes.recipe import Blank, Recipe, recipe, recipes
from b2bua.routing.destination import Confirm
from b2bua.routing.numbers import normalise
from b2bua.routing.schedule import parse_spans

T = TypeVar("T")

LANGUAGES = {"PL": "pl", "UA": "uk", "RU": "ru", "BY": "ru", "KZ": "ru"}
"""By country; English elsewhere."""
SPOKEN = ("en", "uk", "ru", "pl")
USUAL_HOURS = "09:00-18:00"
FIRST_EXTENSION = 201
"""Not 101 to 103, by which Ukraine and its neighbours call the fire brigade, police and ambulance."""
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
    confirm: str = ""


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
    told = {blank.key: _filled(blank, blanks[blank.key], ask) for blank in chosen.blanks}
    _write(path, chosen.written(answers, told))
    typer.echo(f"{path} is written ({chosen.title}). Phones log in at {answers.address}:5060 with:")
    for person in answers.people:
        typer.echo(f"  {person.name}: user name {person.extension}, password {person.password}")
    for unused in _unused(chosen, given, blanks):
        typer.echo(f"{unused} is not used: this recipe has nothing to do with it")
    try:
        is_good = check_office(path, load_config(path))
    except ConfigError as error:  # a password that is not in the environment yet
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    if not is_good:
        raise typer.Exit(1)
    typer.echo(f"Now: b2bua run {path}")


def _unused(chosen: Recipe, given: Given, blanks: Mapping[str, str]) -> list[str]:
    """Return the options that were given and that the recipe has no place for."""
    theirs = {blank.key for blank in chosen.blanks}
    unused = [f"--{key}" for key, text in blanks.items() if text and key not in theirs]
    unused += ["--backup"] if given.backup and not chosen.rings_backup else []
    return unused + (["--confirm"] if given.confirm and not chosen.confirms else [])


Ask = Callable[[str, str, bool], str]
"""Returns the answer to a question; told what option would have answered it, and whether it is a secret."""


def _ask(question: str, _option: str, is_secret: bool) -> str:
    return str(typer.prompt(question, hide_input=is_secret))


def _ask_or_none(question: str, _option: str, _is_secret: bool) -> str:
    return str(typer.prompt(question, default="", show_default=False))


def _cannot_ask(question: str, option: str, _is_secret: bool) -> str:
    raise typer.BadParameter(f"{question}? Say it by {option}", param_hint=option)


def _told(given: str, question: str, option: str, ask: Ask, read: Callable[[str], T]) -> T:
    """Return what was given or is answered; who answers what cannot be is told why, and asked again."""
    if given:
        return read(given)
    while True:
        answer = ask(question, option, False)
        try:
            return read(answer)
        except typer.BadParameter as error:
            typer.echo(error.message, err=True)


def _answers(recipe: Recipe, given: Given, ask: Ask) -> Answers:
    _opening(given.opening)  # what was given is looked at before anything is asked
    address, language = _address(given.address), _language(given.language)
    number = _told(
        given.number, "Number of the office, as +48221234567", "--number", ask, partial(_number, "--number")
    )
    parsed = phonenumbers.parse(number)
    country = phonenumbers.region_code_for_number(parsed) or "PL"
    people = _people(recipe, given, ask, country, partial(_mobile, country=country, own=number))
    line = _line(given, ask)
    backup = partial(_number, "--backup", country=country, own=number)
    return Answers(
        number=number,
        country=country,
        timezone=_zone(parsed),
        language=language or LANGUAGES.get(country, "en"),
        address=address or own_address(),
        line=line,
        people=people,
        backup=_told(given.backup, _BACKUP, "--backup", ask, backup) if recipe.rings_backup else "",
        email=_told(given.email, "E-mail address that gets the messages", "--email", ask, _email),
        opening=_opening(given.opening) if ask is not _ask else _asked_opening(given),
        is_by_voice=recipe.confirms and _is_by_voice(given.confirm, ask),
        has_public_holidays=_has_holidays(country),
        data=given.data,
    )


def _is_by_voice(given: str, ask: Ask) -> bool:
    """Return whether mobiles are taken by voice; who cannot be asked, and says nothing, has the key."""
    question = 'By what a mobile takes a call: "key" (they press 1) or "voice" (they say hello; empty: key)'
    if not given and ask is not _ask:
        return False
    return _told(given, question, "--confirm", _ask_or_none, _voice)


def _voice(text: str) -> bool:
    if text.strip() not in ("", *Confirm):
        raise typer.BadParameter(f'{text!r} is neither "key" nor "voice"', param_hint="--confirm")
    return text.strip() == Confirm.VOICE


_BACKUP = "A number to ring when nobody else can (a mobile, another site)"


def _line(given: Given, ask: Ask) -> Line:
    """Return the way to the provider: by an account there, or without one by the addresses of both."""
    username = given.username
    if not username and not given.server and ask is _ask:
        username = typer.prompt(
            "User name at your provider (empty: it knows your address)", default="", show_default=False
        )
    question, read = ("Server of your provider", str.strip) if username else (_PROVIDER, _provider)
    server = _told(given.server, question, "--provider", ask, read)
    password = given.password or (ask("Password there", "--password", True) if username else "")
    return Line(server, username, password, given.channels)


_PROVIDER = "Address of your provider's server, as 198.51.100.3"


def _provider(text: str) -> str:
    """Return the address of a provider that knows the office by its own; a port may follow."""
    host, _, port = text.strip().partition(":")
    if _is_address(host) and (not port or port.isdecimal()):
        return text.strip()
    why = f"{text!r} is no address such as 198.51.100.3, which a provider without a user name is known by"
    raise typer.BadParameter(why, param_hint="--provider")


def _email(text: str, option: str = "--email") -> str:
    if not re.fullmatch(EMAIL, text.strip()):
        why = f'{text!r} is no e-mail address, expected for example "office@office.example"'
        raise typer.BadParameter(why, param_hint=option)
    return text.strip()


def _email_or_none(text: str) -> str:
    return _email(text, "--person") if text.strip() else ""


def _opening(text: str) -> str:
    try:
        parse_spans(text or USUAL_HOURS)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--open") from None
    return text or USUAL_HOURS


def _asked_opening(given: Given) -> str:
    question = f"Open from Monday to Friday (empty: {USUAL_HOURS})"
    return _told(given.opening, question, "--open", _ask_or_none, _opening)


def _language(text: str) -> str:
    if text and text not in SPOKEN:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(SPOKEN)}", param_hint="--language")
    return text


def _address(text: str) -> str:
    if text and not _is_address(text):
        raise typer.BadParameter(f"{text!r} is no IP address", param_hint="--address")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _people(
    recipe: Recipe, given: Given, ask: Ask, country: str, mobile_of: Callable[[str], str]
) -> tuple[Colleague, ...]:
    written = list(given.people) or _ask_people(ask, mobile_of, with_emails=recipe.names_people_by_email)
    keys: dict[str, Colleague] = {}
    for index, text in enumerate(written):
        person = _person(text, str(FIRST_EXTENSION + index), country, keys, mobile_of)
        keys[person.key] = person
    if recipe.rings_mobiles and not any(person.mobile for person in keys.values()):
        why = 'this recipe rings mobiles: give somebody one, as --person "Anna Nowak, +48600100200"'
        raise typer.BadParameter(why, param_hint="--person")
    return tuple(keys.values())


def _ask_people(ask: Ask, mobile_of: Callable[[str], str], *, with_emails: bool) -> list[str]:
    """Return who takes calls, one after another, until somebody is empty."""
    if ask is not _ask:
        ask("Who takes calls", "--person", False)
    people: list[str] = []
    while True:
        end = " (empty: that is all)" if people else ""
        name = _told("", f"Name of who takes calls{end}", "--person", _ask_or_none if people else _ask, _name)
        if not name:
            return people
        question = f"Mobile of {name} (empty: none)"
        mobile = _told("", question, "--person", _ask_or_none, mobile_of)
        question = f"E-mail of {name}, by which the CRM knows them (empty: none)"
        email = _told("", question, "--person", _ask_or_none, _email_or_none) if with_emails else ""
        people.append(f"{name}, {mobile}, {email}")


def _name(text: str) -> str:
    """Return a name that was answered; who answers with more than it is asked for each by itself."""
    if text.strip() and ("," in text or "@" in text or not any(map(str.isalpha, text))):
        raise typer.BadParameter(f"{text!r} is no name, expected for example Anna Nowak")
    return text.strip()


def _person(
    text: str, extension: str, country: str, taken: Mapping[str, Colleague], mobile_of: Callable[[str], str]
) -> Colleague:
    """Return the colleague of ``Anna Nowak, +48600100200, anna@office.example``: name, mobile, e-mail."""
    name, *more = (part.strip() for part in text.split(","))
    if not name:
        raise typer.BadParameter("who has no name?", param_hint="--person")
    email = next((part for part in more if "@" in part), "")
    mobile = next((part for part in more if part and "@" not in part), "")
    if surplus := [part for part in more if part and part not in (email, mobile)]:
        why = f"{surplus[0]!r}: expected a name, one mobile and one e-mail address, as {_EXAMPLE}"
        raise typer.BadParameter(why, param_hint="--person")
    return Colleague(
        key=key_of(name, extension, taken, is_ukrainian=country == "UA"),
        name=name,
        extension=extension,
        password=secrets.token_urlsafe(PASSWORD_BYTES),
        mobile=mobile_of(mobile),
        email=_email(email, "--person") if email else "",
    )


_EXAMPLE = '"Anna Nowak, +48600100200, anna@office.example"'


def _number(option: str, text: str, *, country: str | None = None, own: str = "") -> str:
    number = normalise(text, country=country or "ZZ")
    if not number.startswith("+"):
        what = "telephone number" if country else "telephone number with + and the country"
        why = f'{text!r} is no {what}, expected for example "+48600100200"'
        raise typer.BadParameter(why, param_hint=option)
    if number == own:
        why = f"{text} is the number of the office itself: callers would go round for ever"
        raise typer.BadParameter(why, param_hint=option)
    return number


def _mobile(text: str, *, country: str, own: str) -> str:
    return _number("--person", text, country=country, own=own) if text.strip() else ""


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


def _filled(blank: Blank, given: str, ask: Ask) -> str:
    """Return what the recipe alone has to be told; an address on the web is one."""
    option = f"--{blank.key}"
    if blank.key == "url":
        return _told(given, blank.question, option, ask, _web_address)
    return given or ask(blank.question, option, blank.is_secret)


def _web_address(text: str) -> str:
    try:
        return parse_web_address(text.strip())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None


def _write(path: Path, text: str) -> None:
    """Write the file so that nobody else can read the passwords in it, if it can be used at all.

    Raises:
        typer.Exit: it cannot; what is wrong was told, and nothing is written.
    """
    try:
        load_config(path, needs_secrets=False, texts={path: text})
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"{problem.key}: {problem.message}", err=True)
        typer.echo("nothing is written", err=True)
        raise typer.Exit(1) from None
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")
