"""Opens the ports of legs within a range."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from media.endpoint import Address, Endpoint, LegPorts
from media.errors import PortsExhausted, in_words
from media.leg import Leg
from media.ports import PortLeases

NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""No other port would do either: the program, or the machine, can open no more."""
CURE = "let the program open more files (LimitNOFILE of its service, ulimit -n)"
NOT_OURS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""The machine has no such address, or not that IP version."""


class EndpointFactory:
    """Opens ports of a range on real sockets or on a network in memory."""

    def __init__(
        self,
        open_pair: Callable[[Address, Leg], Endpoint],
        hosts: Sequence[str],
        ports: tuple[int, int],
        *,
        whole: tuple[int, int] | None = None,
    ) -> None:
        """``hosts`` are our addresses, one of each IP version at most.

        ``ports`` are our share of ``whole``: of the others' too one is taken before a leg is refused.
        """
        self._open_pair = open_pair
        self._hosts = tuple(hosts)
        self._leases = PortLeases(*ports, whole=whole)
        self._give_back = self._leases.give_back
        """One for all legs, each of which keeps it."""

    def __call__(self, leg: Leg, wished: int = 0, *, is_spare: bool = False) -> LegPorts:
        """Return the ports of ``leg``: ``wished``, if that can be had; for a spare leg, of our share.

        Raises:
            PortsExhausted: none is free; ports that other programs hold are passed over.
        """
        if wished and self._leases.take(wished):
            try:
                return self._at(wished, leg)
            except OSError:
                self._leases.give_back(wished)
        return self._anywhere(leg, own_only=is_spare)

    def _anywhere(self, leg: Leg, *, own_only: bool) -> LegPorts:
        why = f"all {self._leases.total} RTP port pairs are in use; widen `ports` of [rtp]"
        for port in self._leases.free(own_only=own_only):
            try:
                return self._at(port, leg)
            except OSError as error:
                self._leases.give_back(port)
                if error.errno in NONE_LEFT:
                    raise PortsExhausted(f"no RTP port can be opened: {in_words(error)}; {CURE}") from error
                if self._leases.is_own(port):
                    why = f"no RTP port can be opened: {error}"
        raise PortsExhausted(why)

    def _at(self, port: int, leg: Leg) -> LegPorts:
        return LegPorts(self._open(port, leg), self._give_back)

    def _open(self, port: int, leg: Leg) -> list[Endpoint]:
        """Return the endpoints at ``port`` of each of our addresses: all, or none with OSError.

        An address that the machine has lost (a new IPv6 prefix) keeps no call from the other one.
        """
        opened: list[Endpoint] = []
        gone: OSError | None = None
        with ExitStack() as undo:
            for host in self._hosts:
                try:
                    endpoint = self._open_pair((host, port), leg)
                except OSError as error:
                    if error.errno not in NOT_OURS:
                        raise
                    gone = error
                    continue
                undo.callback(endpoint.close)
                opened.append(endpoint)
            undo.pop_all()
        if not opened and gone is not None:
            raise gone
        return opened
