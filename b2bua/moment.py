"""What routing may know of this very moment: the clock, what was decided, and who is there and talks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from b2bua.attendance import Attendance
from b2bua.edition import Editions
from b2bua.people.occupancy import Engagement, Occupancy
from b2bua.registrar.bindings import Bindings
from b2bua.routing.facts import Facts


@dataclass(slots=True)
class Moment:
    """Knows the facts of now."""

    editions: Editions
    """Whose clock it is, and what is asked of the load."""
    attendance: Attendance
    """Who takes calls, and what was decided for all."""
    occupancy: Occupancy
    """Who talks."""
    bindings: Bindings
    """Whose phones are there."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    waiting: Callable[[], Mapping[str, int]]
    """How many callers wait in each queue."""
    _asks_load: bool = False
    """Whether a configuration of this process has had conditions on the load."""

    def facts(self) -> Facts:
        """Return the moment; who is offline is seen by the steps themselves, when they ring.

        How busy the office is comes with it as soon as a configuration asks for that.
        """
        facts = Facts(
            self.clock().astimezone(self.editions.own.zone), override=self.attendance.decisions.current
        )
        # calls keep a plan that is in force no more
        self._asks_load = self._asks_load or self.editions.current.plan.asks_load
        return self._with_load(facts) if self._asks_load else facts

    def _with_load(self, facts: Facts) -> Facts:
        engaged = self.occupancy.engaged(asyncio.get_running_loop().time())
        talking = frozenset(who for who, engagement in engaged.items() if engagement is Engagement.TALKING)
        people = self.editions.current.plan.people
        return replace(
            facts,
            offline=frozenset(person for person in people if not self.is_online(person)),
            busy=talking,
            reserved=frozenset(engaged) - talking,
            waiting=self.waiting(),
        )

    def is_online(self, person: str) -> bool:
        """Return whether calls can be given to the phones of ``person`` now."""
        is_registered = self.bindings.is_online(person, asyncio.get_running_loop().time())
        return is_registered and self.attendance.takes_calls(person)
