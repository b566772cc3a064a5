"""What ends with a block, unless it was handed on to somebody who lives longer."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self


class Held:
    """A trunk's channel, or the lease of who calls; a tenth of an ``ExitStack``, as each call holds one."""

    __slots__ = ("_give_back",)

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] = give_back

    def hand_on(self) -> Callable[[], None]:
        """Return what gives it back, and leave that to whoever asked."""
        give_back, self._give_back = self._give_back, _nothing
        return give_back

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()


def _nothing() -> None:
    """It is somebody else's."""
