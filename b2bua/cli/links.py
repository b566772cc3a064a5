"""``b2bua links``: links for web pages that dial an extension, and how often each was called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import typer

from b2bua.cli.telling import folder_of
from b2bua.config.models import Config
from b2bua.config.tel_links import TelLink, links_of, tel_link
from b2bua.store.store import Store


async def show_links(config: Config, *, number: str, extension: str, for_programs: bool) -> None:
    """Print one link, or all there are: of a number, or of all numbers.

    Raises:
        NoLink: that one would lead nowhere, or the number is not of the office.
    """
    plan = config.plan()
    found = [tel_link(plan, number, extension)] if extension else list(links_of(plan, number))
    calls = await _calls(config)
    if for_programs:
        told = [_fields(link, calls) for link in found]
        typer.echo(json.dumps({"links": told}, indent=2, ensure_ascii=False))
    elif found:
        typer.echo("\n".join(_line(link, calls) for link in found))
    else:
        typer.echo("There are none: no menu takes extensions at such a number.")


async def _calls(config: Config) -> Mapping[tuple[str, str], int]:
    folder = await folder_of(config)
    if folder is None:
        return {}
    async with await Store.open(folder) as store:
        return await store.journal.extensions_dialled()


def _line(link: TelLink, calls: Mapping[tuple[str, str], int]) -> str:
    count = calls.get((link.number, link.extension), 0)
    deaf = f"; not heard in scheme {', '.join(link.deaf)}" if link.deaf else ""
    return f"{link.href}  {link.reaches}  ({count} call{'' if count == 1 else 's'}{deaf})"


def _fields(link: TelLink, calls: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {**link.fields, "calls": calls.get((link.number, link.extension), 0)}
