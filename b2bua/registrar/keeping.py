"""Bindings survive a restart: what changes is written down, and read again before anybody calls."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from b2bua.errors import B2buaError
from b2bua.registrar.bindings import Binding, Bindings, contact_key
from b2bua.sip.message import Headers
from b2bua.sip.transport.hop import Hop
from b2bua.store.bindings import KeptBinding, KeptBindings

log = logging.getLogger(__name__)

RENEWALS_S = 10.0
"""Mere renewals gather for so long and are written together; what they prolong lasts a minute at least."""
EXPIRY_CHECK_S = 5.0
"""It is looked this often whether a registration has ended, or at once when one is known to."""
ONE_WAY = frozenset(("ws", "wss"))
"""Transports that only the client can open: a browser that lost us has to come again."""


class BindingKeeper:
    """Writes the bindings of everybody to the store, and brings them back at the start."""

    def __init__(self, bindings: Bindings, kept: KeptBindings, *, clock: Callable[[], datetime]) -> None:
        """``clock`` tells wall-clock time, UTC."""
        self._bindings = bindings
        self._kept = kept
        self._clock = clock
        self._changed: dict[tuple[str, str], Binding] = {}
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def keeping(self, *, is_known: Callable[[str, str], bool]) -> AsyncIterator[None]:
        """Restore, and keep what changes for as long as the block runs."""
        await self.restore(is_known=is_known)
        try:
            yield
        finally:
            self.close()

    async def restore(self, *, is_known: Callable[[str, str], bool]) -> None:
        """Put back what has not ended of people who still may register; from now on keep what changes."""
        now, at = asyncio.get_running_loop().time(), self._clock()
        for row in await self._kept.live(at):
            if row.transport not in ONE_WAY and is_known(row.person, row.login):
                self._restore(row, now, at)
        self._bindings.remember = self._note

    def _restore(self, row: KeptBinding, now: float, at: datetime) -> None:
        try:
            binding = from_row(row, now=now, at=at)
            self._bindings.put(binding, now)
        except (B2buaError, ValueError) as error:
            log.warning("a phone of %s is forgotten until it registers again: %s", row.person, error)

    def _note(self, binding: Binding, is_news: bool) -> None:
        self._changed[binding.person, binding.contact_uri] = binding
        if is_news:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(RENEWALS_S, self.flush)

    def flush(self) -> None:
        """Hand everything that changed to the store."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changed, self._changed = self._changed, {}
        if changed:
            now, at = asyncio.get_running_loop().time(), self._clock()
            self._kept.keep([to_row(binding, now=now, at=at) for binding in changed.values()], at=at)

    def close(self) -> None:
        """Hand over what is left and note no more."""
        self._bindings.remember = None
        self.flush()


async def watch_expiries(bindings: Bindings) -> None:
    """Notice for ever which phones stopped renewing, so that queues learn it without a call."""
    loop = asyncio.get_running_loop()
    while True:
        bindings.expire(loop.time())
        due = bindings.next_expiry or math.inf
        await asyncio.sleep(min(EXPIRY_CHECK_S, max(0.05, due - loop.time())))


def to_row(binding: Binding, *, now: float, at: datetime) -> KeptBinding:
    """Return ``binding`` as plain values; monotonic ``now`` is the instant ``at``."""
    return KeptBinding(
        person=binding.person,
        contact_uri=binding.contact_uri,
        transport=binding.hop.transport,
        host=binding.hop.host,
        port=binding.hop.port,
        registered_at=at + timedelta(seconds=binding.registered_at - now),
        expires_at=at + timedelta(seconds=binding.expires_at - now),
        call_id=binding.call_id,
        cseq=binding.cseq,
        user_agent=binding.user_agent,
        q=binding.q,
        instance=binding.instance,
        path=", ".join(binding.path),
        login=binding.login,
    )


def from_row(row: KeptBinding, *, now: float, at: datetime) -> Binding:
    """Return the binding that ``to_row`` made plain, its times in this process's monotonic seconds.

    A clock that is behind, as that of a machine without a battery, does not make it last longer than granted.

    Raises:
        MalformedMessage: its contact cannot be read.
        ValueError: its contact is no SIP URI.
    """
    contact_key(row.contact_uri)
    registered_at = now + min(0.0, (row.registered_at - at).total_seconds())
    granted_s = (row.expires_at - row.registered_at).total_seconds()
    return Binding(
        person=row.person,
        contact_uri=row.contact_uri,
        hop=Hop(row.transport, row.host, row.port),
        registered_at=registered_at,
        expires_at=registered_at + granted_s,
        call_id=row.call_id,
        cseq=row.cseq,
        user_agent=row.user_agent,
        q=row.q,
        instance=row.instance,
        path=tuple(Headers([("Path", row.path)]).values("Path")) if row.path else (),
        login=row.login,
    )
