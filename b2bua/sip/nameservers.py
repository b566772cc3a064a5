"""Asking DNS: answers are kept for as long as they hold, old ones beat none (RFC 1035, RFC 8767)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from b2bua.errors import Unavailable

LOOKUP_TIMEOUT_S = 5.0
"""For addresses: without them there is no call."""
SERVICE_TIMEOUT_S = 2.0
"""For NAPTR and SRV, which most domains lack: some routers drop such questions, and a caller waits."""
TRY_TIMEOUT_S = 1.0
"""Then the question is repeated, to the next server if there is one."""
LONGEST_LIFETIME_S = 3600.0
UNKNOWN_LIFETIME_S = 30.0
"""Of what the system's own resolver says, which tells no lifetime, and of "there is none"."""
STALE_LIFETIME_S = 86400.0
"""An answer this old is used while DNS is silent (RFC 8767 §5)."""
MOST_ANSWERS = 4096


@dataclass(frozen=True, slots=True)
class Naptr:
    """A service that a domain offers (RFC 3403 §4)."""

    order: int
    """Lower first."""
    preference: int
    """Lower first among equal orders."""
    service: str
    """``SIP+D2U`` and the like, in capitals."""
    replacement: str
    """The name whose SRV records serve it."""


@dataclass(frozen=True, slots=True)
class Srv:
    """A server of a service (RFC 2782)."""

    priority: int
    """Lower first."""
    weight: int
    """Share among equal priorities."""
    port: int
    """Where it listens."""
    target: str
    """Its name; ``""``: the service is decidedly not available here."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was answered to one question."""

    records: tuple[Any, ...]
    """Naptr, Srv or address texts; empty: there are none."""
    expires_at: float
    """Loop time until which it holds."""


class Nameservers:
    """Those of the configuration, else the system's; one cache for all questions."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        """``servers`` are addresses and ports; none: those of the system, which also knows its hosts file."""
        self._servers = tuple(servers)
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[tuple[Any, ...]]] = {}
        """Questions under way. They go on when whoever asked waits no longer: the next one has the answer."""

    async def naptr(self, domain: str) -> tuple[Naptr, ...]:
        """Return what ``domain`` offers, best first; empty where DNS does not say."""
        records = await self._ask_or_none(domain, "NAPTR")
        return tuple(sorted(records, key=lambda record: (record.order, record.preference)))

    async def srv(self, name: str) -> tuple[Srv, ...]:
        """Return the servers of ``_sip._udp.domain`` and the like; empty where DNS does not say."""
        return await self._ask_or_none(name, "SRV")

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return the IP addresses of ``host``, best first.

        Raises:
            Unavailable: it has none, or DNS does not answer.
        """
        if not self._servers or "." not in host:  # the hosts file knows names that no domain has
            return await self._ask(host, "HOST")
        sixes, fours = await asyncio.gather(self._ask_or_none(host, "AAAA"), self._ask_or_none(host, "A"))
        if not sixes and not fours:
            raise Unavailable(f"{host} does not resolve: it has no address, or DNS does not answer")
        return (*sixes, *fours)

    async def _ask_or_none(self, name: str, kind: str) -> tuple[Any, ...]:
        try:
            return await self._ask(name, kind)
        except Unavailable:
            return ()

    async def _ask(self, name: str, kind: str) -> tuple[Any, ...]:
        key = name, kind
        known = self._answers.get(key)
        if known is not None and asyncio.get_running_loop().time() < known.expires_at:
            return known.records
        asking = self._asking.get(key)
        if asking is None:  # in no group: it ends by its own time limit, and whoever waits for it hears how
            asking = self._asking[key] = asyncio.ensure_future(self._ask_anew(name, kind, known))
            asking.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(asking)

    def _asked(self, key: tuple[str, str], asking: asyncio.Task[tuple[Any, ...]]) -> None:
        self._asking.pop(key, None)
        if not asking.cancelled():
            asking.exception()  # perhaps nobody waits any more: that is no accident

    async def _ask_anew(self, name: str, kind: str, known: _Answer | None) -> tuple[Any, ...]:
        now = asyncio.get_running_loop().time()
        try:
            records, lifetime_s = await (_ask_system(name) if kind == "HOST" else self._query(name, kind))
        except Unavailable:
            if known is not None and known.records and now <= known.expires_at + STALE_LIFETIME_S:
                records, lifetime_s = known.records, UNKNOWN_LIFETIME_S
            elif kind in ("NAPTR", "SRV"):  # not every caller is to wait for what most domains lack
                records, lifetime_s = (), UNKNOWN_LIFETIME_S
            else:
                raise
        self._keep(name, kind, records, lifetime_s)
        return records

    def _keep(self, name: str, kind: str, records: tuple[Any, ...], lifetime_s: float) -> None:
        if len(self._answers) >= MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers.pop((name, kind), None)
        expires_at = asyncio.get_running_loop().time() + lifetime_s
        self._answers[name, kind] = _Answer(records, expires_at)

    async def _query(self, name: str, kind: str) -> tuple[tuple[Any, ...], float]:
        """Return records and lifetime, from DNS itself.

        Raises:
            Unavailable: no server answers.
        """
        try:
            resolver = await self._ready()
            lifetime_s = LOOKUP_TIMEOUT_S if kind in ("A", "AAAA") else SERVICE_TIMEOUT_S
            answer = await resolver.resolve(
                dns.name.from_text(name), kind, lifetime=lifetime_s, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return (), UNKNOWN_LIFETIME_S
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise Unavailable(f"{name} does not resolve: DNS does not answer") from error
        if answer.rrset is None:
            return (), UNKNOWN_LIFETIME_S
        return tuple(_record(kind, rdata) for rdata in answer.rrset), min(
            answer.rrset.ttl, LONGEST_LIFETIME_S
        )

    async def _ready(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            resolver = await asyncio.to_thread(dns.asyncresolver.Resolver, configure=not self._servers)
            if self._servers:
                resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._servers]
            resolver.timeout = TRY_TIMEOUT_S
            self._resolver = resolver
        return self._resolver


def _record(kind: str, rdata: Any) -> Naptr | Srv | str:
    match kind:
        case "NAPTR":
            service = rdata.service.decode("ascii", "replace").upper()
            # Only the flag "s" is SIP's (RFC 3263 §4.1); what has another one serves something else.
            service = service if rdata.flags.lower() == b"s" else ""
            return Naptr(rdata.order, rdata.preference, service, _text(rdata.replacement))
        case "SRV":
            return Srv(rdata.priority, rdata.weight, rdata.port, _text(rdata.target))
        case _:
            return str(rdata.address)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).removesuffix(".")


async def _ask_system(host: str) -> tuple[tuple[str, ...], float]:
    """Return addresses in the system's order of preference (RFC 6724), its hosts file included.

    Raises:
        Unavailable: it has none, or DNS does not answer.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT_S):
            records = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: no possible name, e.g. "a..b"
        raise Unavailable(f"{host} does not resolve: {str(error) or 'DNS does not answer'}") from error
    return tuple(dict.fromkeys(str(record[4][0]) for record in records)), UNKNOWN_LIFETIME_S
