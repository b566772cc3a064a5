"""People and trunks as they are listed on the command line, for what would be if they were out of order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from b2bua.config.models import Config


def named_people(office: Config, listed: str, option: str) -> frozenset[str]:
    """Return the keys of people who are listed by key or extension, separated by commas; devices as well.

    Raises:
        typer.BadParameter: nobody is called so.
    """
    devices = {
        login: f"{device} of {name}"
        for name, each in office.people.items()
        for login, device in each.logins.items()
    }
    keys = devices | {
        extension: name for name, each in office.people.items() for extension in (each.extension, name)
    }
    named = frozenset(keys.get(each, each) for each in _listed(listed))
    if unknown := sorted(named - {*office.people, *devices.values()}):
        why = f"nobody is called {', '.join(unknown)}; there are: {', '.join(sorted(office.people))}"
        raise typer.BadParameter(why, param_hint=option)
    return named


def named_trunks(office: Config, listed: str) -> frozenset[str]:
    """Return the names of trunks that are listed, or of all.

    Raises:
        typer.BadParameter: there is none of that name.
    """
    named = frozenset(office.trunks) if listed == "all" else frozenset(_listed(listed))
    if unknown := sorted(named - set(office.trunks)):
        raise typer.BadParameter(f"there is no trunk {', '.join(unknown)}", param_hint="--trunk-down")
    return named


def named_queues(office: Config, listed: str) -> dict[str, int]:
    """Return how many callers wait in queues that are listed as ``sales=4``.

    Raises:
        typer.BadParameter: there is no queue of that name, or no number behind it.
    """
    found: dict[str, int] = {}
    for each in _listed(listed):
        name, _, number = (part.strip() for part in each.partition("="))
        if name not in office.queues:
            raise typer.BadParameter(f"there is no queue {name}", param_hint="--waiting")
        if not number.isdecimal():
            raise typer.BadParameter(f'{each!r}: expected for example "{name}=4"', param_hint="--waiting")
        found[name] = int(number)
    return found


def named_keys(listed: str) -> list[str]:
    """Return what is pressed in one menu after the other.

    Raises:
        typer.BadParameter: no telephone has such keys.
    """
    keys = _listed(listed)
    if wrong := [each for each in keys if not re.fullmatch(r"[0-9*#]+", each)]:
        raise typer.BadParameter(f"{wrong[0]!r} cannot be pressed on a telephone", param_hint="--press")
    return keys


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
