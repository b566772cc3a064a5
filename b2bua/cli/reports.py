"""Commands that tell what the journal adds up to. What takes long to import is imported by who needs it."""

from __future__ import annotations

from typing import Annotated

import typer

from b2bua.cli.loading import ConfigPath, journal_of, office_of
from b2bua.cli.runner import run_to_end as _run


def missed(
    config: ConfigPath = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many, today included.")] = 7,
) -> None:
    """Tell how many calls reached a backup, and how many each person missed; also while the office runs."""
    from b2bua.cli.missed import list_missed

    office = journal_of(config)
    _run(lambda: list_missed(office, days=days))


def call_backs(
    config: ConfigPath = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many, today included.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Each caller, for programs.")] = False,
) -> None:
    """Tell what became of those who were missed: called back or not, how soon; also while the office runs."""
    from b2bua.cli.call_backs import show_call_backs

    office = journal_of(config)
    _run(lambda: show_call_backs(office, days=days, for_programs=as_json))


def staff(
    config: ConfigPath = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many, today included.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell how many calls each person took, placed and missed, and how long they talked."""
    from b2bua.cli.staff import show_staff

    office = journal_of(config)
    _run(lambda: show_staff(office, days=days, for_programs=as_json))


def menus(
    config: ConfigPath = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many, today included.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell how many callers chose what in each menu; also while the office runs."""
    from b2bua.cli.menus import show_menus

    office = journal_of(config)
    _run(lambda: show_menus(office, days=days, for_programs=as_json))


def links(
    config: ConfigPath = None,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="One of the office, else all.")] = "",
    extension: Annotated[str, typer.Argument(metavar="EXTENSION", help="What is dialled behind it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Make links for web pages that dial an extension at once, and tell how often each was called."""
    from b2bua.cli.links import show_links

    office = office_of(config, needs_secrets=False)
    _run(lambda: show_links(office, number=number, extension=extension, for_programs=as_json))


def weekly(config: ConfigPath = None) -> None:
    """Tell how the last seven days went, beside the seven before; also while the office runs."""
    from b2bua.cli.weekly import show_weekly

    office = journal_of(config)
    _run(lambda: show_weekly(office))
