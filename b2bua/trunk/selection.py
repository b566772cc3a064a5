"""Which trunk carries a call to an outside number, and what its INVITE looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from b2bua.config.models import Trunk
from b2bua.config.values import split_address
from b2bua.errors import Unavailable
from b2bua.routing.numbers import is_emergency
from b2bua.sip.digest import Credentials
from b2bua.sip.headers import NameAddr
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri
from b2bua.trunk.callerid import Caller, CallerIdentity, CallerIdPolicy, identify_caller
from b2bua.trunk.channels import Channels
from b2bua.trunk.service_route import first_proxy

Resolve = Callable[[Uri], Awaitable[list[Hop]]]
"""Finds the addresses of a server, best first; raises Unavailable."""


@dataclass(frozen=True, slots=True)
class OutboundRoute:
    """One way to place one call."""

    trunk: Trunk
    """The trunk it goes through."""
    number: str
    """Whom it calls."""
    caller: Caller
    """On whose behalf."""
    policy: CallerIdPolicy
    """Which number it shows."""
    service_route: tuple[str, ...] = ()
    """The proxies by which the registrar wants it to go (RFC 3608)."""
    is_urgent: bool = False
    """It calls the police or an ambulance: it is tried whatever is known of the trunk."""

    @property
    def channels(self) -> int | None:
        """How many calls the trunk may carry with this one; None: any number."""
        return None if self.is_urgent else self.trunk.channels

    @property
    def uri(self) -> str:
        """The request-URI: ``sip:+48600100200@sip.provider.example``."""
        return str(_call_uri(self.trunk, self.number))

    @property
    def next_hops(self) -> tuple[SipUri, ...]:
        """What to resolve for the address that the INVITE is sent to: the first that resolves counts."""
        return next_hops(self.trunk, self.service_route)

    @property
    def from_(self) -> NameAddr:
        """The From header, without a tag."""
        return self._identity.from_

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What else the INVITE says about the caller."""
        return (*routed(self.service_route), *self._identity.headers)

    @property
    def credentials(self) -> Credentials | None:
        """What answers the provider's challenge."""
        return credentials(self.trunk)

    def after_refusal(self, status: int) -> OutboundRoute | None:
        """Return the route to try next: a 403 for a foreign number is answered by showing our own one."""
        if status != 403 or self.policy is CallerIdPolicy.OWN:
            return None
        return replace(self, policy=CallerIdPolicy.OWN)

    @property
    def _identity(self) -> CallerIdentity:
        return identify_caller(
            self.caller,
            own_number=own_number(self.trunk, self.caller),
            domain=account_domain(self.trunk),
            target=self.number,
            policy=self.policy,
        )


def own_number(trunk: Trunk, caller: Caller) -> str:
    """Return our number toward ``trunk``: the configured one, the one the caller dialled, or the account."""
    return trunk.number or caller.dialled or trunk.username or "anonymous"


