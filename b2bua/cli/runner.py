"""Runs what a command does: Ctrl-C and what may go wrong end it in one line."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, TypeVar

import typer

from b2bua.errors import B2buaError, in_words

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Result = TypeVar("Result")


def run_to_end(work: Callable[[], Coroutine[object, object, Result]]) -> Result:
    """Return what ``work`` returns; end the program where it fails."""
    import asyncio

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        raise  # whoever read it has seen enough, as ``head`` has: typer ends without a word
    except (B2buaError, OSError) as error:
        typer.echo(f"b2bua: {in_words(error)}", err=True)
        raise typer.Exit(1) from None


def _loop_factory() -> Callable[[], AbstractEventLoop] | None:
    """Return uvloop's loop where there is a wheel for it, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
