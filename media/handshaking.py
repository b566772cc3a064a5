"""The handshake of a leg with whoever proves to be its far end: datagrams in; datagrams and keys out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from media.endpoint import Address
from media.sdp.crypto import StreamKeys
from media.sdp.handshake import Handshake

if TYPE_CHECKING:
    from media.dtls import Association, Certificate

PATIENCE_S = 15.0
"""How long the keys may take before that is told, and all begins anew."""
ALERT = 21
"""The first byte of what ends a handshake, and is not protected before there are keys."""
MOST_SOURCES = 4
"""Addresses that are listened to at a time, until one of them proves to be the far end."""

Parcel: TypeAlias = tuple[bytes, Address]
"""A datagram, and where it goes."""


class Handshaking:
    """One association that offer and answer have agreed on.

    Who waits does not know the port from which the far end will come where that is behind NAT. Each address
    that may be its has a handshake of its own, so that nobody can spoil that of another.
    """

    def __init__(self, agreed: Handshake, certificate: Certificate, remote: Address | None) -> None:
        """The far end is expected to be at ``remote``."""
        self.keys: StreamKeys | None = None
        self.source: Address | None = None
        """The address that has proved to be the far end's, once there are keys."""
        self.failure = ""
        """Why there will be none."""
        self._agreed = agreed
        self._certificate = certificate
        self._remote = remote
        self._left: Address | None = None
        """Where it was expected before."""
        self._associations: dict[Address, Association] = {}
        self._why = ""
        self._due_at = 0.0
        self._let_go_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether there are keys, or never will be."""
        return self.keys is not None or bool(self.failure)

    def begin(self, now: float) -> list[Parcel]:
        """Wait from now on; return a client's first flight."""
        self._associations, self._why, self._due_at = {}, "", now + PATIENCE_S
        if not self._agreed.is_client or self._remote is None:
            return []
        association = self._associations[self._remote] = self._certificate.association(self._agreed)
        return _to(self._remote, association.begin())

    def turn_to(self, remote: Address, now: float) -> list[Parcel]:
        """Expect the far end at ``remote``, unless it is found; return what a client begins anew with."""
        if self.is_over or remote == self._remote:
            return []
        self._left, self._remote = self._remote, remote
        return self.begin(now) if self._agreed.is_client else []

    def take(self, datagram: bytes, source: Address) -> list[Parcel]:
        """Take what came from ``source``, which may be the far end; return what to send."""
        if self.failure or (self.source is not None and source not in self._associations):
            return []
        if self._agreed.is_client and self.keys is None and self._is_astray(datagram, source):
            return []
        association = self._association(source)
        if association is None:
            return []
        answer = _to(source, association.take(datagram))
        if association.failure:
            self._fail(association, source)
        elif association.keys is not None and self.keys is None:
            self.keys, self.source = association.keys, source
            self._associations = {source: association}
        return answer

    def _is_astray(self, datagram: bytes, source: Address) -> bool:
        """Return whether it can only spoil a client's one handshake: of the former, or anybody's alert."""
        return source == self._left or (source != self._remote and datagram[0] == ALERT)

    def _association(self, source: Address) -> Association | None:
        """Return the handshake with ``source``; a client has one alone, wherever it is answered from."""
        if self._agreed.is_client:
            return next(iter(self._associations.values()), None)
        if source not in self._associations:
            if len(self._associations) == MOST_SOURCES and source != self._remote:
                return None
            self._associations[source] = self._certificate.association(self._agreed)
        return self._associations[source]

    def _fail(self, association: Association, source: Address) -> None:
        """Believe in a failure if it is the far end's; let anybody else begin anew."""
        self._why = association.failure
        if self._agreed.is_client or (association.is_refused and source == self._remote):
            self.failure = association.failure
            self._associations.clear()
        else:
            del self._associations[source]

    def tick(self, now: float) -> list[Parcel]:
        """Return what has to be sent again; to be called a few times a second."""
        if self.is_over:
            self._let_go(now)
            return []
        parcels: list[Parcel] = []
        for address, association in tuple(self._associations.items()):
            parcels += _to(address, association.repeat())
            if association.failure:
                self._fail(association, address)
        return parcels

    def _let_go(self, now: float) -> None:
        """Hold OpenSSL's 100 kB no longer than the far end may ask for our last flight once more."""
        self._let_go_at = self._let_go_at or now + PATIENCE_S
        if now >= self._let_go_at:
            self._associations.clear()

    def is_late(self, now: float) -> bool:
        """Return whether the keys take too long."""
        return not self.is_over and now >= self._due_at

    @property
    def why(self) -> str:
        """What is known of why there are no keys."""
        return self.failure or self._why or "the far end did not take part in the handshake"


def _to(address: Address, datagrams: list[bytes]) -> list[Parcel]:
    return [(datagram, address) for datagram in datagrams]
