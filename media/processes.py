"""Python processes beside this one."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path

import media


async def start_module(
    module: str,
    *arguments: str,
    stdin: int = DEVNULL,
    stdout: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Process:
    """Return a process that runs ``module`` of this very package.

    Raises:
        OSError: the system starts no more processes.
    """
    # It must be found also when tests or a checkout put it on the path.
    root = str(Path(media.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=stdin,
        stdout=stdout,
        pass_fds=pass_fds,
        env={**os.environ, "PYTHONPATH": path},
    )
