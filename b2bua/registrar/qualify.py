"""Whether registered phones still answer: one without power is offline long before its hour is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from b2bua.registrar.bindings import Binding, Bindings, ContactKey
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Headers, Request, Response

EVERY_S = 30.0
"""Between two rounds; short enough to keep a NAT's mapping open (RFC 5626 §4.4.2)."""
ANSWER_S = 4.0
"""A phone that lets an OPTIONS wait longer counts as silent."""
TRIES = 2
"""Questions in a row that a phone may leave unanswered in a round before it is offline."""
SILENT_EVERY_S = 5.0
"""A silent phone is asked this often whether it is back."""
FORGIVEN_AFTER_S = 60.0
"""A silent phone that may not know OPTIONS is rung again after so long: nothing else could tell."""
SUSPICION_ANSWER_S = 3.4
"""When a call gets no sign of life for half a second, all phones are asked; in 4 s it gives up, and must know
by then which of the others are as dead (row F14)."""
DOUBTED_FOR_S = 10.0
"""So long after one phone was found silent the others are doubted, unless they can be asked by OPTIONS."""


class Qualification:
    """Asks devices by OPTIONS (RFC 3261 §11) and marks in :class:`Bindings` who does not answer.

    Any answer counts. A device that has never answered an OPTIONS, nor said that it would (Allow), may not
    know the method, so its silence says nothing; that its port is closed does. So does an INVITE that gets no
    sign of life: the next callers do not wait for that device until it is heard again.
    """

    def __init__(self, bindings: Bindings, endpoint: SipEndpoint, *, every_s: float = EVERY_S) -> None:
        """``every_s`` is the time between rounds; 0: none, only on suspicion."""
        self._bindings = bindings
        self._endpoint = endpoint
        self._every_s = every_s
        self._answered: set[tuple[str, ContactKey]] = set()
        self._suspicion = asyncio.Event()
        self._found_silent_at = -DOUBTED_FOR_S

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._every_s:
                group.create_task(self._go_round_again_and_again(), name="OPTIONS rounds")
            group.create_task(self._ask_the_silent(), name="OPTIONS to silent phones")
            group.create_task(self._follow_suspicions(), name="OPTIONS on suspicion")

    async def _go_round_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)  # the schedule itself
            await self.go_round()

    async def go_round(self) -> None:
        """Ask every device, all at the same time; bindings that ended are dropped on the way."""
        self._bindings.expire(self._now())
        bindings = tuple(self._bindings.all(self._now()))
        self._answered &= {(binding.person, binding.key) for binding in bindings}
        await self._ask_all(bindings, within_s=ANSWER_S, tries=TRIES)

    async def _ask_the_silent(self) -> None:
        """Ask who is silent whether they are back; who may not be able to say so is forgiven in time."""
        while True:
            await asyncio.sleep(SILENT_EVERY_S)  # the schedule itself
            silent = [one for one in self._bindings.all(self._now()) if not self._bindings.is_reachable(one)]
            await self._ask_all(silent, within_s=ANSWER_S)
            for binding in silent:
                self._forgive(binding)

    def _forgive(self, binding: Binding) -> None:
        since = self._bindings.silent_since(binding)
        is_over = since is not None and self._now() - since >= FORGIVEN_AFTER_S
        if is_over and not self._knows_options(binding):
            self._bindings.mark_reachable(binding, self._now(), is_reachable=True)

    async def _follow_suspicions(self) -> None:
        """Ask those whose silence means something, once for all calls that wait at the same time."""
        while True:
            await self._suspicion.wait()
            bindings = self._bindings.all(self._now())
            alive = [one for one in bindings if self._bindings.is_reachable(one) and self._knows_options(one)]
            await self._ask_all(alive, within_s=SUSPICION_ANSWER_S)
            self._suspicion.clear()

    # --- what calls notice ---------------------------------------------------------------------------------

    def vigil(self, binding: Binding) -> DeviceVigil:
        """Return what a call that rings the device asks and tells."""
        return DeviceVigil(self, self._bindings, binding)

    def suspect(self) -> None:
        """Ask everybody now: a phone gave no sign of life, and others may have lost power with it."""
        self._suspicion.set()

    def found_silent(self, binding: Binding) -> None:
        """Keep callers from waiting for the device until it is heard again."""
        self._found_silent_at = self._now()
        self._bindings.mark_reachable(binding, self._now(), is_reachable=False)

    def is_doubtful(self, binding: Binding) -> bool:
        """Whether a call has just found another phone silent, and OPTIONS cannot tell whether this one is."""
        since = self._found_silent_at
        is_recent = self._now() - since < DOUBTED_FOR_S and binding.registered_at < since
        return is_recent and not self._knows_options(binding)

    # --- asking --------------------------------------------------------------------------------------------

    async def _ask_all(self, bindings: Iterable[Binding], *, within_s: float, tries: int = 1) -> None:
        async with asyncio.TaskGroup() as group:
            for binding in bindings:
                asking = self._ask(binding, within_s=within_s, tries=tries)
                group.create_task(asking, name=f"OPTIONS {binding.contact_uri}")

    async def _ask(self, binding: Binding, *, within_s: float, tries: int) -> None:
        is_reachable = None
        for _ in range(tries):
            is_reachable = self._judge(binding, await self._options(binding, within_s))
            if is_reachable is not None:
                break
        if is_reachable is None and self._knows_options(binding):
            is_reachable = False
        if is_reachable is not None:
            self._bindings.mark_reachable(binding, self._now(), is_reachable=is_reachable)

    def _judge(self, binding: Binding, response: Response) -> bool | None:
        """Return whether the device can be reached; ``None``: it was silent."""
        if not response.is_local:
            self._answered.add((binding.person, binding.key))
            return True
        return False if response.status == 503 else None  # refused, or the connection is gone

    async def _options(self, binding: Binding, within_s: float) -> Response:
        hop = binding.hop_now(self._endpoint.is_connected)
        local = self._endpoint.local_hop(hop)
        headers = Headers(
            [("From", f"<sip:{local.authority}>"), ("Accept", "application/sdp"), *binding.route]
        )
        request = Request("OPTIONS", binding.contact_uri, headers)
        return await self._endpoint.request(request, hop, deadline_s=within_s)

    def _knows_options(self, binding: Binding) -> bool:
        return binding.knows_options or (binding.person, binding.key) in self._answered

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class DeviceVigil:
    """One device in the eyes of a call that rings it."""

    _qualification: Qualification
    _bindings: Bindings
    _binding: Binding

    @property
    def is_silent(self) -> bool:
        """Whether it is known by now not to answer."""
        return not self._bindings.is_reachable(self._binding)

    @property
    def is_doubtful(self) -> bool:
        """Whether it may have died with another one."""
        return self._qualification.is_doubtful(self._binding)

    def note_quiet(self) -> None:
        """Take the news that it gave no sign of life yet."""
        self._qualification.suspect()

    def note_silent(self) -> None:
        """Take the news that it gave none for as long as any call waits for one."""
        self._qualification.found_silent(self._binding)
