"""The configuration of a command: one that can be used or, to read what is kept, what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from b2bua.config.files import demo_config
from b2bua.errors import ConfigError

if TYPE_CHECKING:
    from b2bua.config.models import Config

ConfigPath = Annotated[
    Path | None,
    typer.Argument(help="Configuration file; the demo office when none is given.", metavar="CONFIG"),
]
USUAL_NAME = Path("office.toml")
"""What `b2bua new` writes when no other name is given."""


def office_of(path: Path | None, *, needs_secrets: bool = True) -> Config:
    """Return the office that a file describes; without one, the demo.

    Raises:
        typer.Exit: it cannot be used; why was told.
    """
    from b2bua.config.load import load_config

    try:
        return load_config(_named(path), needs_secrets=needs_secrets)
    except ConfigError as error:
        _tell(error)
        raise typer.Exit(2) from None


def running_office_of(path: Path | None) -> Config:
    """Return the office that is to run: by its file or, while that is broken, by what it ran by last.

    Callers are not to wait until somebody has found a mistake: after a power cut nobody may be there.

    Raises:
        typer.Exit: neither can be used; why was told.
    """
    import structlog

    from b2bua.config.kept import kept_config
    from b2bua.config.load import load_config

    log, file = structlog.get_logger("office"), _named(path)
    try:
        return load_config(file)
    except ConfigError as error:
        found = kept_config(file)
        if found is None:
            _tell(error)
            raise typer.Exit(2) from None
        for problem in error.problems:
            log.error(str(problem))
    config, kept_at = found
    log.error(
        "the configuration cannot be used: the office starts with what it ran by last, "
        "and follows the file as soon as that is mended",
        file=str(file),
        kept_since=f"{kept_at.astimezone(ZoneInfo(config.office.timezone)):%Y-%m-%d %H:%M}",
    )
    return config


def journal_of(path: Path | None) -> Config:
    """Return what has to be known of an office to read what it keeps, also while its file is broken.

    The office that runs goes on with the file as it was, so its journal can be asked for all the same.

    Raises:
        typer.Exit: where it keeps that cannot be read.
    """
    from b2bua.config.load import load_config, readable_part

    file = _named(path)
    try:
        return load_config(file, needs_secrets=False)
    except ConfigError as error:
        _tell(error)
    try:
        left = readable_part(file, without_broken_tables=True)
    except ConfigError:
        left = None
    if left is None or "data" not in left.as_written.get("office", {}):
        raise typer.Exit(2)
    data = left.office.data.absolute()
    typer.echo(f"{file} cannot be used as it is; what follows is kept in {data}", err=True)
    return left


def _tell(error: ConfigError) -> None:
    for problem in error.problems:
        typer.echo(str(problem), err=True)


def _named(path: Path | None) -> Path:
    """Return the file, or that of the demo; who has an office here and did not name it is told.

    Raises:
        typer.Exit: what was named is no file, but what follows the file; why was told.
    """
    if path is not None and not path.suffix and not path.exists():
        told = f"there is no file {path}: the office's file comes first, as in {USUAL_NAME} {path}"
        typer.echo(f"b2bua: {told}", err=True)
        raise typer.Exit(2)
    if path is None and USUAL_NAME.is_file():
        typer.echo(f"this is the demo office; yours is meant by naming it: {USUAL_NAME}", err=True)
    return path or demo_config()
