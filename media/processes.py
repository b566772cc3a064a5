"""Processes of this very package beside that of signalling."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence

from media.modules import module_command, module_environment


async def start_module(
    module: str,
    *arguments: str,
    stdin: int = DEVNULL,
    stdout: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Process:
    """Return a process that runs ``module``.

    Raises:
        OSError: the system starts no more processes.
    """
    return await asyncio.create_subprocess_exec(
        *module_command(module, *arguments),
        stdin=stdin,
        stdout=stdout,
        pass_fds=pass_fds,
        env=module_environment(),
    )
