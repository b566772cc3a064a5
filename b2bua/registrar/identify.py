"""Who sent this call: a phone of ours, a trunk, or a stranger."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from b2bua.config.models import Person, Trunk
from b2bua.errors import MalformedMessage
from b2bua.registrar.authentication import Authentication, People, Refused
from b2bua.registrar.bindings import Bindings
from b2bua.sip.grammar import readable
from b2bua.sip.message import Request
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, TelUri, Uri

log = logging.getLogger(__name__)

QUIET_S = 60.0
"""A stranger is mentioned in the log once in that time."""
MAX_STRANGERS = 1000
"""Strangers remembered for it."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One of our people, proven by digest."""

    person: Person
    """Who."""


@dataclass(frozen=True, slots=True)
class TrunkCaller:
    """Somebody outside, through a trunk."""

    trunk: Trunk
    """Which one."""
    dialled: Uri
    """What the caller dialled: the request-URI, or To where the request-URI is our registered contact."""


@dataclass(frozen=True, slots=True)
class NeedsAuth:
    """Perhaps a phone: it has to prove it, or has failed to too often."""

    status: int
    """What to answer: 401, or 403 after too many wrong passwords."""
    reason: str | None
    """Reason phrase."""
    headers: tuple[tuple[str, str], ...]
    """The challenges."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Nobody we know: 403."""

    source: Hop
    """Where it came from."""


Identity = Phone | TrunkCaller | NeedsAuth | Stranger


class RegisteredTrunk(Protocol):
    """What a registration with a provider tells about calls that come from there."""

    @property
    def trunk(self) -> Trunk:
        """The trunk that is registered."""

    @property
    def contact_token(self) -> str:
        """User part of the contact we gave to the provider and nobody else."""

    @property
    def addresses(self) -> frozenset[str]:
        """IP addresses of the provider."""


class Identifier:
    """Tells phones, trunks and strangers apart.

    Phones come first: a call over the flow of a registered phone is challenged even when a trunk accepts that
    address (phone and provider behind one NAT, or both on 127.0.0.1), unless it is that of a proxy by which
    phones come, and nobody of ours calls. Then trunks. Then whoever claims to be one of us is challenged. The
    rest are strangers.
    """

    def __init__(
        self,
        *,
        people: People,
        bindings: Bindings,
        authentication: Authentication,
        trunks: Iterable[Trunk],
        registrations: Iterable[RegisteredTrunk] = (),
    ) -> None:
        self._people = people
        self._bindings = bindings
        self._authentication = authentication
        self._trunks = tuple(trunks)
        self._registrations = tuple(registrations)
        self._mentioned: OrderedDict[str, float] = OrderedDict()

    def identify(self, request: Request, source: Hop, now: float) -> Identity:
        """Return who sent ``request``.

        Raises:
            MalformedMessage: From, To or request-URI cannot be read.
        """
        is_known, is_claimed = self._bindings.has_flow(source, now), self._claims_to_be_ours(request)
        if is_known and (is_claimed or not self._bindings.has_proxy(source, now)):
            return self._phone(request, source, now)
        caller = self._trunk_caller(request, source)
        if caller is not None:
            return caller
        if is_known or is_claimed:
            return self._phone(request, source, now)
        self._mention(request, source, now)
        return Stranger(source)

    def _phone(self, request: Request, source: Hop, now: float) -> Phone | NeedsAuth:
        proof = self._authentication.check(request, source, now)
        if isinstance(proof, Refused):
            return NeedsAuth(proof.status, proof.reason, proof.headers)
        return Phone(proof.person)

    def _trunk_caller(self, request: Request, source: Hop) -> TrunkCaller | None:
        for registration in self._registrations:
            if _is_called(request.target, registration.contact_token):
                return TrunkCaller(registration.trunk, _dialled(request, registration))
        trunk = self._trunk_at(source)
        return TrunkCaller(trunk, request.target) if trunk else None

    def _trunk_at(self, source: Hop) -> Trunk | None:
        """Return the trunk that accepts calls from the address, the one with the smallest network first."""
        address = _address(source.host)
        accepting = [
            (network.prefixlen, trunk)
            for trunk in self._trunks
            for network in trunk.accepts_from
            if address in network
        ]
        if accepting:
            return max(accepting, key=lambda choice: choice[0])[1]
        registered = (one.trunk for one in self._registrations if str(address) in one.addresses)
        return next(registered, None)

    def _claims_to_be_ours(self, request: Request) -> bool:
        uri = request.from_.uri
        user = uri.user if isinstance(uri, SipUri) else uri.number if isinstance(uri, TelUri) else None
        return bool(user and (self._people.by_username(user) or self._people.by_extension(user)))

    def _mention(self, request: Request, source: Hop, now: float) -> None:
        """Log a stranger, once in ``QUIET_S``; a scan from many addresses does not fill the memory."""
        last = self._mentioned.get(source.host)
        if last is not None and now - last < QUIET_S:
            return
        self._mentioned[source.host] = now
        self._mentioned.move_to_end(source.host)
        if len(self._mentioned) > MAX_STRANGERS:
            self._mentioned.popitem(last=False)
        uri = readable(request.uri)[:80]
        log.warning("refused a call from %s, which is no trunk and no phone, to %s", source, uri)


@lru_cache(maxsize=1024)
def _address(host: str) -> IPv4Address | IPv6Address:
    """Return the address that configurations write: without a zone, IPv4 as such."""
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _dialled(request: Request, registration: RegisteredTrunk) -> Uri:
    """Return which of our numbers was called; our account, where the provider names but our contact.

    To may still be whom the caller dialled, when others forwarded the call to us: P-Called-Party-ID is what
    the provider's network found to be called last (RFC 7315 §4.2).
    """
    account = registration.trunk.username
    to = _called_party(request, account) or request.to.uri
    if account and isinstance(to, SipUri) and to.user == registration.contact_token:
        return replace(to, user=account)
    return to


def _called_party(request: Request, account: str | None) -> Uri | None:
    """Return whom P-Called-Party-ID names; None: nobody, or but our account, as of whatever number."""
    try:
        parties = request.addresses("P-Called-Party-ID")
    except MalformedMessage:
        return None
    uri = parties[0].uri if parties else None
    if isinstance(uri, SipUri) and uri.user in (None, "", account):
        return None
    return uri if isinstance(uri, TelUri | SipUri) else None


def _is_called(target: Uri, token: str) -> bool:
    """Whether the request-URI is the contact that carries ``token``, as user or as a parameter's value."""
    if not isinstance(target, SipUri):
        return False
    return target.user == token or any(value == token for _, value in target.parameters)
