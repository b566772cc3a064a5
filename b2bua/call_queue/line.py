"""One line: who waits in it, and who is offered whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from b2bua.call_queue.estimate import Pace
from b2bua.call_queue.turns import Turns
from b2bua.people.engaged import Offered
from b2bua.people.occupancy import Engagement, Occupancy
from b2bua.routing.plan import QueueSpec

REST_S = 5.0
"""An agent who did not take an offer is left alone for so long; others come first."""
DEAD_S = 30.0
"""An agent whose phone gave no sign of life counts as offline for so long, or until it registers again."""
RETURN_S = 1.0
"""A phone that unregisters may be about to register anew; only then are callers told that all are gone."""
SIGN_OF_LIFE_S = 1.0
"""A phone that is there says so well within this."""
LATE_S = 0.01
"""Timers of some loops fire a little early; what is looked at then must be over."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Agents reserved for one caller."""

    agents: tuple[str, ...]
    """Keys of the people to ring."""
    offered: Offered
    """Their leases; whoever gets the offer enters and leaves it."""


@dataclass(eq=False, slots=True)
class Place:
    """One caller in line."""

    offer: asyncio.Future[Offer | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """The next offer; None when every agent is offline."""
    since: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    """When they came into the line, in loop time."""
    is_ringing: bool = False
    """Agents are being rung for this caller."""
    is_pressing: bool = False
    """A phone let this caller wait without a sign of life: whoever is free is rung at once (row F14)."""
    on_deserted: Callable[[], None] | None = None
    """Called when every agent has gone offline while some are still being rung."""

    def desert(self) -> None:
        """Tell the caller's visit that every agent is offline."""
        if not self.is_ringing and not self.offer.done():
            self.offer.set_result(None)
        elif self.is_ringing and self.on_deserted is not None:
            self.on_deserted()


class Line:
    """First come, first served (row Q2). The hall makes it, and says when anybody is offered a caller."""

    def __init__(
        self,
        spec: QueueSpec,
        occupancy: Occupancy,
        is_online: Callable[[str], bool],
        *,
        turns: Turns,
        dispatch: Callable[[], None],
    ) -> None:
        """``dispatch`` gives free agents to whoever waits longest, here or in another line."""
        self.spec = spec
        self.dispatch = dispatch
        self.pace = Pace()
        self._occupancy = occupancy
        self._is_online = is_online
        self._turns = turns
        self._places: list[Place] = []
        self._resting: dict[str, float] = {}
        self._dead: dict[str, float] = {}
        self._last_offered = ""
        self._loop = asyncio.get_running_loop()

    # --- callers -------------------------------------------------------------------------------------------

    def join(self) -> Place:
        """Put a caller at the end of the line."""
        place = Place()
        self._places.append(place)
        self.dispatch()
        return place

    def leave(self, place: Place) -> None:
        """Take a caller out: served, gone, or out of patience. An offer not yet taken up is given back."""
        self._places.remove(place)
        if place.offer.done() and (offer := place.offer.result()) is not None and not place.is_ringing:
            with offer.offered:
                pass
        self.dispatch()

    @property
    def callers(self) -> int:
        """How many wait."""
        return len(self._places)

    def position(self, place: Place) -> int:
        """Return 1 for the next caller to be served. It never grows (row Q6)."""
        return self._places.index(place) + 1

    def wait_seconds(self, place: Place) -> float:
        """Return about how long ``place`` will still wait."""
        online = [agent for agent in self.spec.agents if self.is_reachable(agent)]
        talking = {agent for agent in online if self.is_talking(agent)}
        return self.pace.wait_seconds(
            self.position(place),
            online,
            talking=talking,
            wrap_up_s=self.spec.wrap_up_s,
            now=self._loop.time(),
        )

    async def next_offer(self, place: Place) -> Offer | None:
        """Return the next agents for ``place``, or None when everybody is offline."""
        offer = await asyncio.shield(place.offer)  # whoever stops waiting leaves the offer to be given back
        place.offer = self._loop.create_future()
        place.is_ringing = offer is not None
        return offer

    def declined(self, place: Place, offer: Offer, *, dead: frozenset[str], after_s: float) -> None:
        """Note that nobody took ``offer`` in ``after_s``; its agents rest, the ``dead`` are offline a while.

        To be called before the leases of the offer end, so that others are offered next.
        """
        now = self._loop.time()
        for agent in offer.agents:
            if agent in dead:
                self._dead[agent] = now + DEAD_S
            else:
                self._resting[agent] = now + REST_S
        place.is_ringing = False
        place.is_pressing = after_s >= SIGN_OF_LIFE_S and dead.issuperset(offer.agents)
        self._loop.call_at(now + REST_S + LATE_S, self.dispatch)
        if dead:
            self._loop.call_at(now + DEAD_S + LATE_S, self.dispatch)

    # --- agents --------------------------------------------------------------------------------------------

    def is_reachable(self, agent: str) -> bool:
        """Whether the agent has a live phone, busy or not."""
        return self._is_online(agent) and self._dead.get(agent, 0.0) <= self._loop.time()

    @property
    def is_everyone_offline(self) -> bool:
        """Whether no agent could take a call however long one waits (row Q17)."""
        return not any(self.is_reachable(agent) for agent in self.spec.agents)

    def phone_changed(self, agent: str) -> None:
        """A phone came or went."""
        self._dead.pop(agent, None)
        self._resting.pop(agent, None)
        if self.is_everyone_offline:
            self._loop.call_later(RETURN_S, self.dispatch)
        else:
            self.dispatch()

    @property
    def free_agents(self) -> tuple[str, ...]:
        """Who could be offered a call now, in the order of the configuration."""
        now = self._loop.time()
        return tuple(
            agent
            for agent in self.spec.agents
            if self.is_reachable(agent)
            and self._resting.get(agent, 0.0) <= now
            and self._occupancy.engagement(agent, now) is None
        )

    def is_talking(self, agent: str) -> bool:
        """Whether the agent is in a conversation."""
        return self._occupancy.engagement(agent, self._loop.time()) is Engagement.TALKING

    def took(self, agent: str, *, rung_at: float) -> None:
        """Note that ``agent``, who was rung at ``rung_at``, talks with a caller of this line."""
        self.pace.started(agent, rung_at)
        self._turns.tally.note(agent)

    # --- dispatch ------------------------------------------------------------------------------------------

    def is_deserted(self) -> bool:
        """Return whether every agent is offline; who waits is told then."""
        if not self.is_everyone_offline:
            return False
        for place in tuple(self._places):
            place.desert()
        return True

    def first_without_offer(self) -> Place | None:
        """Return who waits longest of those for whom nobody is being rung."""
        waiting = (place for place in self._places if not place.is_ringing and not place.offer.done())
        return next(waiting, None)

    def offer(self, place: Place) -> bool:
        """Return whether there are agents for ``place``, who gets them."""
        agents = self._pick(place)
        if agents:
            place.offer.set_result(Offer(agents, self._reserve(agents)))
        return bool(agents)

    def _pick(self, place: Place) -> tuple[str, ...]:
        free = self.free_agents
        if place.is_pressing:
            return free
        picked = self._turns.pick(self.spec, free, last=self._last_offered)
        if picked:
            self._last_offered = picked[-1]
        return picked

    def _reserve(self, agents: tuple[str, ...]) -> Offered:
        return Offered(self._occupancy, agents, seconds=self.spec.ring_seconds, wrap_up_s=self.spec.wrap_up_s)
