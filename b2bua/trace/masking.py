"""What may not be written down: digests, passwords, keys of sound."""

from __future__ import annotations

import re

MASK = b"***"
CREDENTIALS = re.compile(
    rb"^(?P<name>(?:proxy-)?authorization[ \t]*:(?:\r?\n)?[ \t]*)(?P<scheme>\S+)"
    rb"(?P<rest>[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
KNOWN = re.compile(rb'\b(?:username|realm|uri|algorithm|qop|nc)\s*=\s*(?:"[^"]*"|[^,\s]+)', re.IGNORECASE)
"""What of a digest tells who answered which challenge; all else of it could be tried offline."""
URI_PASSWORD = re.compile(rb'(sips?:[^@:\s<>"]+):[^@\s<>"]+@', re.IGNORECASE)
LOWER_URI_PASSWORD = re.compile(rb'sips?:[^@:\s<>"]+:[^@\s<>"]+@')
"""The same without regard to capitals is several times slower."""
NAMED = re.compile(rb"([;?&,\s](?:password|passwd|pwd|secret|token|access_token)=)[^;&>\s,]+", re.IGNORECASE)
NAMES = (b"password=", b"passwd=", b"pwd=", b"secret=", b"token=")
BODY_KEY = re.compile(rb"(inline:|^a=ice-pwd:|^k=(?:clear|base64):)([^\s|;]+)", re.IGNORECASE | re.MULTILINE)
BODY_KEYS = (b"inline:", b"\na=ice-pwd:", b"\nk=")
SIGNS = (b"authorization", b"passw", b"pwd", b"secret=", b"token=", b"inline:", b"\nk=")
"""One of these is in whatever has any of them."""


def may_hide(wire: bytes) -> bool:
    """Return whether there can be anything to mask in ``wire``: in most calls there is nothing."""
    lowered = wire.lower()
    return any(sign in lowered for sign in SIGNS) or LOWER_URI_PASSWORD.search(lowered) is not None


def masked(wire: bytes) -> bytes:
    """Return a message in which nothing can be used to speak in anybody's name or to listen.

    The body keeps its length, so that Content-Length stays true.
    """
    lowered = wire.lower()  # most messages have nothing to hide, which is cheap to see
    if any(word in lowered for word in BODY_KEYS):
        wire = BODY_KEY.sub(lambda found: found[1] + b"*" * len(found[2]), wire)
    head, blank, body = wire.partition(b"\r\n\r\n")
    if b"authorization" in lowered:
        head = CREDENTIALS.sub(_credentials, head)
    if any(word in lowered for word in NAMES):
        head = NAMED.sub(rb"\1" + MASK, head)
    if LOWER_URI_PASSWORD.search(lowered) is not None:
        head = URI_PASSWORD.sub(rb"\1:" + MASK + b"@", head)
    return head + blank + body


def _credentials(found: re.Match[bytes]) -> bytes:
    known = KNOWN.findall(found["rest"]) if found["scheme"].lower() == b"digest" else []
    return found["name"] + found["scheme"] + b" " + b", ".join([*known, MASK])
