"""Opens the ports of legs within a range."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from media.endpoint import Endpoint
from media.errors import PortsExhausted
from media.leg import Leg
from media.ports import PortLeases

GiveBack: TypeAlias = Callable[[int, float], None]


class EndpointFactory:
    """Opens ports of a range on real sockets or on a network in memory."""

    def __init__(self, open_pair: Callable[[int, Leg, GiveBack], Endpoint], ports: tuple[int, int]) -> None:
        self._open_pair = open_pair
        self._leases = PortLeases(*ports)

    def __call__(self, leg: Leg, now: float) -> Endpoint:
        """Return the ports of ``leg``.

        Raises:
            PortsExhausted: none is free; ports that other programs hold are passed over.
        """
        refused: OSError | None = None
        for _ in range(self._leases.total):
            port = self._leases.lease(now)
            try:
                return self._open_pair(port, leg, self._leases.give_back)
            except OSError as error:
                self._leases.give_back(port, now)
                refused = error
        raise PortsExhausted(f"no RTP port can be opened: {refused}")
