"""All trunks together: which are up, since when, and what is wrong with the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Protocol, TypeVar

from b2bua.config.models import Trunk
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from b2bua.store.trunk_states import KeptTrunkState, KeptTrunkStates
from b2bua.trunk.qualification import Reachability, TrunkQualification
from b2bua.trunk.registration import RegistrationState, TrunkRegistration
from b2bua.trunk.selection import Resolve, next_hop

log = logging.getLogger(__name__)

BAD = (RegistrationState.FAILED, Reachability.SILENT)
DULL = (RegistrationState.TRYING, Reachability.ASKED)


Watcher = TypeVar("Watcher", TrunkRegistration, TrunkQualification)


class Start(Protocol):
    """Runs work for as long as the office runs."""

    def __call__(self, work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[None]:
        """Return the task, which may be cancelled before."""


class TrunkWatch:
    """Keeps the trunks that want it registered and asks those that want it whether they answer."""

    def __init__(
        self,
        trunks: Iterable[Trunk],
        endpoint: SipEndpoint,
        *,
        random: Random,
        resolve: Resolve,
        kept: KeptTrunkStates,
        clock: Callable[[], datetime],
    ) -> None:
        """What changes is logged and ``kept``; ``clock`` tells wall-clock time, UTC."""
        self._endpoint = endpoint
        self._random = random
        self._resolve = resolve
        self._kept = kept
        self._clock = clock
        self._start: Start | None = None
        self._tasks: dict[TrunkRegistration | TrunkQualification, asyncio.Task[None]] = {}
        trunks = tuple(trunks)
        self._registration = {one.name: self._registering(one) for one in trunks if one.registrar}
        self._qualification = {one.name: self._qualifying(one) for one in trunks if one.qualify_every_s}

    def _registering(self, trunk: Trunk) -> TrunkRegistration:
        return TrunkRegistration(
            trunk, self._endpoint, random=self._random, resolve=self._resolve, on_change=self._registered
        )

    def _qualifying(self, trunk: Trunk) -> TrunkQualification:
        return TrunkQualification(
            trunk, self._endpoint, resolve=self._resolve, on_change=self._qualified, current=self.current
        )

    def _watchers(self) -> list[TrunkRegistration | TrunkQualification]:
        return [*self._registration.values(), *self._qualification.values()]

    @property
    def registrations(self) -> tuple[TrunkRegistration, ...]:
        """Return the registrations in the order of the trunks."""
        return tuple(self._registration.values())

    @property
    def qualifications(self) -> tuple[TrunkQualification, ...]:
        """Return who is asked, in the order of the trunks."""
        return tuple(self._qualification.values())

    def start(self, start: Start) -> None:
        """Watch from now on; ``start`` runs work under a name for as long as the office runs."""
        self._start = start
        for name in {**self._registration, **self._qualification}:
            self._keep(name)
        for watcher in self._watchers():
            self._run(watcher)

    def change(self, trunks: Iterable[Trunk]) -> None:
        """Watch these trunks from now on: what is new registers, what is gone or other unregisters first.

        A trunk that changed in nothing that its registrar sees stays registered as it is.
        """
        trunks = tuple(trunks)
        before = self._watchers()
        self._registration = {
            one.name: self._kept_or_new(self._registration, one, self._registering)
            for one in trunks
            if one.registrar
        }
        self._qualification = {
            one.name: self._kept_or_new(self._qualification, one, self._qualifying)
            for one in trunks
            if one.qualify_every_s
        }
        watchers = self._watchers()
        leaving: dict[str, list[asyncio.Task[None]]] = {}
        for old in before:
            if old not in watchers and (task := self._tasks.pop(old, None)) is not None:
                task.cancel()
                leaving.setdefault(old.trunk.name, []).append(task)
        for new in watchers:
            if new not in self._tasks:
                self._keep(new.trunk.name)
                self._run(new, after=leaving.get(new.trunk.name, ()))

    @staticmethod
    def _kept_or_new(known: Mapping[str, Watcher], trunk: Trunk, make: Callable[[Trunk], Watcher]) -> Watcher:
        old = known.get(trunk.name)
        if old is None or trunk.for_registrar != old.trunk.for_registrar:
            return make(trunk)
        old.trunk = trunk
        return old

    def _run(
        self, watcher: TrunkRegistration | TrunkQualification, after: Sequence[asyncio.Task[None]] = ()
    ) -> None:
        assert self._start is not None
        name = f"trunk {watcher.trunk.name}"
        if isinstance(watcher, TrunkQualification):
            name += " is asked"
        self._tasks[watcher] = self._start(_run_after(after, watcher.run), name=name)

    def is_usable(self, name: str) -> bool:
        """Whether calls may be tried through the trunk ``name``; one that nobody watches is believed in."""
        watchers = (self._registration.get(name), self._qualification.get(name))
        return all(watcher.is_usable for watcher in watchers if watcher is not None)

    def current(self, trunk: Trunk) -> Trunk:
        """Return ``trunk`` with the registrar that has us at the moment in the place of the first one."""
        registration = self._registration.get(trunk.name)
        if registration is None or registration.registrar == trunk.registrar:
            return trunk
        return trunk.model_copy(update={"registrar": registration.registrar})

    def service_route(self, name: str) -> tuple[str, ...]:
        """Return by which proxies the registrar of the trunk ``name`` wants our requests to go (RFC 3608)."""
        registration = self._registration.get(name)
        return registration.service_route if registration is not None else ()

    def connection_lost(self, hop: Hop) -> None:
        """Take the news that a connection is gone; a provider may have reached us over it."""
        for registration in self._registration.values():
            registration.connection_lost(hop)

    def _registered(self, registration: TrunkRegistration) -> None:
        is_bad = registration.state is RegistrationState.FAILED
        log.log(logging.WARNING if is_bad else logging.INFO, "%s", registration.in_words())
        self._keep(registration.trunk.name)

    def _qualified(self, qualification: TrunkQualification) -> None:
        is_bad = qualification.state is Reachability.SILENT
        log.log(logging.WARNING if is_bad else logging.INFO, "%s", qualification.in_words())
        self._keep(qualification.trunk.name)

    def _keep(self, name: str) -> None:
        """Write down what matters most about a trunk: that it is down, else how it is registered."""
        watchers = [
            watcher
            for watcher in (self._registration.get(name), self._qualification.get(name))
            if watcher is not None
        ]
        watcher = next((one for one in watchers if one.state in BAD), watchers[0])
        trunk = self.current(watcher.trunk)
        server = next_hop(trunk) if watcher.state in Reachability else trunk.registrar
        seconds_ago = asyncio.get_running_loop().time() - watcher.since if watcher.since else 0.0
        self._kept.keep(
            KeptTrunkState(
                trunk=name,
                state="trying" if watcher.state in DULL else watcher.state.value,
                since=self._clock() - timedelta(seconds=seconds_ago),
                server=str(server).removeprefix("sip:").partition(";")[0],
                last_error=watcher.last_error,
            )
        )


async def _run_after(
    tasks: Sequence[asyncio.Task[None]], run: Callable[[], Coroutine[object, object, None]]
) -> None:
    """Run once the tasks are over: the old account unregisters before the new one registers."""
    if tasks:
        await asyncio.wait(tasks)  # which end within seconds: they are cancelled
    await run()
