"""Sound goes to the address that the far end's SDP has, also where that is a name (RFC 8866 §5.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from b2bua.sip.resolver import is_literal
from b2bua.sip.transport.addressing import is_ipv6
from media.client import MediaLeg
from media.errors import MalformedMedia
from media.sdp.agreement import StreamAgreement
from media.sdp.network import host_of

TellHosts = Callable[[list[str]], None]
FindHosts = Callable[[str, TellHosts], None]
"""Looks a name up and tells its addresses later, none where it has none."""


def nobody_finds(_name: str, told: TellHosts) -> None:
    """Find no host by its name."""
    told([])


def expect(media: MediaLeg, agreement: StreamAgreement, find: FindHosts, fail: Callable[[], None]) -> None:
    """Look up where sound will be sent to, if that is a name, so that it need not wait for DNS then.

    ``fail`` is told where there is no such host.
    """
    if agreement.remote is not None and not is_literal(agreement.remote[0]):
        find(agreement.remote[0], lambda hosts: None if _usable(hosts, media) else fail())


def aim(
    media: MediaLeg,
    agreement: StreamAgreement,
    connect: Callable[[StreamAgreement], None],
    *,
    find: FindHosts,
    fail: Callable[[str], None],
) -> None:
    """Let ``connect`` make sound flow as agreed; what is said before a name is found is not heard there.

    ``fail`` is told why where there is no such host.
    """
    remote = agreement.remote
    if remote is None or is_literal(remote[0]):
        connect(agreement)
        return
    name, port = remote
    waiting = replace(agreement, remote=None)
    connect(waiting)

    def found(hosts: list[str]) -> None:
        if media.agreement is not waiting:
            return  # something else was agreed meanwhile
        host = _usable(hosts, media)
        if host is None:
            fail(f"sound cannot be sent to {name}: there is no such host")
        else:
            connect(replace(agreement, remote=(host, port)))

    find(name, found)


def _usable(hosts: list[str], media: MediaLeg) -> str | None:
    """Return the first of ``hosts`` that sound can be sent to."""
    return next((host for host in hosts if _is_usable(host, media)), None)


def _is_usable(host: str, media: MediaLeg) -> bool:
    """Return whether ``host`` is the address of one host, by an IP version that we have."""
    try:
        is_one = host_of(host) is not None
    except MalformedMedia:
        return False
    return is_one and is_ipv6(host) in {is_ipv6(own) for own in media.hosts}
