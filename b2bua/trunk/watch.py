"""All trunks together: which are up, since when, and what is wrong with the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

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
        trunks = tuple(trunks)
        self.registrations = tuple(
            TrunkRegistration(trunk, endpoint, random=random, resolve=resolve, on_change=self._registered)
            for trunk in trunks
            if trunk.registrar
        )
        self.qualifications = tuple(
            TrunkQualification(
                trunk, endpoint, resolve=resolve, on_change=self._qualified, current=self.current
            )
            for trunk in trunks
            if trunk.qualify_every_s
        )
        self._registration = {one.trunk.name: one for one in self.registrations}
        self._qualification = {one.trunk.name: one for one in self.qualifications}
        self._kept = kept
        self._clock = clock

    def works(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what has to run for as long as the office does, each with a name for its task."""
        for name in {**self._registration, **self._qualification}:
            self._keep(name)
        for registration in self.registrations:
            yield f"trunk {registration.trunk.name}", registration.run()
        for qualification in self.qualifications:
            yield f"trunk {qualification.trunk.name} is asked", qualification.run()

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

    def connection_lost(self, hop: Hop) -> None:
        """Take the news that a connection is gone; a provider may have reached us over it."""
        for registration in self.registrations:
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
