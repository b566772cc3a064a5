"""Reads the configuration again while the office runs: what is right holds from the next call on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from b2bua.config.check import lint
from b2bua.config.difference import Difference, applicable, difference, loss
from b2bua.config.kept import keep
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.config.prompts import missing_prompts
from b2bua.config.watch import Sources, changes
from b2bua.edition import Edition
from b2bua.errors import B2buaError, ConfigError, Problem
from b2bua.listening import has_tls

if TYPE_CHECKING:
    from b2bua.server import Server

log = structlog.get_logger("office")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of the files brought."""

    edition: Edition
    """What is to be put in force."""
    difference: Difference
    """What it changes."""
    warnings: tuple[Problem, ...]
    """What the checker thinks of it."""


class Reloader:
    """Follows the files of a running office. ``run`` it in a task."""

    def __init__(self, server: Server, path: Path) -> None:
        self._server = server
        self._path = path
        self._is_asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._seen: Sources | None = None
        """The files that were read last."""
        self._told: set[tuple[str, str]] | None = None
        """Warnings that are known; None: those of the configuration that it started with."""

    def ask(self) -> None:
        """Read the files soon, whether they changed or not."""
        self._is_asked.set()

    async def run(self) -> None:
        """Follow the files, and whoever asks, until cancelled."""
        if not self._server.config.origin.is_stand_in:
            await self.keep()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="configuration files")
            while True:
                await self._is_asked.wait()
                self._is_asked.clear()
                await self.reload()

    async def _watch(self) -> None:
        async for _ in changes(self._path):
            if await asyncio.to_thread(Sources.look, self._path) != self._seen:
                self.ask()

    async def reload(self) -> bool:
        """Read the files and put in force what they say; when something is wrong there, nothing changes.

        False: something is.
        """
        async with self._turn:
            return await self._reload()

    async def _reload(self) -> bool:
        before = self._server.config
        try:
            self._seen = await asyncio.to_thread(Sources.look, self._path)
            if self._told is None:
                known = await asyncio.to_thread(judge, self._server.editions.current)
                self._told = {_key(warning) for warning in known}
            reading = await asyncio.to_thread(read, self._path, before)
        except ConfigError as error:
            for problem in error.problems:
                log.error(str(problem))
            log.error("the changed configuration cannot be used: the office goes on with the one it has")
            return False
        except (B2buaError, OSError) as error:
            log.error("the changed configuration cannot be used: nothing has changed", why=str(error))
            return False
        if reading.difference.changes:
            self._server.change(reading.edition)
        self._tell(reading)
        await self.keep()
        return True

    async def keep(self) -> None:
        """Keep the files as they are, for a start at which they are broken."""
        try:
            await asyncio.to_thread(keep, self._path, self._server.config.office.data)
        except OSError as error:
            log.warning("the configuration cannot be kept for a start at which it is broken", why=str(error))

    def _tell(self, reading: Reading) -> None:
        found = reading.difference
        if found.changes:
            log.info(f"the configuration was read again: {', '.join(found.changes)}; from the next call on")
        elif not found.needs_restart:
            log.info("the configuration was read again: nothing has changed")
        waiting = (*found.needs_restart, *self._waiting_for_tls(reading.edition.config))
        if waiting:
            log.warning(f"only a restart changes {', '.join(waiting)}: until then it stays as it was")
        told = self._told or set()
        for warning in reading.warnings:
            if _key(warning) not in told:
                log.warning(str(warning))
        self._told = {_key(warning) for warning in reading.warnings}

    def _waiting_for_tls(self, config: Config) -> tuple[str, ...]:
        """Return the keys of trunks that want TLS in an office that was started without."""
        if self._server.tls is not None or not has_tls(config):
            return ()
        return tuple(
            f"trunk.{name}.transport" for name, trunk in config.trunks.items() if trunk.transport == "tls"
        )


def read(path: Path, before: Config) -> Reading:
    """Return what the files at ``path`` say for an office that runs by ``before``.

    Raises:
        ConfigError: they cannot be used.
        B2buaError: the prompts cannot be used, or all trunks or people would be gone.
        OSError: a file cannot be read.
    """
    after = load_config(path)
    if lost := loss(before, after):
        raise B2buaError(
            f"{path} has no {lost} any more; is it written to its end? If that is meant, restart the office"
        )
    edition = Edition.of(after)
    config = applicable(before, after)
    config.plan()  # made here, where it may take its time and may fail
    return Reading(replace(edition, config=config), difference(before, after), judge(edition))


def judge(edition: Edition) -> tuple[Problem, ...]:
    """Return what is unwise in a configuration that can be used."""
    return (*lint(edition.config), *missing_prompts(edition.config, edition.book))


def _key(problem: Problem) -> tuple[str, str]:
    """Return what makes it the same warning, wherever it stands by now."""
    return problem.key, problem.message
