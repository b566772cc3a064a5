"""Proof by digest that a request comes from one of our people (RFC 3261 §22, RFC 7616, RFC 8760)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from b2bua.config.models import Person
from b2bua.errors import MalformedMessage
from b2bua.registrar.attempts import FailedAttempts
from b2bua.sip.digest import Authorization, Challenge, verify
from b2bua.sip.grammar import readable
from b2bua.sip.message import Request
from b2bua.sip.nonces import NonceIssuer
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, TelUri, Uri, parse_uri

log = logging.getLogger(__name__)

COMPATIBLE = ("MD5",)
"""What every phone can answer. One that does not know SHA-256 often fails on a second challenge that names it
instead of skipping it (RFC 8760 §2.4): baresip 1.0, SIPp 3.6."""
STRONG = ("SHA-256", "MD5")
"""For offices whose phones are up to date: the client takes the first it knows."""
NOBODYS_PASSWORD = secrets.token_hex(16)
"""Checked for user names that do not exist, so that they take as long as those that do."""


class People(Protocol):
    """Whom phones can belong to."""

    def by_username(self, username: str) -> Person | None:
        """Return whose phones use ``username``."""

    def by_extension(self, extension: str) -> Person | None:
        """Return whose extension it is."""


@dataclass(frozen=True, slots=True)
class Proven:
    """The request carries the right password."""

    person: Person
    """Whose it is."""
    username: str
    """With which user name."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request proves nothing yet, or comes from where too many wrong passwords came from."""

    status: int
    """401 with challenges, 403, or 400 for a proof that was made for another address."""
    reason: str | None = None
    """Reason phrase when the usual one says too little."""
    headers: tuple[tuple[str, str], ...] = ()
    """One WWW-Authenticate per algorithm, the stronger first."""


class Authentication:
    """Challenges requests and checks the answers.

    An unknown user name is answered as a wrong password is. A source that fails too often is refused unheard
    for a while, except over the flow of a phone that has registered: one phone with a wrong password does not
    lock out the office behind the same address.
    """

    def __init__(
        self,
        *,
        people: People,
        realm: str,
        nonces: NonceIssuer,
        is_known_flow: Callable[[Hop, float], bool],
        attempts: FailedAttempts | None = None,
        algorithms: tuple[str, ...] = COMPATIBLE,
        has_left: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """``algorithms`` are offered in this order; an answer by any that we know is accepted.

        ``has_left`` says of which user names nobody's phones may use any more: they are told so, and their
        tries do not count against the address, behind which other phones are.
        """
        self._people = people
        self._realm = realm
        self._nonces = nonces
        self._is_known_flow = is_known_flow
        self._attempts = attempts or FailedAttempts()
        self._algorithms = algorithms
        self._has_left = has_left

    def check(self, request: Request, source: Hop, now: float) -> Proven | Refused:
        """Return who sent ``request``, or what to answer it with."""
        if self._attempts.is_blocked(source.host, now) and not self._is_known_flow(source, now):
            return Refused(403, "Too Many Wrong Passwords")
        claim = self._claim(request)
        if claim is None:
            return self._challenge(now)
        if self._has_left(claim.username):
            return Refused(403, "No Longer Known")
        person = self._people.by_username(claim.username)
        password = person.password_of(claim.username) if person else None
        is_right = verify(claim, request.method, password=password or NOBODYS_PASSWORD, body=request.body)
        if person is None or password is None or not is_right:
            return self._note_failure(claim, source, now)
        if not _is_made_for(request, claim):
            return Refused(400, "Digest Is for Another Address")
        if self._nonces.check(claim.nonce, now, nc=claim.nc) != "fresh":
            return self._challenge(now, is_stale=True)
        return Proven(person, claim.username)

    def _claim(self, request: Request) -> Authorization | None:
        """Return the credentials for our realm; ones we cannot read are none."""
        for text in request.headers.all("Authorization"):
            try:
                claim = Authorization.parse(text)
            except MalformedMessage:
                continue
            if claim.realm == self._realm:
                return claim
        return None

    def _note_failure(self, claim: Authorization, source: Hop, now: float) -> Refused:
        name = readable(claim.username)[:40]
        log.warning("wrong user name or password for %s from %s", name, source)
        if self._attempts.note(source.host, now):
            log.warning("%s gave too many wrong passwords and is refused for a while", source.host)
        return self._challenge(now)

    def _challenge(self, now: float, *, is_stale: bool = False) -> Refused:
        nonce = self._nonces.issue(now)
        challenges = (
            Challenge(self._realm, nonce, algorithm=algorithm, is_stale=is_stale)
            for algorithm in self._algorithms
        )
        return Refused(401, headers=tuple(("WWW-Authenticate", str(challenge)) for challenge in challenges))


def _is_made_for(request: Request, claim: Authorization) -> bool:
    """Return whether the proof was made for whom ``request`` is sent to (RFC 7616 §3.4.6, RFC 3261 §22.4).

    Whoever overhears one, and is faster than the phone, is not to call whom they like with it. But a proxy
    may have written another host, and some sign no more than that (SIPp): so the user must be the same where
    both have one, and all of it where no nc forbids a replay.
    """
    if claim.uri == request.uri:
        return True
    if claim.nc is None:
        return False
    try:
        signed, sent = _signed_user(claim.uri), _user(request.target)
    except MalformedMessage:
        return False
    return None in (signed, sent) or signed == sent


def _signed_user(uri: str) -> str | None:
    if "@" not in uri and uri.startswith(("sip:", "sips:")):
        return None  # its host may be anything: SIPp writes one of IPv6 without brackets
    return _user(parse_uri(uri))


def _user(uri: Uri) -> str | None:
    if isinstance(uri, TelUri):
        return uri.number
    return (uri.user_text or None) if isinstance(uri, SipUri) else str(uri)
