"""A network inside the process, for tests: it delays, loses, repeats, reorders, and keeps a log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from b2bua.sip.transport.hop import Hop, Receiver


@dataclass(frozen=True, slots=True)
class Packet:
    """One message as it was sent."""

    at: float
    """Loop time of sending, or of arrival."""
    source: Hop
    """Who sent it."""
    destination: Hop
    """To whom."""
    wire: bytes
    """What."""

    @property
    def start_line(self) -> str:
        """First line: the request or status line."""
        return self.wire.split(b"\r\n", 1)[0].decode(errors="replace")


class MemoryNetwork:
    """Carries packets between :class:`MemoryTransport` ends; every choice comes from ``random``.

    ``log`` holds what was sent, ``arrived`` what was received, both in order.
    """

    def __init__(
        self,
        random: Random | None = None,
        *,
        latency_s: float = 0.001,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
    ) -> None:
        """Probabilities are 0..1 per packet; a reordered packet is late by up to ten latencies."""
        self.latency_s = latency_s
        self.jitter_s = jitter_s
        self.loss = loss
        self.duplicate = duplicate
        self.reorder = reorder
        self.log: list[Packet] = []
        self.arrived: list[Packet] = []
        self._random = random or Random(0)
        self._ends: dict[Hop, MemoryTransport] = {}
        self._closed: set[Hop] = set()
        self._black_holes: set[str] = set()
        self._drops: list[Callable[[bytes], bool]] = []
        self._on_the_way: dict[float, list[tuple[bytes, Hop, Hop]]] = {}
        """What arrives, by the time of that."""

    def transport(self, host: str, port: int = 5060, *, transport: str = "udp") -> MemoryTransport:
        """Return a new end bound to that address."""
        hop = Hop(transport, host, port)
        end = MemoryTransport(self, hop)
        self._ends[hop] = end
        self._closed.discard(hop)
        return end

    def drop_next(self, predicate: Callable[[bytes], bool]) -> None:
        """Lose the next packet for which ``predicate`` holds; several calls lose several."""
        self._drops.append(predicate)

    def blackhole(self, host: str, on: bool = True) -> None:
        """Let every packet from and to ``host`` vanish without a word, as behind a dead router."""
        if on:
            self._black_holes.add(host)
        else:
            self._black_holes.discard(host)

    def lines(self, since: int = 0) -> list[str]:
        """Return the start lines sent so far, in order."""
        return [packet.start_line for packet in self.log[since:]]

    def release(self, hop: Hop) -> None:
        """Forget the end at ``hop``; from now on its host answers "port unreachable"."""
        if self._ends.pop(hop, None) is not None:
            self._closed.add(hop)

    def unplug(self, hop: Hop) -> None:
        """Let the end at ``hop`` neither send nor hear any more, whoever gets its address later."""
        end = self._ends.get(hop)
        if end is not None:
            end.pull_plug()
            self.release(hop)

    def carry(self, wire: bytes, source: Hop, destination: Hop) -> None:
        """Send one packet through everything that the network does to it; a released end sends nothing."""
        if source not in self._ends:
            return
        loop = asyncio.get_running_loop()
        self.log.append(Packet(loop.time(), source, destination, wire))
        if self._is_lost(wire, source, destination):
            return
        copies = 2 if destination.transport == "udp" and self._random.random() < self.duplicate else 1
        for _ in range(copies):
            self._carry_until(loop.time() + self._delay(destination), wire, source, destination)

    def _carry_until(self, when: float, wire: bytes, source: Hop, destination: Hop) -> None:
        """Deliver at ``when``, behind what was sent before to arrive then: a loop's timers keep no order."""
        on_the_way = self._on_the_way.get(when)
        if on_the_way is None:
            on_the_way = self._on_the_way[when] = []
            asyncio.get_running_loop().call_at(when, self._arrive_all, when)
        on_the_way.append((wire, source, destination))

    def _arrive_all(self, when: float) -> None:
        for wire, source, destination in self._on_the_way.pop(when):
            self._arrive(wire, source, destination)

    def _is_lost(self, wire: bytes, source: Hop, destination: Hop) -> bool:
        if source.host in self._black_holes or destination.host in self._black_holes:
            return True
        for predicate in self._drops:
            if predicate(wire):
                self._drops.remove(predicate)
                return True
        return destination.transport == "udp" and self._random.random() < self.loss

    def _delay(self, destination: Hop) -> float:
        if destination.is_reliable:
            return self.latency_s
        delay = self.latency_s + self._random.random() * self.jitter_s
        if self._random.random() < self.reorder:
            delay += self._random.random() * 10 * self.latency_s
        return delay

    def _arrive(self, wire: bytes, source: Hop, destination: Hop) -> None:
        end = self._ends.get(destination)
        if end is not None:
            self.arrived.append(Packet(asyncio.get_running_loop().time(), source, destination, wire))
            end.arrive(wire, source)
        elif destination in self._closed and source in self._ends:
            self._ends[source].fail(destination, "Connection refused")


class MemoryTransport:
    """One address of a :class:`MemoryNetwork`."""

    def __init__(self, network: MemoryNetwork, local: Hop) -> None:
        self.local = local
        self.advertised: str | None = None
        self._network = network
        self._receiver: Receiver | None = None
        self._is_unplugged = False

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def is_connected(self, hop: Hop) -> bool:
        return hop.transport == self.local.transport

    def give_up(self, hop: Hop) -> None:
        """There are no connections here."""

    def pull_plug(self) -> None:
        """Take it off the network for good."""
        self._is_unplugged = True
        self._receiver = None

    def send(self, wire: bytes, hop: Hop) -> None:
        if not self._is_unplugged:
            self._network.carry(wire, self.local, hop)

    def arrive(self, wire: bytes, source: Hop) -> None:
        """Take a packet from the network."""
        if self._receiver is not None:
            self._receiver.receive(wire, source, self)

    def fail(self, destination: Hop, why: str) -> None:
        """Take an ICMP error from the network."""
        if self._receiver is not None:
            self._receiver.destination_failed(destination, why)

    async def close(self) -> None:
        self._receiver = None
        if not self._is_unplugged:
            self._network.release(self.local)