class TrunkSelection:
    """Chooses among the trunks that place calls: the default one first, then in the configuration's order."""

    def __init__(
        self,
        trunks: Iterable[Trunk],
        *,
        default: str | None = None,
        channels: Channels | None = None,
        is_usable: Callable[[str], bool] | None = None,
        current: Callable[[Trunk], Trunk] = lambda trunk: trunk,
        is_spent: Callable[[str, str], str | None] = lambda _trunk, _number: None,
        service_route: Callable[[str], tuple[str, ...]] = lambda _: (),
        country: str = "",
    ) -> None:
        """``is_usable`` says whether a trunk is up, e.g. registered where it has to; None: all are.

        ``is_spent`` says why nothing may be paid for a call through a trunk to a number, None where it may.

        ``current`` returns the trunk with the registrar that has us at the moment, ``service_route`` the
        proxies by which that one wants our requests to go. ``country`` is the one whose emergency numbers are
        called even where no trunk seems to be free.
        """
        able = [trunk for trunk in trunks if trunk.places_calls]
        self._trunks = sorted(able, key=lambda trunk: trunk.name != default)
        self._channels = channels or Channels()
        self._is_usable = is_usable
        self._current = current
        self._is_spent = is_spent
        self._service_route = service_route
        self._country = country

    def route(self, number: str, caller: Caller, *, shows: str | None = None) -> OutboundRoute:
        """Return the route of a call to ``number``; ``shows`` stands in place of the trunk's ``caller-id``.

        Raises:
            Unavailable: no trunk places calls, or each is down, full or has cost enough today; it says which.
        """
        obstacles: list[str] = []
        for trunk in self._trunks:
            obstacle = self._obstacle(trunk, number)
            if obstacle is None:
                return self._through(trunk, number, caller, shows)
            obstacles.append(obstacle)
        if self._trunks and is_emergency(number, country=self._country):
            best = min(self._trunks, key=lambda trunk: not self._is_up(trunk))
            return replace(self._through(best, number, caller, shows), is_urgent=True)
        raise Unavailable("; ".join(obstacles) or "no trunk is configured for calls to outside numbers")

    def _through(self, trunk: Trunk, number: str, caller: Caller, shows: str | None) -> OutboundRoute:
        policy = CallerIdPolicy(shows or trunk.caller_id)
        return OutboundRoute(self._current(trunk), number, caller, policy, self.service_route(trunk))

    def service_route(self, trunk: Trunk) -> tuple[str, ...]:
        """Return by which proxies requests through ``trunk`` go; none where its calls have their own host."""
        return () if trunk.host else self._service_route(trunk.name)

    def account_at(self, uri: Uri) -> Trunk | None:
        """Return the trunk at whose server ``uri`` is: we call there with its account (row F10).

        Raises:
            Unavailable: it is down, full or has cost enough today.
        """
        trunk = next((trunk for trunk in self._trunks if _is_at(uri, trunk)), None)
        user = uri.user_text if isinstance(uri, SipUri) else ""
        obstacle = self._obstacle(trunk, user) if trunk is not None else None
        if obstacle is not None:
            raise Unavailable(obstacle)
        return trunk

    def _is_up(self, trunk: Trunk) -> bool:
        return self._is_usable is None or self._is_usable(trunk.name)

    def _obstacle(self, trunk: Trunk, number: str) -> str | None:
        if not self._is_up(trunk):
            return f"trunk {trunk.name} is down"
        if trunk.channels is not None and self._channels.in_use(trunk.name) >= trunk.channels:
            return f"all {trunk.channels} channels of trunk {trunk.name} are in use"
        return self._is_spent(trunk.name, number)


def credentials(trunk: Trunk) -> Credentials | None:
    """Return what answers challenges of ``trunk``, None where it has no account."""
    if not (trunk.username and trunk.password):
        return None
    return Credentials(trunk.username, trunk.password, trunk.realm)


def _is_at(uri: Uri, trunk: Trunk) -> bool:
    """Whether ``uri`` names the trunk's server; a port that one of them leaves open is any."""
    server = _call_uri(trunk, None)
    if not isinstance(uri, SipUri) or uri.host.lower() != server.host.lower():
        return False
    return uri.port is None or server.port is None or uri.port == server.port


def next_hop(trunk: Trunk) -> SipUri:
    """Return what to resolve for the address that requests to ``trunk`` are sent to."""
    proxy = trunk.outbound_proxy
    return address_uri(proxy, trunk) if proxy else _call_uri(trunk, None)


def next_hops(trunk: Trunk, service_route: tuple[str, ...]) -> tuple[SipUri, ...]:
    """Return what to resolve, best first: our proxy, or the registrar's.

    A proxy of theirs that only their network knows is reached by way of the registrar.
    """
    usual = next_hop(trunk)
    if trunk.outbound_proxy or not service_route:
        return (usual,)
    return first_proxy(service_route, trunk.transport), usual


def routed(service_route: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the Route headers of a request that goes by ``service_route`` (RFC 3608 §6.1)."""
    return tuple(("Route", proxy) for proxy in service_route)


def account_domain(trunk: Trunk) -> str:
    """Return the domain that our account with ``trunk`` lives in: that of From and To."""
    return split_address(trunk.registrar or trunk.host or "", default_port=0)[0]


def address_uri(address: str, trunk: Trunk, *, port: int | None = None) -> SipUri:
    """Return the URI of ``host`` or ``host:port`` over the trunk's transport.

    A port that nobody gave stays open, for it would forbid the look-up of SRV records (RFC 3263 §4.1).
    """
    host, given = split_address(address, default_port=0)
    parameters = () if trunk.transport == "udp" else (("transport", trunk.transport),)
    return SipUri(None, host, port=port or given or None, parameters=parameters)


def _call_uri(trunk: Trunk, number: str | None) -> SipUri:
    return address_uri(trunk.host or trunk.registrar or "", trunk, port=trunk.port).with_(user=number)
