"""From a URI to the addresses to try, in order (RFC 3263)."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
from collections.abc import Awaitable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from b2bua.errors import Unavailable
from b2bua.sip.dead_targets import DeadTargets
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri

if TYPE_CHECKING:
    from b2bua.sip.nameservers import Nameservers, Srv

Found = TypeVar("Found")

DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061
DEFAULT_PORTS = {"tls": DEFAULT_TLS_PORT, "ws": 80, "wss": 443}

SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls", "SIP+D2W": "ws", "SIPS+D2W": "wss"}
"""What a NAPTR record may offer (RFC 3263 §4.1, RFC 7118 §5.1)."""
SRV_NAMES = {
    "udp": "_sip._udp",
    "tcp": "_sip._tcp",
    "tls": "_sips._tcp",
    "ws": "_sip._ws",
    "wss": "_sips._ws",
}
SECURE = ("tls", "wss")
SOON_S = 0.7
"""So long a caller waits for DNS: where that is silent, the next step begins within a second (row F13)."""
SERVICE_PATIENCE_S = 0.3
"""So long NAPTR and SRV are waited for when the addresses are known: some routers drop such questions."""
SILENCE_S = 5.0
"""So long nobody waits again for a name that was not found soon enough."""
FOUND_LIFETIME_S = 86400.0
"""Servers that were found this long ago are called while DNS is silent (RFC 8767 §5)."""
MOST_FOUND = 1024


def is_literal(host: str) -> bool:
    """Return whether ``host`` is an IP address rather than a name."""
    return _literal(host) is not None


@lru_cache(maxsize=1024)
def _literal(host: str) -> str | None:
    """Return an IP address as it is usually written; None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def transport_of(uri: SipUri) -> str:
    """Return the transport that ``uri`` asks for; UDP where it does not say (RFC 3263 §4.1)."""
    transport = (uri.parameter("transport") or "").lower()
    if uri.is_secure:
        return "wss" if transport in ("ws", "wss") else "tls"
    return transport or "udp"


def literal_hop(uri: Uri) -> Hop | None:
    """Return where ``uri`` points when it needs no lookup, else None."""
    if not isinstance(uri, SipUri):
        return None
    address = _literal(uri.host)
    return None if address is None else Hop(transport_of(uri), address, _port(uri))


@dataclass(frozen=True, slots=True)
class _Service:
    """One way to reach a domain: a transport and the name of its SRV records."""

    transport: str
    """``udp``, ``tcp``..."""
    name: str
    """``_sip._udp.example.org``."""


_Server: TypeAlias = "tuple[_Service, Srv]"


