"""Work that must not hold up packets: reading and encoding prompts, writing recordings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Background(ABC):
    """Does jobs one after another, outside the packet path."""

    @abstractmethod
    def submit(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run ``job``; later call ``done``, on the packet path, with its result or what it raised."""

    def attempt(self, job: Callable[[], object], failed: Callable[[Exception], None]) -> None:
        """Run ``job``, whose success is no news; only if it fails, call ``failed`` with what it raised."""
        self.submit(job, partial(_tell_failure, failed))


def _tell_failure(failed: Callable[[Exception], None], result: object) -> None:
    if isinstance(result, Exception):
        failed(result)
