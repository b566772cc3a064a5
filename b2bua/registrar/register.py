"""REGISTER as RFC 3261 §10.3 wants it: who may bind which contact to a person, for how long."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from b2bua.config.models import Person
from b2bua.errors import MalformedMessage
from b2bua.registrar.authentication import Authentication, People, Proven, Refused
from b2bua.registrar.bindings import MAX_CONTACTS, Binding, Bindings, ContactKey, contact_key
from b2bua.sip.grammar import readable
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Request
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri

MIN_EXPIRES = 60
"""Seconds; who asks for less is answered 423."""
MAX_EXPIRES = 3600
"""Seconds; who asks for more gets this."""
UNDERSTOOD = frozenset(("path",))
"""Extensions that a REGISTER may require beside those of every request (RFC 3327)."""

MAX_PROXIES = 5
"""Between us and a phone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back for a REGISTER."""

    status: int
    """SIP status."""
    reason: str | None = None
    """Reason phrase when the usual one says too little."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers beside those every response has."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One contact of a REGISTER and for how long it wants to be bound."""

    contact: NameAddr
    """As it was given."""
    key: ContactKey
    """What makes it the same contact as another."""
    expires: int
    """Seconds; at most ``MAX_EXPIRES``, 0 removes the binding."""


class Registrar:
    """Answers REGISTER requests and keeps :class:`Bindings` by them."""

    def __init__(
        self,
        *,
        people: People,
        bindings: Bindings,
        authentication: Authentication,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._people = people
        self._bindings = bindings
        self._authentication = authentication
        self._wall_clock = wall_clock

    def handle(self, server: ServerRequest) -> None:
        """Answer a REGISTER that the endpoint received."""
        now = asyncio.get_running_loop().time()
        answer = self.answer(server.request, server.source, now)
        server.respond(answer.status, answer.reason, answer.headers)

    def answer(self, request: Request, source: Hop, now: float) -> Answer:
        """Return the answer to ``request``; a 200 has changed the bindings, nothing else has."""
        if not isinstance(request.to.uri, SipUri):
            return Answer(400, "To must be a SIP address")  # RFC 3261 §10.2
        proof = self._authentication.check(request, source, now)
        if isinstance(proof, Refused):
            return Answer(proof.status, proof.reason, proof.headers)
        try:
            if self._address_of_record(request) != proof.person:
                return Answer(403, "Not Your Address of Record")
            return self._register(proof, request, source, now)
        except MalformedMessage as error:
            return Answer(error.status, error.why)

    def _address_of_record(self, request: Request) -> Person | None:
        uri = request.to.uri
        if not isinstance(uri, SipUri) or uri.user is None:
            return None
        return self._people.by_username(uri.user) or self._people.by_extension(uri.user)

    def _register(self, proof: Proven, request: Request, source: Hop, now: float) -> Answer:
        """Change all bindings the request names, or none (RFC 3261 §10.3 step 7)."""
        person = proof.person
        held = self._bindings.registered(person.name, now)
        wishes = _wishes(request)
        if any(0 < wish.expires < MIN_EXPIRES for wish in wishes):
            return Answer(423, headers=(("Min-Expires", str(MIN_EXPIRES)),))
        unwanted = {wish.key for wish in wishes if not wish.expires}
        removed = (
            _same_login(held, proof) if is_wildcard(request) else [old for old in held if old.key in unwanted]
        )
        added = [_bind(proof, wish, request, source, now) for wish in wishes if wish.expires]
        _refuse_what_comes_late(request, held, touched={binding.key for binding in (*removed, *added)})
        for binding in removed:
            self._bindings.remove(binding, now)
        for binding in added:
            self._bindings.put(binding, now)
        return self._all_contacts(person, request, now)

    def _all_contacts(self, person: Person, request: Request, now: float) -> Answer:
        held = self._bindings.registered(person.name, now)
        contacts = [("Contact", _contact_line(binding, now)) for binding in held]
        date = ("Date", format_datetime(self._wall_clock(), usegmt=True))
        knows_path = "path" in request.option_tags("Supported") | request.option_tags("Require")
        path = [("Path", value) for value in request.headers.all("Path") if knows_path]  # RFC 3327 §5.3
        return Answer(200, headers=(*contacts, *path, date))


def is_wildcard(request: Request) -> bool:
    """Whether the request asks to remove every binding by ``Contact: *`` (RFC 3261 §10.2.2).

    Raises:
        MalformedMessage: ``*`` together with other contacts, or without ``Expires: 0``.
    """
    if not any(contact.is_wildcard for contact in request.contacts):
        return False
    if len(request.contacts) > 1 or _seconds(request.headers.get("Expires")) != 0:
        raise MalformedMessage("Contact: * stands alone and with Expires: 0")
    return True


def _wishes(request: Request) -> list[Wish]:
    if is_wildcard(request):
        return []
    if len(request.contacts) > MAX_CONTACTS:
        raise MalformedMessage(f"More than {MAX_CONTACTS} contacts", status=403)
    return [_wish(contact, request) for contact in request.contacts]


def _wish(contact: NameAddr, request: Request) -> Wish:
    if not isinstance(contact.uri, SipUri):
        raise MalformedMessage("A contact must be a SIP URI")
    own = contact.parameter("expires")
    asked = _seconds(own if own is not None else request.headers.get("Expires"))
    return Wish(
        contact, contact_key(str(contact.uri)), min(MAX_EXPIRES if asked is None else asked, MAX_EXPIRES)
    )


def _seconds(text: str | None) -> int | None:
    """Return delta-seconds; ``None`` for nothing and for nonsense, which RFC 3261 §10.2.1.1 treats alike."""
    if text is None or not (text.strip().isascii() and text.strip().isdecimal()):
        return None
    return int(text.strip()[:10])


def _same_login(held: tuple[Binding, ...], proof: Proven) -> tuple[Binding, ...]:
    """Return what ``Contact: *`` means: every phone of that user name, none of a person's others."""
    return tuple(binding for binding in held if binding.login == _login(proof))


