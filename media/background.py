"""Work that must not hold up packets: reading and encoding prompts, writing recordings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Background(Protocol):
    """Does jobs one after another, outside the packet path."""

    def submit(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run ``job``; later call ``done``, on the packet path, with its result or what it raised."""
