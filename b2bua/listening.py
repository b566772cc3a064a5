"""The sockets of ``[sip]``: every address by every transport."""

from __future__ import annotations

from random import Random
from urllib.parse import urlsplit

from b2bua.config.models import Config
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.resolver import Resolver
from b2bua.sip.transport.connection import StreamLimits
from b2bua.sip.transport.origins import Origins
from b2bua.sip.transport.tls import Tls, TlsFiles


def has_tls(config: Config) -> bool:
    """Return whether anything here speaks TLS: phones, browsers or a trunk."""
    is_listened_for = {"tls", "wss"} & set(config.sip.transports)
    return bool(is_listened_for) or any(trunk.transport == "tls" for trunk in config.trunks.values())


def transports(config: Config) -> tuple[str, ...]:
    """Return the transports by which we can call, best first."""
    ways = config.sip.transports
    return (*ways, "tls") if has_tls(config) and "tls" not in ways else ways


def resolver(config: Config, endpoint: SipEndpoint, random: Random) -> Resolver:
    """Return what finds the servers that we call."""
    return Resolver(
        config.sip.nameservers,
        transports=transports(config),
        dead_targets=endpoint.dead_targets,
        random=random,
    )


async def listen(endpoint: SipEndpoint, config: Config) -> Tls | None:
    """Bind every address; return the certificates, None where nothing speaks TLS.

    Raises:
        OSError: an address is taken or not ours, a certificate cannot be used.
    """
    sip = config.sip
    tls = await Tls.load(_files(config)) if has_tls(config) else None
    ports = {"tls": sip.tls_port, "ws": sip.ws_port, "wss": sip.wss_port}
    public = sip.public_address
    limits = StreamLimits(sip.most_connections, sip.most_connections_of_address)
    origins = Origins(sip.ws_origins, hosts=_own_hosts(config))
    for host, port in sip.addresses:
        for kind in sip.transports:
            if kind == "udp":
                await endpoint.listen_udp(host, port, advertised=public)
            else:
                own_port = ports.get(kind, port)
                await endpoint.listen_stream(
                    kind, host, own_port, tls=tls, advertised=public, limits=limits, origins=origins
                )
    if tls is not None and "tls" not in sip.transports:
        for every in sorted({"::" if ":" in host else "0.0.0.0" for host, _ in sip.addresses}):  # noqa: S104
            endpoint.call_by_tls(tls, host=every, advertised=public)
    return tls


def _own_hosts(config: Config) -> tuple[str, ...]:
    """Return the names and addresses that are the office's own."""
    sip, api = config.sip, config.api
    web = urlsplit(api.url).hostname if api is not None and api.url else None
    return tuple(filter(None, (sip.domain, sip.public_address, web, *(host for host, _ in sip.addresses))))


def _files(config: Config) -> TlsFiles:
    sip = config.sip
    return TlsFiles(
        certificate=sip.tls_certificate,
        key=sip.tls_key,
        authorities=sip.tls_ca,
        checks_servers=sip.tls_verify,
        checks_clients=sip.tls_verify_clients,
    )