class Resolver:
    """Finds the servers of a domain; those that failed lately come last."""

    def __init__(
        self,
        nameservers: Sequence[tuple[str, int]] = (),
        *,
        transports: Collection[str] = ("udp", "tcp"),
        dead_targets: DeadTargets | None = None,
        random: Random | None = None,
    ) -> None:
        """``transports`` are those we have, best first; no ``nameservers``: the system's."""
        self._servers = tuple(nameservers)
        self._asked: Nameservers | None = None
        self._transports = tuple(transports)
        self._dead = dead_targets or DeadTargets()
        self._random = random or Random()
        self._found: dict[Uri, tuple[float, list[Hop]]] = {}
        self._silent_until: dict[Uri, float] = {}

    async def resolve_soon(self, uri: Uri) -> list[Hop]:
        """Return the hops of ``uri`` within ``SOON_S``: if DNS is slower, those that were found last.

        The questions go on meanwhile, so that the next caller has the answer.

        Raises:
            Unavailable: as ``resolve``, or DNS is silent and the name was never found before.
        """
        loop = asyncio.get_running_loop()
        if loop.time() >= self._silent_until.get(uri, 0.0):
            try:
                async with asyncio.timeout(SOON_S):
                    return await self.resolve(uri)
            except TimeoutError:
                _keep(self._silent_until, uri, loop.time() + SILENCE_S)
        hops = self.last_found(uri)
        if not hops:
            raise Unavailable(f"{_host(uri)} does not resolve: DNS does not answer in time")
        return self._dead.last(hops, now=loop.time())

    def last_found(self, uri: Uri) -> list[Hop]:
        """Return the hops that were found last, if that is not too long ago; asks nobody."""
        found_at, hops = self._found.get(uri, (0.0, []))
        is_recent = asyncio.get_running_loop().time() <= found_at + FOUND_LIFETIME_S
        return hops if is_recent else []

    async def resolve(self, uri: Uri) -> list[Hop]:
        """Return the hops of ``uri``, best first; at least one.

        Raises:
            Unavailable: the name does not resolve, its domain has no such service, or ``uri`` is no SIP URI.
        """
        if not isinstance(uri, SipUri):
            raise Unavailable(f"{uri} names no SIP address")
        literal = literal_hop(uri)
        if literal is not None:
            return [literal]
        hops = await self._find(uri)
        now = asyncio.get_running_loop().time()
        _keep(self._found, uri, (now, hops))
        self._silent_until.pop(uri, None)
        return self._dead.last(hops, now=now)

    async def _find(self, uri: SipUri) -> list[Hop]:
        if uri.port is not None or "." not in uri.host:  # a name without a domain has no services
            return await self._plain(uri)
        async with asyncio.TaskGroup() as group:
            servers = group.create_task(_or_failure(self._named_servers(uri)))
            plain = group.create_task(_or_failure(self._plain(uri)))
            await asyncio.wait((servers, plain), return_when=asyncio.FIRST_COMPLETED)
            if not servers.done():
                await asyncio.wait((servers,), timeout=SERVICE_PATIENCE_S if _is_found(plain) else None)
            found = servers.result() if servers.done() else self.last_found(uri)
            found = found or await plain
            servers.cancel()
            plain.cancel()
        if isinstance(found, Unavailable):
            raise found
        return await self._at_servers(uri, found) if isinstance(found, tuple) else found

    async def _plain(self, uri: SipUri) -> list[Hop]:
        """Return the addresses of the name itself."""
        return await self._at(uri.host, _port(uri), transport_of(uri), uri.host)

    async def _named_servers(self, uri: SipUri) -> tuple[_Server, ...]:
        """Return the servers that DNS names for the domain, in order; none: it names no services.

        Raises:
            Unavailable: it decidedly has no such service.
        """
        services = await self._services(uri)
        served_by = await asyncio.gather(*(self._names.srv(service.name) for service in services))
        servers = zip(services, served_by, strict=True)
        ordered = [(service, one) for service, found in servers for one in self._in_order(found)]
        usable = tuple((service, one) for service, one in ordered if one.target)
        if ordered and not usable:
            raise Unavailable(f"{uri.host} says that it has no such service")
        return usable

    async def _at_servers(self, uri: SipUri, servers: Iterable[_Server]) -> list[Hop]:
        return _those_found(
            await asyncio.gather(
                *(self._at(one.target, one.port, service.transport, uri.host) for service, one in servers),
                return_exceptions=True,
            )
        )

    async def _services(self, uri: SipUri) -> list[_Service]:
        """Return the ways to reach the domain, best first: by the URI, by NAPTR, by what we have (§4.1)."""
        if uri.parameter("transport"):
            return _usual_services(uri, [transport_of(uri)])
        ways = [way for way in self._transports if self._may_use(way, uri)] or [transport_of(uri)]
        usual = _usual_services(uri, ways)
        # All at once, as most domains have no NAPTR: the answers about SRV are kept for whoever asks next.
        records, _ = await asyncio.gather(
            self._names.naptr(uri.host),
            asyncio.gather(*(self._names.srv(service.name) for service in usual)),
        )
        offered = [(SERVICES.get(record.service, ""), record.replacement) for record in records]
        return [_Service(way, name) for way, name in offered if self._may_use(way, uri)] or usual

    def _may_use(self, transport: str, uri: SipUri) -> bool:
        return transport in self._transports and (transport in SECURE or not uri.is_secure)

    @property
    def _names(self) -> Nameservers:
        if self._asked is None:
            # Imported late: 0.1 s that an office with addresses only never needs.
            from b2bua.sip.nameservers import Nameservers

            self._asked = Nameservers(self._servers)
        return self._asked

    async def _at(self, host: str, port: int, transport: str, name: str) -> list[Hop]:
        addresses = (host,) if is_literal(host) else await self._names.addresses(host)
        return [Hop(transport, address, port, name) for address in addresses]

    def _in_order(self, servers: Iterable[Srv]) -> list[Srv]:
        """Return servers by priority, among equals drawn by weight (RFC 2782)."""
        ordered: list[Srv] = []
        by_priority = sorted(servers, key=lambda server: (server.priority, server.weight > 0))
        for _, equals in itertools.groupby(by_priority, key=lambda server: server.priority):
            left = list(equals)  # weight 0 stands first: a draw of 0 gives it its small chance
            while left:
                drawn = self._random.randint(0, sum(server.weight for server in left))
                sums = itertools.accumulate(server.weight for server in left)
                ordered.append(left.pop(next(index for index, total in enumerate(sums) if total >= drawn)))
        return ordered


async def resolve(uri: Uri) -> list[Hop]:
    """Return the hops of ``uri`` as the system's nameservers know them, without memory.

    Raises:
        Unavailable: as ``Resolver.resolve``.
    """
    return await Resolver().resolve(uri)


def _usual_services(uri: SipUri, ways: Iterable[str]) -> list[_Service]:
    """Return the names under which a domain has its servers where no NAPTR says otherwise."""
    return [_Service(way, f"{SRV_NAMES[way]}.{uri.host}") for way in ways if way in SRV_NAMES]


async def _or_failure(finding: Awaitable[Found]) -> Found | Unavailable:
    try:
        return await finding
    except Unavailable as error:
        return error


def _is_found(plain: asyncio.Task[list[Hop] | Unavailable]) -> bool:
    return plain.done() and not isinstance(plain.result(), Unavailable)


def _keep(kept: dict[Uri, Found], uri: Uri, value: Found) -> None:
    """Keep the latest ``MOST_FOUND``."""
    kept.pop(uri, None)
    if len(kept) >= MOST_FOUND:
        del kept[next(iter(kept))]
    kept[uri] = value


def _host(uri: Uri) -> str:
    return uri.host if isinstance(uri, SipUri) else str(uri)


def _port(uri: SipUri) -> int:
    if uri.port is not None:
        return uri.port
    return DEFAULT_PORTS.get(transport_of(uri), DEFAULT_PORT)


def _those_found(found: Iterable[list[Hop] | BaseException]) -> list[Hop]:
    """Return the hops of those servers whose names resolve, each once.

    Raises:
        Unavailable: none does.
    """
    hops: dict[Hop, None] = {}
    failure: BaseException | None = None
    for result in found:
        if isinstance(result, BaseException):
            failure = result
        else:
            hops |= dict.fromkeys(result)
    if not hops and failure is not None:
        raise failure
    return list(hops)
