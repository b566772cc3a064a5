"""Has sounds encoded before anybody calls, so that nobody waits for them."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

from media.commands import Clip
from media.encoded_files import EncodedFiles
from media.encoding import Encoding
from media.errors import MediaError
from media.orders import PATIENCE_S, PREPARER, Order, write_orders
from media.processes import start_module


async def prepare(orders: Sequence[Order], folder: Path) -> Mapping[Path, str]:
    """Have sounds in ``folder`` as they are sent; return what cannot be played, and why.

    What is there already costs nothing, not even a process.

    Raises:
        MediaError: no process can be started for it.
    """
    troubles: dict[Path, str] = {}
    missing = list(await asyncio.to_thread(_missing, tuple(orders), folder))
    while missing:
        answers = await _encoded(missing, folder)
        for (clip, _), why in zip(missing, answers, strict=False):
            if why:
                troubles[clip.path] = why
        if len(answers) < len(missing):
            troubles[missing[len(answers)][0].path] = "whatever reads it breaks down"
        missing = missing[len(answers) + 1 :]
    return troubles


def _missing(orders: Sequence[Order], folder: Path) -> Sequence[Order]:
    """Return what is not in the folder; what is not there to be encoded either is for the process to tell."""
    files = EncodedFiles(folder)

    def has(clip: Clip, encoding: Encoding) -> bool:
        with contextlib.suppress(OSError):
            return files.has(files.place(clip, encoding))
        return False

    return [order for order in orders if not has(*order)]


async def _encoded(orders: Sequence[Order], folder: Path) -> list[str]:
    """Return what was wrong with each, in their order; fewer answers where the process broke down."""
    try:
        process = await start_module(PREPARER, str(folder), stdin=PIPE, stdout=PIPE)
    except OSError as error:
        raise MediaError(f"no process can be started: {error.strerror}") from error
    try:
        return await _answers(process, write_orders(orders), len(orders))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(process: Process, orders: bytes, most: int) -> list[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    answers: list[str] = []
    with contextlib.suppress(TimeoutError, ConnectionError):
        process.stdin.write(orders)
        async with asyncio.timeout(PATIENCE_S):
            await process.stdin.drain()
        process.stdin.close()
        while len(answers) < most:
            async with asyncio.timeout(PATIENCE_S):
                line = await process.stdout.readline()
            if not line.endswith(b"\n"):
                break
            answers.append(line.decode().strip())
    return answers
