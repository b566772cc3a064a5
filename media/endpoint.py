"""The way packets take between a leg and the network, and whose packets count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from media.outgoing import Packet, Send, discard

Address: TypeAlias = tuple[str, int]

MOST_CANDIDATES = 64
"""Sources that are on probation at a time; those that have sent least go first. So many new ones within the
time of a frame keep nobody from being believed; more of them those who have not sent twice."""
PROBATION = 3
"""Packets that must come from where the signalling does, behind NAT, before that is believed."""
FAR_PROBATION, FAR_PROBATION_S = 25, 0.4
"""The same, and for how long, from another port of the SDP's address, or from any other address: meanwhile
the peer is mostly heard where it should be, so that nobody who sends to all our ports takes its place."""
TRIAL_S = 5.0
"""For which another source than the SDP's is believed while that one still takes its place: who still sends
to the call that had our port before may do so from a carrier's very address, be first, and send faster."""


class Endpoint(Protocol):
    """A leased RTP port and the RTCP port above it."""

    @property
    def address(self) -> Address:
        """Where RTP is received."""

    def aim(self, remote: Address) -> Send:
        """Hear everybody; return what sends to ``remote``."""

    def lock(self, remote: Address) -> Send:
        """Hear nobody but ``remote``, if the network can; return what sends there."""

    def read_anew(self) -> None:
        """Learn of the leg how to read, as that has changed."""

    def leave(self) -> None:
        """Hear everybody and send to nobody: the far end has gone to another address of ours."""

    def multiplex(self, *, is_on: bool) -> None:
        """Have RTCP on the RTP port at both ends, or on the ports above; to be told before `aim`."""

    def send_rtcp(self, packet: Packet, to: Address | None) -> None:
        """Send to ``to``, else to the port above the remote one, or to the same where RTCP is multiplexed."""

    def close(self) -> None:
        """Unbind both."""


def is_ipv6(address: Address) -> bool:
    """Return whether ``address`` is one of IPv6."""
    return ":" in address[0]


class LegPorts:
    """The ports of a leg: one number, by IPv4, by IPv6 or by both, of which one is in use at a time."""

    __slots__ = ("_aimed", "_endpoints", "_give_back", "_used", "rtcp_remote")

    def __init__(self, endpoints: Sequence[Endpoint], give_back: Callable[[int], None]) -> None:
        """``endpoints`` have the same port and not the same IP version; the first is used until aimed.

        ``give_back`` is told the port in the end.
        """
        self._endpoints = tuple(endpoints)
        self._used = self._endpoints[0]
        self._aimed: Address | None = None
        self.rtcp_remote: Address | None = None
        """Where the far end has its RTCP, if not where it usually is; until aimed or locked elsewhere."""
        self._give_back = give_back

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses at which RTP is received."""
        return tuple(endpoint.address[0] for endpoint in self._endpoints)

    @property
    def port(self) -> int:
        """The port at which RTP is received, at each of them."""
        return self._used.address[1]

    def aim(self, remote: Address) -> Send:
        """Hear everybody; return what sends to ``remote``, by the IP version of that."""
        self._turn_to(remote)
        self._used.leave()
        for endpoint in self._endpoints:
            if is_ipv6(endpoint.address) == is_ipv6(remote):
                self._used = endpoint
                return endpoint.aim(remote)
        return discard

    def lock(self, remote: Address) -> Send:
        """Hear nobody but ``remote``, which is of the IP version aimed at; return what sends there."""
        self._turn_to(remote)
        return self._used.lock(remote)

    def _turn_to(self, remote: Address) -> None:
        if remote != self._aimed:
            self._aimed, self.rtcp_remote = remote, None

    def read_anew(self) -> None:
        """Learn of the leg how to read, as that has changed."""
        self._used.read_anew()

    def multiplex(self, *, is_on: bool) -> None:
        """Have RTCP on the RTP port from now on, or on the one above."""
        for endpoint in self._endpoints:
            endpoint.multiplex(is_on=is_on)

    def send_rtcp(self, packet: Packet) -> None:
        """Send to where the far end has RTCP."""
        self._used.send_rtcp(packet, self.rtcp_remote)

    def close(self) -> None:
        """Give the ports back."""
        for endpoint in self._endpoints:
            endpoint.close()
        self._give_back(self.port)


class _Terms(NamedTuple):
    """What somebody has to do to be believed."""

    whose: str
    """Where they are."""
    packets: int
    """How many must come from there."""
    seconds: float
    """For how long they must."""


_NEAR = _Terms("where the signalling comes from", PROBATION, 0.0)
_HOME = _Terms("at the SDP's address", FAR_PROBATION, FAR_PROBATION_S)
_FAR = _Terms("elsewhere", FAR_PROBATION, FAR_PROBATION_S)


class _Probation:
    """Counts the packets of whoever might be the peer, so that nobody else's hold up theirs."""

    __slots__ = ("_seen", "_terms")

    def __init__(self, terms: _Terms) -> None:
        self._terms = terms
        self._seen: dict[Address, tuple[int, float]] = {}
        """How many came from each, and when the first did."""

    def is_passed_by(self, source: Address, now: float) -> bool:
        """Return whether ``source`` has now sent enough, for long enough."""
        seen, since = self._seen.pop(source, (0, now))
        self._seen[source] = seen + 1, since
        if len(self._seen) > MOST_CANDIDATES:
            del self._seen[min(self._seen, key=lambda each: self._seen[each][0])]
        return seen + 1 >= self._terms.packets and now - since >= self._terms.seconds


