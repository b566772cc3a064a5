"""Plays of minutes, which wait far more than they work: begun one after another, all wait at the same time.

A module with ``begin(folder, stack)`` and ``LONGEST_S`` is one. ``begin`` brings everybody on stage, lets the
calls come in, and returns what waits for their end. Other tests of real time are played meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

Ending = Callable[[], Any]
"""Waits until all calls of a play are over, and returns what is left of them."""
PLAYED_AT_MOST = 3
"""How often a play is played for tests of it that failed: each takes minutes."""


class Stage:
    """All plays that the tests of this run ask for."""

    def __init__(self, modules: Iterable[ModuleType], stack: ExitStack, folder: Callable[[], Path]) -> None:
        """Begin the plays, the longest first; the ``stack`` holds whatever runs until its end."""
        in_order = sorted(modules, key=lambda module: (-module.LONGEST_S, module.__name__))
        self._plays = {module.__name__: _Play(module, stack, folder) for module in in_order}

    def played(self, module: ModuleType, *, again: bool = False) -> Any:
        """Return what is left of a play once it is over; ``again``: of one that begins now."""
        play = self._plays[module.__name__]
        if again and play.times < PLAYED_AT_MOST:
            play.begin()
        return play.outcome()


class _Play:
    """The play of one module."""

    def __init__(self, module: ModuleType, stack: ExitStack, folder: Callable[[], Path]) -> None:
        self.times = 0
        self._module, self._folder = module, folder
        self._on_stage = stack.enter_context(ExitStack())
        self._ending: Ending
        self._left: Any = None
        self.begin()

    def begin(self) -> None:
        """Let everybody leave the stage, and begin; who fails to shall fail the tests of this play alone."""
        self.times, self._left = self.times + 1, None
        try:
            self._on_stage.close()
            self._ending = self._module.begin(self._folder(), self._on_stage)
        except Exception as error:  # noqa: BLE001 - the others go on whatever it is
            self._ending = partial(_raise, error)

    def outcome(self) -> Any:
        """Wait for the end, unless that was done, and return what is left."""
        if self._left is None:
            self._left = self._ending()
        return self._left


def _raise(error: Exception) -> None:
    raise error
