"""When a party of a call came, was answered and went, and what ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.call.while_up import WhileUp
from b2bua.sip.session import Ending


class Life:
    """From the first INVITE until one side hangs up; all times are those of the loop."""

    __slots__ = ("_at_end", "answered_at", "began", "ended", "ended_at")

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.began = loop.time()
        """When it came to be."""
        self.answered_at: float | None = None
        """When it became a dialog that carries sound."""
        self.ended_at: float | None = None
        """When the far end was gone."""
        self.ended: asyncio.Future[Ending] = loop.create_future()
        self._at_end: list[Callable[[], None]] = []

    @property
    def is_up(self) -> bool:
        """Whether the far end has neither hung up nor died."""
        return not self.ended.done()

    def while_up(self) -> WhileUp:
        """Return a block that raises ``LegEnded`` when the far end goes."""
        return WhileUp(self.ended)

    def at_end(self, give_back: Callable[[], None]) -> None:
        """Call ``give_back`` when it ends: what it holds, a trunk's channel, ends with it."""
        if self.is_up:
            self._at_end.append(give_back)
        else:
            give_back()

    def _over(self, ending: Ending) -> None:
        if self.ended.done():
            return
        self.ended.set_result(ending)
        self.ended_at = asyncio.get_running_loop().time()
        while self._at_end:
            self._at_end.pop(0)()
