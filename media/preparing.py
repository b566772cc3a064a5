"""Has sounds encoded before anybody calls, so that nobody waits for them."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

from media.commands import Clip, Row
from media.encoded_files import EncodedFiles
from media.encoding import Encoding
from media.errors import MediaError
from media.orders import NOT_KEPT, PATIENCE_S, PREPARER, Order, write_orders
from media.processes import start_module
from media.rows import is_long, may_be_kept, rows_of

MOST_BREAKDOWNS = 10
"""Of processes that encoded nothing, one after another: then it is not the files."""


async def prepare(sounds: Sequence[Row], encodings: Sequence[Encoding], folder: Path) -> Mapping[Path, str]:
    """Have sounds, each of one item or of several that are played together, in ``folder`` as they are sent.

    Return which files cannot be played, and why. What is there already costs nothing, not even a process.

    Raises:
        MediaError: no process can be started for it, none can encode anything, or the disk takes nothing.
    """
    troubles: dict[Path, str] = {}
    breakdowns = 0
    missing = await asyncio.to_thread(_missing, sounds, encodings, folder)
    while missing:
        answers = await _encoded(missing, folder)
        if answers and answers[-1].startswith(NOT_KEPT):
            raise MediaError(f"{folder} takes nothing: {answers[-1].removeprefix(NOT_KEPT)}")
        breakdowns = 0 if answers else breakdowns + 1
        if breakdowns == MOST_BREAKDOWNS:
            raise MediaError("every process that is to encode them breaks down")
        if len(answers) < len(missing):
            answers.append("whatever reads it breaks down")
        for (row, _), why in zip(missing, answers, strict=False):
            if why and len(row) == 1 and isinstance(row[0], Clip):  # of a row nobody knows which it is
                troubles[row[0].path] = why
        missing = missing[len(answers) :]
    return troubles


def _missing(sounds: Sequence[Row], encodings: Sequence[Encoding], folder: Path) -> list[Order]:
    """Return what is not in the folder; what is not there to be encoded either is for the process to tell.

    All sounds by one codec come before any by the next: so some callers have all of theirs soon. Long ones,
    each of which may take a minute, come behind all others.
    """
    files = EncodedFiles(folder)
    orders = {
        (row, encoding.common): None
        for encoding in encodings
        for sound in sounds
        for row in rows_of(sound, encoding)
        if may_be_kept(row)
    }
    missing = [order for order in orders if not _has(files, order)]
    return sorted(missing, key=lambda order: is_long(order[0]))


def _has(files: EncodedFiles, order: Order) -> bool:
    with contextlib.suppress(OSError):
        return files.has(files.place(*order))
    return False


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
