"""Where all lines stand: an agent of several gets whoever waits longest in any of them (row Q2)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, date, datetime

from b2bua.call_queue.line import Line
from b2bua.call_queue.turns import Tally, Turns
from b2bua.people.occupancy import Occupancy
from b2bua.routing.plan import QueueSpec


def _today() -> date:
    return datetime.now(UTC).date()


class Hall:
    """The lines of all queues. Dispatches on events only, never on a tick."""

    def __init__(
        self,
        occupancy: Occupancy,
        is_online: Callable[[str], bool],
        *,
        today: Callable[[], date] = _today,
        randomness: random.Random | None = None,
    ) -> None:
        """``today`` is the day for which calls are counted."""
        self.lines: dict[str, Line] = {}
        self._occupancy = occupancy
        self._is_online = is_online
        self._turns = Turns(occupancy, tally=Tally(today), randomness=randomness or random.Random())
        self._loop = asyncio.get_running_loop()
        self._is_dispatch_due = False
        occupancy.on_freed(lambda _: self._dispatch_soon())

    def line(self, spec: QueueSpec) -> Line:
        """Return the line of a queue, which is served by ``spec`` from now on."""
        line = self.lines.get(spec.name)
        if line is None:
            line = self.lines[spec.name] = Line(
                spec, self._occupancy, self._is_online, turns=self._turns, dispatch=self.dispatch
            )
        line.spec = spec
        return line

    def _dispatch_soon(self) -> None:
        """Dispatch once everybody who is freed in this instant is: ring-all wants them together."""
        if not self._is_dispatch_due:
            self._is_dispatch_due = True
            self._loop.call_soon(self._dispatch_due)

    def _dispatch_due(self) -> None:
        self._is_dispatch_due = False
        self.dispatch()

    def dispatch(self) -> None:
        """Give free agents to whoever waits longest, in whatever line."""
        lines = [line for line in self.lines.values() if line.callers and not line.is_deserted()]
        first = {line: place for line in lines if (place := line.first_without_offer()) is not None}
        while first:
            line = min(first, key=lambda each: first[each].since)
            following = line.first_without_offer() if line.offer(first[line]) else None
            if following is None:
                del first[line]
            else:
                first[line] = following
