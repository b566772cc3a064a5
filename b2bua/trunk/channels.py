"""How many calls a trunk carries at once, both ways."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from b2bua.errors import Unavailable


@dataclass(slots=True, eq=False)
class Channel:
    """One call's place on a trunk; leave it by ``release`` or at the end of the ``with``."""

    trunk: str
    """Name of the trunk."""
    _channels: Channels = field(repr=False)
    _is_released: bool = False

    def release(self) -> None:
        """Give the place back; a second time is no error."""
        if not self._is_released:
            self._is_released = True
            self._channels.give_back(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Channels:
    """The calls on every trunk right now, against the number of channels its owner pays for."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def take(self, trunk: str, limit: int | None) -> Channel:
        """Return a place on ``trunk``; ``limit`` ``None`` means any number.

        Raises:
            Unavailable: all ``limit`` channels carry calls.
        """
        if limit is not None and self._used[trunk] >= limit:
            raise Unavailable(f"all {limit} channels of trunk {trunk} are in use")
        self._used[trunk] += 1
        return Channel(trunk, self)

    def in_use(self, trunk: str) -> int:
        """How many calls ``trunk`` carries."""
        return self._used[trunk]

    def give_back(self, channel: Channel) -> None:
        """Note that the call of ``channel`` is over."""
        self._used[channel.trunk] -= 1
