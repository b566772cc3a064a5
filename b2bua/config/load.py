"""Reads the configuration file. Every mistake in it is reported at once, with file, line and key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from b2bua.config.compile import compile_plan
from b2bua.config.dead_ends import find_dead_ends
from b2bua.config.explain_errors import faults_of
from b2bua.config.models import Config
from b2bua.config.origin import Origin
from b2bua.errors import ConfigError, Problem


def load_config(path: Path) -> Config:
    """Return the office that a file describes; relative paths in it are relative to the working directory.

    Raises:
        ConfigError: with every error found; warnings are what ``check.lint`` finds.
    """
    tables, origin = _read(path)
    try:
        config = Config.model_validate(tables, by_alias=True, by_name=False)
    except ValidationError as error:
        raise ConfigError(origin.problems(faults_of(error, tables))) from None
    config = config.read_from(origin)
    plan, faults = compile_plan(config)
    if not faults:
        faults = tuple(fault for fault in find_dead_ends(plan) if not fault.is_warning)
    if faults:
        raise ConfigError(origin.problems(faults))
    return config


def _read(path: Path) -> tuple[Mapping[str, Any], Origin]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError((Problem(path, 1, "file", f"cannot be read: {why}"),)) from error
    try:
        return tomllib.loads(text), Origin.scan(path, text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((_syntax_problem(path, text, error),)) from error


def _syntax_problem(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    # Python 3.14 gives .lineno; before that the position stands only in the message
    message = str(error)
    _, _, place = message.rpartition("(at line ")
    line = int(place.partition(",")[0]) if place[:1].isdigit() else len(text.splitlines()) or 1
    return Problem(path, line, "syntax", f"this is not TOML: {message.partition(' (at ')[0]}")
