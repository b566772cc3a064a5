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

    def found(hosts: list[str]) -> None:
        if not any(_is_usable(host, media) for host in hosts):
            fail()

    if agreement.remote is not None and not is_literal(agreement.remote[0]):
        find(agreement.remote[0], found)


class Aim:
    """Where one leg sends its sound; what is said before a name is found is not heard there."""

    __slots__ = ("_agreed", "_find", "_host", "_media")

    def __init__(self, media: MediaLeg, find: FindHosts) -> None:
        self._media = media
        self._find = find
        self._agreed: StreamAgreement | None = None
        """What offer and answer came to last."""
        self._host = ""
        """To which address sound was sent last."""

    def take(
        self,
        agreement: StreamAgreement,
        connect: Callable[[StreamAgreement], None],
        *,
        own: str,
        fail: Callable[[str], None],
    ) -> None:
        """Let ``connect`` make sound flow as agreed, where our SDP has told the far end our address ``own``.

        ``fail`` is told why where there is no such host.
        """
        self._agreed = agreement
        remote = agreement.remote
        if remote is None or is_literal(remote[0]):
            self._host = self._host if remote is None else remote[0]
            connect(agreement)
            return
        name, port = remote
        connect(replace(agreement, remote=None))

        def found(hosts: list[str]) -> None:
            if self._agreed is not agreement:
                return  # something else was agreed meanwhile
            host = self._best(hosts, own)
            if host is None:
                fail(f"sound cannot be sent to {name}: there is no such host")
            else:
                self._host = host
                connect(replace(agreement, remote=(host, port)))

        self._find(name, found)

    def _best(self, hosts: list[str], own: str) -> str | None:
        """Return where to send to: where sound goes already, else by the IP version by which it comes."""
        return min(
            (host for host in hosts if _is_usable(host, self._media)),
            key=lambda host: (host != self._host, is_ipv6(host) != is_ipv6(own)),
            default=None,
        )


def _is_usable(host: str, media: MediaLeg) -> bool:
    """Return whether ``host`` is the address of one host, by an IP version that we have."""
    try:
        is_one = host_of(host) is not None
    except MalformedMedia:
        return False
    return is_one and is_ipv6(host) in {is_ipv6(own) for own in media.hosts}
