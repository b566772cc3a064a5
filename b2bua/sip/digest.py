"""Digest authentication, both sides (RFC 3261 §22, RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, replace

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import Parameters, find_parameter, quote, split_list
from b2bua.sip.nonces import NonceIssuer

__all__ = ["Authorization", "Challenge", "Credentials", "NonceIssuer", "answer", "ha1", "verify"]

_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_NC = re.compile(r"[0-9A-Fa-f]{8}")
_NAME_VALUE = re.compile(r'([A-Za-z0-9_\-]+)\s*=\s*("[^"\\]*(?:\\.[^"\\]*)*"|[^\s",]+)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What we prove ourselves with to a trunk or a foreign PBX."""

    username: str
    """The authentication user."""
    password: str
    """In clear; digest needs it."""
    realm: str | None = None
    """The only realm it is for; None for any."""

    def __repr__(self) -> str:
        """Return a text without the password, for it ends up in logs."""
        return f"Credentials(username={self.username!r}, realm={self.realm!r})"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A WWW-Authenticate or Proxy-Authenticate value (RFC 3261 §20.44)."""

    realm: str
    """Whose password is asked for."""
    nonce: str
    """To be repeated in the answer."""
    algorithm: str = "MD5"
    """``MD5``, ``SHA-256`` or one of them with ``-sess``."""
    qop: tuple[str, ...] = ("auth",)
    """Offered protection; empty for RFC 2069 peers."""
    opaque: str | None = None
    """To be repeated in the answer."""
    is_stale: bool = False
    """The password was right, only the nonce was too old."""

    @classmethod
    def parse(cls, text: str) -> Challenge:
        """Return the challenge.

        Raises:
            MalformedMessage: not a digest, or one of an algorithm or protection we cannot answer.
        """
        fields = _fields(text)
        offered = _get(fields, "qop")
        qop = tuple(word.strip().lower() for word in offered.split(",") if word.strip()) if offered else ()
        if qop and not {"auth", "auth-int"} & set(qop):
            raise MalformedMessage(f"unknown qop {offered!r}")
        return cls(
            realm=_need(fields, "realm"),
            nonce=_need(fields, "nonce"),
            algorithm=_algorithm(fields),
            qop=qop,
            opaque=_get(fields, "opaque"),
            is_stale=(_get(fields, "stale") or "").lower() == "true",
        )

    def __str__(self) -> str:
        """Return the header value."""
        parts = [f"Digest realm={quote(self.realm)}", f"nonce={quote(self.nonce)}"]
        if self.opaque is not None:
            parts.append(f"opaque={quote(self.opaque)}")
        if self.is_stale:
            parts.append("stale=true")
        parts.append(f"algorithm={self.algorithm}")
        if self.qop:
            parts.append(f"qop={quote(','.join(self.qop))}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Authorization:
    """An Authorization or Proxy-Authorization value (RFC 3261 §20.7)."""

    username: str
    """Who it claims to be."""
    realm: str
    """Of the challenge."""
    nonce: str
    """Of the challenge."""
    uri: str
    """The request-URI it was made for, as the client wrote it."""
    response: str
    """The proof, hexadecimal."""
    algorithm: str = "MD5"
    """Of the challenge."""
    opaque: str | None = None
    """Of the challenge."""
    qop: str | None = None
    """``auth``, ``auth-int``, or None for RFC 2069 peers."""
    cnonce: str = ""
    """The client's nonce."""
    nc: int | None = None
    """How often the client has used the nonce; None without qop."""

    @classmethod
    def parse(cls, text: str) -> Authorization:
        """Return the credentials.

        Raises:
            MalformedMessage: not a digest, or one that misses a field.
        """
        fields = _fields(text)
        qop, nc = _get(fields, "qop"), _get(fields, "nc")
        if qop is not None and (qop not in ("auth", "auth-int") or not nc or not _NC.fullmatch(nc)):
            raise MalformedMessage("bad qop or nc in digest")
        return cls(
            username=_need(fields, "username"),
            realm=_need(fields, "realm"),
            nonce=_need(fields, "nonce"),
            uri=_need(fields, "uri"),
            response=_need(fields, "response").lower(),
            algorithm=_algorithm(fields),
            opaque=_get(fields, "opaque"),
            qop=qop,
            cnonce=_get(fields, "cnonce") or "",
            nc=int(nc, 16) if qop and nc else None,
        )

    def __str__(self) -> str:
        """Return the header value."""
        parts = [
            f"Digest username={quote(self.username)}",
            f"realm={quote(self.realm)}",
            f"nonce={quote(self.nonce)}",
            f"uri={quote(self.uri)}",
            f'response="{self.response}"',
            f"algorithm={self.algorithm}",
        ]
        if self.opaque is not None:
            parts.append(f"opaque={quote(self.opaque)}")
        if self.qop is not None:
            parts.append(f"qop={self.qop}, cnonce={quote(self.cnonce)}, nc={self.nc:08x}")
        elif self.cnonce:
            parts.append(f"cnonce={quote(self.cnonce)}")
        return ", ".join(parts)