def _login(proof: Proven) -> str:
    """Return the user name where it is that of one device; empty: the person's own."""
    return proof.username if proof.username in proof.person.logins else ""


def _bind(proof: Proven, wish: Wish, request: Request, source: Hop, now: float) -> Binding:
    return Binding(
        person=proof.person.name,
        login=_login(proof),
        contact_uri=str(wish.contact.uri),
        hop=source,
        registered_at=now,
        expires_at=now + wish.expires,
        call_id=request.call_id,
        cseq=request.cseq.number,
        user_agent=readable(request.headers.get("User-Agent") or "")[:80],
        q=wish.contact.parameter("q") or "",
        instance=(wish.contact.parameter("+sip.instance") or "").strip('"'),
        knows_options="OPTIONS" in request.option_tags("Allow"),
        path=_path(request),
    )


def _path(request: Request) -> tuple[str, ...]:
    """Return the proxies that want to be on the way to the contact, the nearest to us first (RFC 3327 §5.3).

    Raises:
        MalformedMessage: one is no SIP address, or there are more than requests can carry.
    """
    proxies = [NameAddr.parse(value) for value in request.headers.values("Path")]
    if len(proxies) > MAX_PROXIES or not all(isinstance(proxy.uri, SipUri) for proxy in proxies):
        raise MalformedMessage("Path must be of SIP addresses, and short")
    return tuple(map(str, proxies))


def _refuse_what_comes_late(request: Request, held: tuple[Binding, ...], touched: set[ContactKey]) -> None:
    """Raise for a REGISTER that an earlier one of the same Call-ID has overtaken (RFC 3261 §10.3 step 7)."""
    for binding in held:
        is_same_dialogue = binding.call_id == request.call_id
        if binding.key in touched and is_same_dialogue and request.cseq.number <= binding.cseq:
            raise MalformedMessage("CSeq Out of Order", status=500)


def _contact_line(binding: Binding, now: float) -> str:
    seconds = math.ceil(
        round(binding.expires_at - now, 3)
    )  # what floats add would be a second more than asked
    q = f";q={binding.q}" if binding.q else ""
    instance = f';+sip.instance="{binding.instance}"' if binding.instance else ""
    return f"<{binding.contact_uri}>;expires={seconds}{q}{instance}"
