"""Loads a configuration. What is wrong in it is reported all at once, with file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from b2bua.config.dead_ends import find_dead_ends
from b2bua.config.models import Config
from b2bua.config.plain_errors import faults_of
from b2bua.config.salvage import Salvage
from b2bua.config.sources import NOTHING_ELSE, read_tables, read_whole_tables
from b2bua.config.target_check import find_ways_round
from b2bua.config.values import WITHOUT_SECRETS
from b2bua.errors import ConfigError


def load_config(
    path: Path, *, needs_secrets: bool = True, texts: Mapping[Path, str] = NOTHING_ELSE
) -> Config:
    """Return the office that a file describes; relative paths in it are relative to the working directory.

    Who only reads the journal needs no passwords: without ``needs_secrets`` the environment may lack them.
    ``texts`` are what some of the files are to say, and do not yet.

    Raises:
        ConfigError: with every value that is wrong and every name that refers to nothing or, when all are
            right, every dead end and way round. Warnings are what ``check.lint`` adds.
    """
    tables, origin = read_tables(path, texts)
    context = None if needs_secrets else WITHOUT_SECRETS
    try:
        config = Config.model_validate(tables, by_alias=True, by_name=False, context=context)
        config = config.read_from(origin, tables)
    except ValidationError as error:
        wrong = faults_of(error)
        others = Salvage(tables, wrong, context).names_of_nothing()
        raise ConfigError(origin.problems((*wrong, *others))) from None
    plan = config.plan()
    dead_ends = [fault for fault in find_dead_ends(plan) if not fault.is_warning]
    if faults := dead_ends or find_ways_round(config, plan):
        raise ConfigError(origin.problems(faults))
    return config


def readable_part(path: Path, *, without_broken_tables: bool = False) -> Config | None:
    """Return what can be read of a file that ``load_config`` refuses, so that more can be said of it.

    Raises:
        ConfigError: it cannot be read, or is no TOML and shall not be read without the tables that are none.
    """
    tables, origin = read_whole_tables(path) if without_broken_tables else read_tables(path)
    try:
        config = Config.model_validate(tables, by_alias=True, by_name=False, context=WITHOUT_SECRETS)
    except ValidationError as error:
        salvage = Salvage(tables, faults_of(error), WITHOUT_SECRETS)
        left = salvage.config
        return left.read_from(origin, salvage.tables) if left is not None else None
    return config.read_from(origin, tables)
