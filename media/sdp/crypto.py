"""Keys of SRTP in SDP: ``a=crypto`` lines (RFC 4568), suites of RFC 4568 §6.2 and RFC 7714 §14.2.

Whoever reads the signalling reads the keys: a line is only as safe as the transport it came over.
"""

from __future__ import annotations

import binascii
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from media.errors import MalformedMedia
from media.sdp.model import Line, MediaDescription

MAX_LIFETIME = 1 << 48
"""Packets that one master key may protect (RFC 3711 §9.2)."""
MAX_MKI_BYTES = 128

_LINE = re.compile(r"(0|[1-9][0-9]{0,8})[ \t]+(\S+)[ \t]+(\S+)((?:[ \t]+\S+)*)", re.ASCII)
_KEY = re.compile(
    r"inline:([A-Za-z0-9+/]+)={0,2}(?:\|(?:2\^([0-9]{1,2})|([0-9]{1,15})))?(?:\|([0-9]{1,40}):([0-9]{1,3}))?",
    re.ASCII | re.IGNORECASE,
)
_HARMLESS = re.compile(r"-\S+|WSH=[0-9]+", re.ASCII | re.IGNORECASE)
"""Session parameters that change nothing for us: optional ones and a hint on the replay window (§6.3)."""


class SrtpPolicy(StrEnum):
    """How a leg deals with SRTP."""

    OFF = "off"
    """Plain RTP only."""
    BEST_EFFORT = "best-effort"
    """Offers plain RTP that may be protected (``RTP/AVP`` with ``a=crypto``); accepts both."""
    OFFERED = "offered"
    """Offers ``RTP/SAVP``; accepts plain RTP too."""
    REQUIRED = "required"
    """``RTP/SAVP`` or no call."""
    DTLS = "dtls"
    """``UDP/TLS/RTP/SAVP``, whose keys no SDP carries, or no call."""

    @property
    def offers_savp(self) -> bool:
        """Whether offers ask for SRTP by their protocol, so that old phones refuse them."""
        return self in (SrtpPolicy.OFFERED, SrtpPolicy.REQUIRED)

    @property
    def accepts_plain(self) -> bool:
        """Whether a stream is taken that may be plain RTP."""
        return self not in (SrtpPolicy.REQUIRED, SrtpPolicy.DTLS)


@dataclass(frozen=True, slots=True)
class Suite:
    """A crypto-suite: which cipher, how long a key."""

    name: str
    """As ``a=crypto`` spells it."""
    key_bytes: int
    """Length of master key and master salt together."""
    tag_bytes: int
    """Length of the authentication tag behind RTP; 0 where it is part of the ciphertext (AEAD)."""
    rtcp_tag_bytes: int
    """The same behind RTCP."""


SUITES = {
    suite.name: suite
    for suite in (
        Suite("AEAD_AES_256_GCM", 44, 0, 0),
        Suite("AEAD_AES_128_GCM", 28, 0, 0),
        Suite("AES_CM_128_HMAC_SHA1_80", 30, 10, 10),
        Suite("AES_CM_128_HMAC_SHA1_32", 30, 4, 10),
    )
}
"""What we can do, most wanted first."""
OFFERED_SUITES = frozenset(SUITES) - {"AES_CM_128_HMAC_SHA1_32"}
"""Who knows its short tag knows the long one too, so it would only make INVITEs longer."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One ``a=crypto`` line: how its writer protects what it sends."""

    tag: int
    """By which the answer names the line it took."""
    suite: str
    """One of `SUITES`."""
    key: bytes = field(repr=False)
    """Master key and master salt, one behind the other."""
    mki_bytes: int = 0
    """Length of the key's identifier in each packet; 0 when there is none."""

    @classmethod
    def parse(cls, value: str) -> Crypto:
        """Return what the ``value`` of ``a=crypto:value`` says.

        Raises:
            MalformedMedia: it is malformed, or nothing that we can do; tells no key.
        """
        match = _LINE.fullmatch(value.strip())
        suite = SUITES.get(match[2].upper()) if match else None
        if match is None or suite is None:
            raise MalformedMedia("no a=crypto line of a suite that we know")
        if not all(map(_HARMLESS.fullmatch, match[4].split())):
            raise MalformedMedia(f"a=crypto:{match[1]} has session parameters that we do not support")
        key, mki_bytes = _read_key(match[3], suite)
        return cls(int(match[1]), suite.name, key, mki_bytes)

    @property
    def line(self) -> Line:
        """The line that says so; our keys have no identifier and the longest life."""
        return Line("a", f"crypto:{self.tag} {self.suite} inline:{b64encode(self.key).decode()}")


def _read_key(text: str, suite: Suite) -> tuple[bytes, int]:
    """Return master key with salt, and the length of its identifier, of one ``inline:`` key (§6.1).

    Raises:
        MalformedMedia: several keys, a wrong length, a lifetime of no or too many packets.
    """
    match = _KEY.fullmatch(text)
    if match is None:
        raise MalformedMedia("a=crypto does not have exactly one inline key")
    base64, exponent, decimal, _, mki_bytes = match.groups()
    try:
        key = binascii.a2b_base64(base64 + "=" * (-len(base64) % 4), strict_mode=True)
    except binascii.Error:
        raise MalformedMedia("the key of a=crypto is not base64") from None
    if len(key) != suite.key_bytes:
        raise MalformedMedia(f"a key of {len(key)} bytes for {suite.name}, which has {suite.key_bytes}")
    lifetime = 1 << int(exponent) if exponent else int(decimal or MAX_LIFETIME)
    if not 0 < lifetime <= MAX_LIFETIME:
        raise MalformedMedia("a=crypto has a lifetime that no key can have")
    if mki_bytes is not None and not 0 < int(mki_bytes) <= MAX_MKI_BYTES:
        raise MalformedMedia(f"a key identifier of {mki_bytes} bytes")
    return key, int(mki_bytes or 0)


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """How both directions of a stream are protected."""

    suite: str
    """One of `SUITES`."""
    sending: bytes = field(repr=False)
    """Our master key and salt."""
    receiving: bytes = field(repr=False)
    """The far end's."""
    receiving_mki_bytes: int = 0
    """Length of the key identifier in each packet of the far end."""


def read_crypto(stream: MediaDescription) -> tuple[Crypto, ...]:
    """Return the ``a=crypto`` lines of ``stream`` that we can use, most wanted first.

    Others are passed over, as they would be if there were more room for suites that we do not know; so is a
    line whose tag was there before (§4.1).
    """
    found: dict[int, Crypto] = {}
    for value in stream.attributes("crypto"):
        try:
            crypto = Crypto.parse(value)
        except MalformedMedia:
            continue
        found.setdefault(crypto.tag, crypto)
    return tuple(found.values())


def new_keys(random_bytes: Callable[[int], bytes] = os.urandom) -> tuple[Crypto, ...]:
    """Return fresh keys of ours, one for each suite: a key must not serve two (RFC 4568 §6.1)."""
    return tuple(
        Crypto(tag, suite.name, random_bytes(suite.key_bytes)) for tag, suite in enumerate(SUITES.values(), 1)
    )


def agree(theirs: Crypto, ours: Iterable[Crypto]) -> StreamKeys | None:
    """Return the keys of a stream that the far end protects by ``theirs``; None without such a suite."""
    for crypto in ours:
        if crypto.suite == theirs.suite:
            return StreamKeys(theirs.suite, crypto.key, theirs.key, theirs.mki_bytes)
    return None