def answer(
    challenge: Challenge,
    credentials: Credentials,
    *,
    method: str,
    uri: str,
    body: bytes = b"",
    cnonce: str,
    nc: int = 1,
) -> str:
    """Return the Authorization (or Proxy-Authorization) value that meets the challenge.

    ``uri`` is the request-URI; ``nc`` counts the requests sent with this nonce, from 1.
    """
    qop = None
    if challenge.qop:
        qop = "auth" if "auth" in challenge.qop else "auth-int"
    is_session = challenge.algorithm.endswith("-sess")
    unproven = Authorization(
        username=credentials.username,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=challenge.algorithm,
        opaque=challenge.opaque,
        qop=qop,
        cnonce=cnonce if qop or is_session else "",
        nc=nc if qop else None,
    )
    secret = ha1(credentials.username, challenge.realm, credentials.password, algorithm=challenge.algorithm)
    return str(replace(unproven, response=_response(unproven, secret, method=method, body=body)))


def verify(
    authorization: Authorization,
    method: str,
    *,
    password: str | None = None,
    secret: str | None = None,
    body: bytes = b"",
) -> bool:
    """Whether the answer proves the password, or the ``secret`` that ``ha1`` made of it.

    Whether nonce, realm and URI are the right ones is for the caller to see.
    """
    if secret is None:
        if password is None:
            raise ValueError("verify needs a password or a secret")
        secret = ha1(authorization.username, authorization.realm, password, algorithm=authorization.algorithm)
    expected = _response(authorization, secret, method=method, body=body)
    return hmac.compare_digest(expected.encode(), authorization.response.encode("utf-8", "surrogateescape"))


def ha1(username: str, realm: str, password: str, *, algorithm: str = "MD5") -> str:
    """Return H(username:realm:password), which can be stored in place of the password (RFC 7616 §3.4.2)."""
    return _hash(algorithm, f"{username}:{realm}:{password}")


def _response(authorization: Authorization, secret: str, *, method: str, body: bytes) -> str:
    """Return the proof (RFC 7616 §3.4.1)."""
    algorithm = authorization.algorithm
    if algorithm.endswith("-sess"):
        secret = _hash(algorithm, f"{secret}:{authorization.nonce}:{authorization.cnonce}")
    request = f"{method}:{authorization.uri}"
    if authorization.qop == "auth-int":
        request += f":{_hash(algorithm, body)}"
    middle = authorization.nonce
    if authorization.qop is not None:
        middle += f":{authorization.nc or 0:08x}:{authorization.cnonce}:{authorization.qop}"
    return _hash(algorithm, f"{secret}:{middle}:{_hash(algorithm, request)}")


def _hash(algorithm: str, content: str | bytes) -> str:
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    return hashlib.new(_HASHES[algorithm.removesuffix("-sess")], content, usedforsecurity=False).hexdigest()


def _fields(text: str) -> Parameters:
    scheme, rest = (*text.split(maxsplit=1), "", "")[:2]
    if scheme.lower() != "digest":
        raise MalformedMessage(f"not a digest: {scheme[:20]!r}")
    # Some end the list by a comma, which RFC 9110 §5.6.1 wants read.
    matches = [_NAME_VALUE.fullmatch(field) for field in split_list(rest.rstrip(" \t,"))]
    if not all(matches):
        raise MalformedMessage("bad field in digest")
    return tuple((match[1], match[2]) for match in matches if match)


def _get(fields: Parameters, name: str) -> str | None:
    return find_parameter(fields, name)


def _need(fields: Parameters, name: str) -> str:
    value = find_parameter(fields, name)
    if value is None:
        raise MalformedMessage(f"digest without {name}")
    return value


def _algorithm(fields: Parameters) -> str:
    """Return the algorithm as RFC 7616 spells it; MD5 when none is named (§3.3)."""
    name = _get(fields, "algorithm") or "MD5"
    base, dash, session = name.upper().partition("-SESS")
    if base not in _HASHES or session:
        raise MalformedMessage(f"unknown digest algorithm {name[:20]!r}")
    return base + ("-sess" if dash else "")
