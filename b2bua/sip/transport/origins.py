"""Whose web pages may speak SIP with us: a browser connects for any page (RFC 6455 §10.2, RFC 7118 §10.1)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCAL = "localhost"
USUAL_PORTS = {"http": ":80", "https": ":443"}
"""Browsers leave them out."""


class Origins:
    """Pages of the office's own hosts, on whatever port, and those that are listed.

    Who sends no Origin is no browser, and no page makes it connect. A name that the request alone says is
    ours proves nothing: whoever owns a page's name can let it lead to our address.
    """

    def __init__(self, listed: Iterable[str] = (), *, hosts: Iterable[str] = ()) -> None:
        """``listed`` are origins as ``https://crm.example``, ``hosts`` our names and addresses."""
        self._listed = {_usual(origin) for origin in listed}
        self._hosts = {host.lower().strip("[]") for host in hosts} | {LOCAL}

    def admits(self, origin: str | None, host: str) -> bool:
        """Return whether a page of ``origin`` may; ``host`` is what the browser calls us."""
        if origin is None or _usual(origin) in self._listed:
            return True
        page = _host_of(origin)
        return page in self._hosts or (_is_address(page) and page == _host_of(f"//{host}"))


def _usual(origin: str) -> str:
    """Return an origin as browsers write it."""
    origin = origin.lower()
    return origin.removesuffix(USUAL_PORTS.get(origin.partition(":")[0], ""))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
