"""The proxies that a registrar wants our requests to go by (RFC 3608)."""

from __future__ import annotations

from b2bua.errors import MalformedMessage
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Response
from b2bua.sip.uri import SipUri


def service_route(response: Response) -> tuple[str, ...]:
    """Return the Service-Route of a 200 to REGISTER, as it goes into Route.

    One that cannot be gone is none: each of its URIs has to be SIP's and to have ``lr`` (§5).
    """
    try:
        values = tuple(response.headers.values("Service-Route"))
        return values if all(map(_is_loose, values)) else ()
    except MalformedMessage:
        return ()


def first_proxy(route: tuple[str, ...], transport: str) -> SipUri:
    """Return what to resolve for the first proxy, reached by ``transport`` where it does not say how."""
    uri = NameAddr.parse(route[0]).uri
    assert isinstance(uri, SipUri)
    if transport == "udp" or uri.is_secure or uri.parameter("transport") is not None:
        return uri
    return uri.with_parameter("transport", transport)


def _is_loose(value: str) -> bool:
    uri = NameAddr.parse(value).uri
    return isinstance(uri, SipUri) and uri.parameter("lr") is not None
