"""Certificates: ours, read again when the files change, and whom those of others stand for (RFC 5922)."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from b2bua.sip.transport.hop import Hop

log = logging.getLogger(__name__)

CHECK_EVERY_S = 10.0
"""Between two looks at the files: a renewed certificate is in use that much later, without a restart."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What TLS is made of."""

    certificate: Path | None = None
    """Our certificate and those between it and its authority, PEM; None: we only call, and show none."""
    key: Path | None = None
    """Its private key, PEM; None: it is in the same file."""
    authorities: Path | None = None
    """Whose certificates we trust, PEM; None: whom the system trusts."""
    checks_servers: bool = True
    """Whether those whom we call have to prove who they are."""
    checks_clients: bool = False
    """Whether those who call us have to show a certificate, too."""

    def version(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes whenever one of the files does."""
        paths = [path for path in (self.certificate, self.key, self.authorities) if path is not None]
        found = [path.stat() for path in paths]
        return tuple((file.st_mtime_ns, file.st_size, file.st_ino) for file in found)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The files as they were at one moment."""

    version: tuple[tuple[int, int, int], ...]
    """Which moment."""
    client: ssl.SSLContext
    """For the connections that we open."""
    server: ssl.SSLContext | None
    """For those that we accept; None: we have no certificate."""

    @classmethod
    def from_files(cls, files: TlsFiles) -> _Loaded:
        server = _server_context(files) if files.certificate is not None else None
        return cls(files.version(), _client_context(files), server)


class Tls:
    """The contexts of both roles. Connections made after a change of the files use the new ones."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            OSError: they cannot be read, or fit together in no way.
        """
        self.files = files
        self._told = ""
        """Why what is there now cannot be used, as the log has it; empty: it is in use."""
        self._loaded = _Loaded.from_files(files)
        self.server = self._loaded.server
        """What listeners are given; each handshake goes on with the context that is current then."""
        if self.server is not None:
            self.server.sni_callback = self._use_current

    @property
    def client(self) -> ssl.SSLContext:
        """What a connection of ours is made with now."""
        return self._loaded.client

    @classmethod
    async def load(cls, files: TlsFiles) -> Tls:
        """Return it, read off the loop.

        Raises:
            OSError: see above; the text names the file.
        """
        try:
            return await asyncio.to_thread(cls, files)
        except OSError as error:
            name = error.filename or files.certificate or files.authorities
            raise OSError(errno.EINVAL, f"{name} cannot be used: {error.strerror or error}") from error

    def _use_current(
        self, tls: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        if self._loaded.server is not None and tls.context is not self._loaded.server:
            tls.context = self._loaded.server

    async def refresh(self) -> bool:
        """Return whether the files changed and are in use now; what cannot be used changes nothing."""
        try:
            if await asyncio.to_thread(self.files.version) == self._loaded.version:
                return False
            self._loaded = await asyncio.to_thread(_Loaded.from_files, self.files)
        except OSError as error:
            self._warn(f"the old one stays in use: {error}")
            return False
        self._told = ""
        log.info("the certificate in %s has changed and is in use", self.files.certificate)
        return True

    def _warn(self, why: str) -> None:
        """Say it once: it is looked again and again until somebody has mended it."""
        if why != self._told:
            log.warning("the changed certificate in %s cannot be used; %s", self.files.certificate, why)
        self._told = why

    async def watch(self) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.refresh()

    def objection(self, tls: object, hop: Hop) -> str | None:
        """Return why the peer at the other end of ``tls`` is not whom we called; None: it is."""
        if not self.files.checks_servers:
            return None
        assert isinstance(tls, ssl.SSLObject)
        certificate = tls.getpeercert()
        wanted = hop.name or hop.host
        if certificate and is_for(certificate, wanted):
            return None
        return f"its certificate is not for {wanted}"


def _server_context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    assert files.certificate is not None
    context.load_cert_chain(files.certificate, files.key)
    if files.checks_clients:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, files)
    return context


def _client_context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # ``is_for`` does it: OpenSSL knows nothing of SIP URIs in certificates
    if files.checks_servers:
        _trust(context, files)
    else:
        context.verify_mode = ssl.CERT_NONE
    if files.certificate is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context


def _trust(context: ssl.SSLContext, files: TlsFiles) -> None:
    if files.authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(files.authorities)


def is_for(certificate: Mapping[str, Any], name: str) -> bool:
    """Return whether a certificate, as ``getpeercert`` tells it, stands for a domain or address.

    SIP URIs in it decide where there are any, else its DNS names (RFC 5922 §7.1). A wildcard for one label is
    honoured against §7.2: carriers' certificates have it.
    """
    names = tuple(certificate.get("subjectAltName", ()))
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        addresses = [value for kind, value in names if kind == "IP Address"]
        return any(ipaddress.ip_address(value) == address for value in addresses)
    domains = tuple(_sip_domains(names))
    if domains:
        return name.lower() in domains
    return any(_matches(value.lower(), name.lower()) for kind, value in names if kind == "DNS")


def _sip_domains(names: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield the domains of ``sip:`` URIs without a user part (§7.1)."""
    for kind, value in names:
        scheme, _, rest = value.lower().partition(":")
        if kind == "URI" and scheme in ("sip", "sips") and "@" not in rest:
            yield rest.partition(";")[0].partition(":")[0]


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name
