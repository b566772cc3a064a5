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


class Stage:
    """All plays that the tests of this run ask for."""

    def __init__(self, modules: Iterable[ModuleType], stack: ExitStack, folder: Callable[[], Path]) -> None:
        """Begin the plays, the longest first; the ``stack`` holds whatever runs until its end."""
        self._endings: dict[str, Ending] = {}
        self._played: dict[str, Any] = {}
        for module in sorted(modules, key=lambda module: (-module.LONGEST_S, module.__name__)):
            self._endings[module.__name__] = _begun(module, folder(), stack)

    def played(self, module: ModuleType) -> Any:
        """Return what is left of a play once it is over."""
        name = module.__name__
        if name not in self._played:
            self._played[name] = self._endings[name]()
        return self._played[name]


def _begun(module: ModuleType, folder: Path, stack: ExitStack) -> Ending:
    """Begin a play; one that fails to shall fail its own tests alone."""
    try:
        ending: Ending = module.begin(folder, stack)
    except Exception as error:  # noqa: BLE001 - the others go on whatever it is
        return partial(_raise, error)
    return ending


def _raise(error: Exception) -> None:
    raise error
