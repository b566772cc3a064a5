"""Edits the configuration of a running office, one edit at a time, and puts it in force."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from b2bua.config.editing import Edit, Proposal, propose, same_problem
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.config.proof import prove
from b2bua.config.replacing import replace_files
from b2bua.edition import Edition
from b2bua.errors import ConfigError, Problem, Unavailable
from b2bua.reloading import judge

if TYPE_CHECKING:
    from b2bua.server import Server

log = structlog.get_logger("office")

PATIENCE_S = 10.0
"""So long an edit waits for the one before."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit came to."""

    config: Config
    """The office as it is written now."""
    warnings: tuple[Problem, ...]
    """What the checker says of it and did not say before."""
    is_in_force: bool
    """Whether the next call follows it."""


class Editor:
    """Carries out edits. None begins before the one before has been put in force."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._turn = asyncio.Lock()

    async def carry_out(self, edit: Edit, *, who: str) -> Edited:
        """Look an edit over, write it and let the office read it; ``who`` is for the log.

        Raises:
            Unavailable: another edit does not come to its end.
            B2buaError: see ``propose`` and ``replace_files``; nothing is written then.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("another edit is not over yet; try again") from None
        try:
            return await self._carry_out(edit, who)
        finally:
            self._turn.release()

    async def _carry_out(self, edit: Edit, who: str) -> Edited:
        proposal, warnings = await asyncio.to_thread(_look_over, self._server.config.origin.file, edit)
        is_read = True
        if proposal.replacements:
            await asyncio.to_thread(replace_files, proposal.replacements)
            files = ", ".join(str(replacement.file) for replacement in proposal.replacements)
            log.info(f"the {edit.section} {edit.name} was edited by the API", by=who, files=files)
            is_read = await self._server.reloader.reload()
        section = self._server.config.as_written.get(edit.section, {})
        is_there = section.get(edit.new_name or edit.name) == proposal.content
        return Edited(proposal.config, warnings, is_read and is_there)


def _look_over(path: Path, edit: Edit) -> tuple[Proposal, tuple[Problem, ...]]:
    """Return what the edit would make of the configuration, and what the checker warns of then.

    Raises:
        ConfigError: the checker calls it an error.
    """
    proposal = propose(path, edit)
    known = _judged(load_config(path)) if proposal.replacements else ()
    found = _judged(proposal.config)
    news = tuple(each for each in found if not any(same_problem(each, other) for other in known))
    if errors := tuple(each for each in news if not each.is_warning):
        raise ConfigError(errors)
    return proposal, news if proposal.replacements else ()


def _judged(config: Config) -> tuple[Problem, ...]:
    proof = prove(config, config.plan(), datetime.now(UTC))
    return (*judge(Edition.of(config)), *config.origin.problems(proof.faults))
