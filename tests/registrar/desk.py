"""A phone at the message level: makes requests, answers challenges."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Protocol

from b2bua.config.models import Config, Person
from b2bua.people.directory import Directory
from b2bua.registrar.attempts import FailedAttempts
from b2bua.registrar.authentication import STRONG, Authentication
from b2bua.registrar.bindings import Bindings
from b2bua.sip.digest import Challenge, Credentials, answer
from b2bua.sip.message import Headers, Request
from b2bua.sip.nonces import NonceIssuer
from b2bua.sip.transport.hop import Hop

DOMAIN = "office.example"
ANNA = Person(name="anna", display="Anna Nowak", extension="101", sip_password="demo-101")
PIOTR = Person(name="piotr", extension="102", sip_password="demo-102")
IVAN = Person(name="ivan", extension="104")
DIRECTORY = Directory(Config(people={person.name: person for person in (ANNA, PIOTR, IVAN)}))


FLOW = Hop("udp", "198.51.100.1", 40000)


class Challenging(Protocol):
    """Anything with a status and headers."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...


def gate(
    bindings: Bindings, *, lifetime_s: float = 300.0, limit: int = 10, algorithms: tuple[str, ...] = STRONG
) -> Authentication:
    """Return the check that a registrar and an identifier share."""
    return Authentication(
        people=DIRECTORY,
        realm=DOMAIN,
        nonces=NonceIssuer(b"secret of the tests", lifetime_s),
        is_known_flow=bindings.has_flow,
        attempts=FailedAttempts(limit=limit),
        algorithms=algorithms,
    )


@dataclass
class Desk:
    """One phone: an account, a flow, a Call-ID and a CSeq."""

    user: str = "101"
    password: str = "demo-101"
    source: Hop = FLOW
    call_id: str = "desk"
    cseq: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def request(
        self, method: str = "REGISTER", *headers: tuple[str, str], uri: str = f"sip:{DOMAIN}"
    ) -> Request:
        """Return a request with this phone in From and To."""
        request = Request(method, uri, Headers())
        for name, value in (
            ("Via", f"SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{next(self.cseq)};rport"),
            ("From", f"<sip:{self.user}@{DOMAIN}>;tag=1"),
            ("To", f"<sip:{self.user}@{DOMAIN}>"),
            ("Call-ID", self.call_id),
            ("CSeq", f"{next(self.cseq)} {method}"),
            *headers,
        ):
            request.headers.add(name, value)
        return request

    def answered(self, request: Request, refusal: Challenging, *, algorithm: str = "SHA-256") -> Request:
        """Return ``request`` again, with the answer to the challenge of that algorithm."""
        again = request.copy()
        again.headers.put("CSeq", f"{next(self.cseq)} {request.method}")
        value = answer(
            challenge_of(refusal, algorithm),
            Credentials(self.user, self.password),
            method=request.method,
            uri=request.uri,
            body=request.body,
            cnonce="c",
            nc=1,
        )
        again.headers.put("Authorization", value)
        return again


def challenge_of(refusal: Challenging, algorithm: str = "SHA-256") -> Challenge:
    """Return the challenge of ``algorithm`` among those of a 401."""
    assert refusal.status == 401
    challenges = [Challenge.parse(value) for name, value in refusal.headers if name == "WWW-Authenticate"]
    return next(challenge for challenge in challenges if challenge.algorithm == algorithm)