class Latch:
    """Symmetric RTP (RFC 4961): believe the SDP's IP address, find out the port, and stay there.

    Another port of that address is on trial as long as nothing comes from the one that was agreed, and both
    are sent to: whoever shares an address with a peer, or forges it, keeps no sound from one that listens.

    One decision for each address that an SDP names, which itself is believed at once, and for a while in the
    place of another. Another IP address is believed only where the peer is known to sit behind NAT, which
    changes no IPv4 into IPv6: soon the one that its signalling comes from, which for a while still takes the
    place of another, later any. Packets from anywhere else change nothing from then on.

    What is still under way when a far end goes to another port is heard, but no reason to send there again.

    A NAT may have forgotten who was silent on hold: they may be back from another port of where they were.
    """

    __slots__ = (
        "_allows_nat", "_former", "_is_back", "_peer_host", "_probations", "_trial_ends", "expected",
        "is_settled", "source", "strangers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.expected: Address | None = None
        self.source: Address | None = None
        """Where RTP comes from; None until that is decided."""
        self.strangers = 0
        """Packets of others that were dropped."""
        self.is_settled = False
        """Whether no other source can take the place of this one any more."""
        self._former: Address | None = None
        """Where RTP came from before an SDP named another address."""
        self._trial_ends = 0.0
        self._is_back = False
        """Whether the far end was on hold, and was not heard since."""
        self._allows_nat = False
        self._peer_host = ""
        self._probations: dict[_Terms, _Probation] = {}
        """Under way; mostly none."""

    def expect(self, remote: Address, *, allows_nat: bool, peer_host: str = "") -> bool:
        """Take the address of an SDP; return whether it is a new one, so that the source is open again.

        ``peer_host`` is the IP address that the signalling comes from.
        """
        self._allows_nat, self._peer_host = allows_nat, peer_host
        if remote == self.expected:
            return False
        self._former = None if self.expected is None else self.source or self._former
        self._open(remote)
        return True

    def forget(self) -> None:
        """Let the next SDP open the source anew, whatever address it names."""
        self._open(None)

    def _open(self, expected: Address | None) -> None:
        self.expected, self.source, self.is_settled, self._is_back = expected, None, False, False
        self._probations.clear()

    def reopen(self) -> bool:
        """Take that the far end is back from hold; return whether it may now come from another port."""
        source = self.source
        self._is_back = source is not None and self._allows_nat and not self._is_at_home(source)
        if self._is_back:
            self.is_settled = False
            self._probations.clear()
        return self._is_back

    def is_sure_of(self, source: Address) -> bool:
        """Return whether ``source`` counts, and nobody can take its place."""
        return self.is_settled and source == self.source

    def may_prove(self, source: Address) -> bool:
        """Return whether ``source`` is let prove by a handshake that it is the peer.

        No answer goes to an address that neither SDP nor signalling tells, which may not have asked for any.
        """
        return source[0] in self.hosts if self.source is None else source == self.source

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses at which the peer may be, as far as anybody has told or proved it."""
        if self.source is not None:
            return (self.source[0],)
        if self.expected is None:
            return ()
        return (self.expected[0], self._peer_host) if self._allows_nat else (self.expected[0],)

    def believe(self, source: Address) -> None:
        """Take that ``source`` has proved to be the peer."""
        self.source, self.is_settled = source, True

    @property
    def targets(self) -> tuple[Address, ...]:
        """Where to send to, the source that is believed last."""
        expected, source = self.expected, self.source
        if source is None or expected is None:
            return ()
        is_on_trial = source != expected and self._is_at_home(source)
        return (expected, source) if is_on_trial else (source,)

    def _is_at_home(self, source: Address) -> bool:
        return self.expected is not None and source[0] == self.expected[0]

    def admits(self, source: Address, now: float) -> bool:
        """Return whether a packet from ``source`` counts; the first that does mostly decides."""
        if self.source is not None and source == self.source:
            is_over = now >= self._trial_ends and not self._is_at_home(source)
            self.is_settled = self.is_settled or is_over
            self._is_back = False
            return True
        may_decide = self.source is None or (self._is_nearer(source) and not self.is_settled)
        if may_decide and self._convinces(source, now):
            self.source, self.is_settled, self._is_back = source, source == self.expected, False
            self._trial_ends = now + TRIAL_S
            return True
        if self.source is None and source == self._former and self._terms_for(source) is not None:
            return True
        self.strangers += 1
        return False

    def _is_nearer(self, source: Address) -> bool:
        """Return whether ``source`` is more likely the peer than who is believed to be it for now."""
        assert self.source is not None
        if source == self.expected or (self._is_back and source[0] == self.source[0]):
            return True
        is_far = self.source[0] != self._peer_host and (
            self.expected is None or self.source[0] != self.expected[0]
        )
        return source[0] == self._peer_host and is_far

    def _convinces(self, source: Address, now: float) -> bool:
        if source == self.expected:
            return True
        terms = self._terms_for(source)
        if terms is None:
            return False
        return self._probations.setdefault(terms, _Probation(terms)).is_passed_by(source, now)

    def _terms_for(self, source: Address) -> _Terms | None:
        """Return what ``source`` has to pass to be believed; None: it cannot be the peer."""
        if self.expected is None:
            return None
        if self._is_at_home(source):
            return _HOME
        if not self._allows_nat or is_ipv6(source) != is_ipv6(self.expected):
            return None
        return _NEAR if source[0] == self._peer_host and source != self._former else _FAR
