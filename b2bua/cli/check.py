"""``b2bua check``: all that can be said of a configuration before the first call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import typer

from b2bua.cli.addresses import foreign_addresses
from b2bua.cli.folders import unusable_folders
from b2bua.cli.sounds import defects, seconds_of
from b2bua.config.check import lint
from b2bua.config.load import readable_part
from b2bua.config.models import Config
from b2bua.config.prompt_lengths import SecondsOf, prompt_lengths
from b2bua.config.prompts import broken_prompts, missing_prompts
from b2bua.config.proof import Proof, prove
from b2bua.errors import ConfigError, Problem
from b2bua.phrases import Phrasebook


def check_office(path: Path, config: Config) -> bool:
    """Print what is wrong or unwise, and what was proven; return whether the office can run so."""
    proof = _proof(config, datetime.now(UTC))
    problems = (
        *lint(config),
        *_sounds(config),
        *foreign_addresses(config),
        *config.origin.problems(proof.faults),
        *_calendars(config),
        *unusable_folders(config),
    )
    for problem in sorted(problems, key=lambda problem: (problem.file, problem.line)):
        typer.secho(str(problem), fg=_colour(problem))
    first, last = config.rtp.ports
    typer.echo(f"RTP ports {first}-{last} have room for {config.rtp.room}")
    if config.smtp is None and _mails_somebody(config):
        typer.echo(f"Mails become files in {config.office.data}/outbox: there is no [smtp] to send them")
    if config.numbers or config.number_groups:
        typer.echo(_proven(proof))
    errors = sum(not problem.is_warning for problem in problems)
    typer.echo(f"{path}: {_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}")
    return not errors


def _mails_somebody(config: Config) -> bool:
    alerts = (config.missed_alert, config.backup_alert, config.weekly_report, config.callback)
    is_told = any(alert is not None and alert.emails for alert in alerts)
    return is_told or any(map(config.emails_of, config.mailboxes))


def _proof(config: Config, now: datetime) -> Proof:
    """Return what the walk comes to, with the calendars as they were read last."""
    plan = config.plan()
    if config.calendars:
        from b2bua.cli.calendars import kept_calendars

        plan = plan.with_calendars(kept_calendars(config, now).calendars)
    return prove(config, plan, now)


def tell_rest(path: Path, problems: Sequence[Problem]) -> None:
    """Print why an office cannot be loaded, and which of its prompts are missing as well."""
    try:
        left = readable_part(path)
    except ConfigError:
        left = None  # it is no TOML, or not there
    missing = missing_prompts(left, _book(left)) if left is not None else ()
    for problem in sorted((*problems, *missing), key=lambda problem: (problem.file, problem.line)):
        typer.echo(str(problem), err=True)


def _book(config: Config) -> Phrasebook:
    return Phrasebook(Phrasebook.found(), config.office.language, config.office.prompts)


def prompt_seconds(config: Config) -> SecondsOf:
    """Return what measures a prompt of the office; 0 for one that is not there."""
    book, measured = _book(config), cache(seconds_of)
    return lambda name: measured(book.path(name)) if book.has(name) else 0.0


def _sounds(config: Config) -> Sequence[Problem]:
    book = _book(config)
    measured = cache(seconds_of)

    def standing_s(place: int, wait_s: float | None) -> float:
        return sum(map(measured, book.position_and_wait(place, wait_s)))

    return (
        *missing_prompts(config, book),
        *broken_prompts(config, defects(config.office.prompts)),
        *prompt_lengths(config, prompt_seconds(config), standing_s),
    )


def _calendars(config: Config) -> Sequence[Problem]:
    if not config.calendars:
        return ()
    import asyncio

    from b2bua import log
    from b2bua.cli.calendars import unreadable_calendars

    log.set_up(level="WARNING")

    return asyncio.run(unreadable_calendars(config))


def _colour(problem: Problem) -> str:
    """Return red for what loses calls: errors, and numbers without a backup (row F16)."""
    loses_calls = not problem.is_warning or problem.message.startswith("no backup")
    return typer.colors.RED if loses_calls else typer.colors.YELLOW


def _proven(proof: Proof) -> str:
    walked = (
        f"{_count(proof.cases, 'case')} of {_count(proof.entries, 'number')} walked: "
        f"{_count(proof.situations, 'state')} of the opening hours, whoever is reachable, "
        "trunks up and down, webhooks failing"
    )
    if proof.drops_nobody:
        return f"{walked}. Every caller ends with somebody, a message or a promise"
    return f"{walked}. Callers are dropped, see above"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
