"""The timers of RFC 3261 §17 and table 4, with RFC 6026's L and M; all are seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """The three base values; 500 ms, 4 s and 5 s are what peers expect (§17.1.1.1, §17.1.2.2)."""

    t1: float = 0.5
    """Round-trip estimate: the first retransmission interval."""
    t2: float = 4.0
    """The longest retransmission interval of non-INVITE requests and INVITE responses."""
    t4: float = 5.0
    """How long a message can stay in the network."""

    @property
    def timer_a(self) -> float:
        """First INVITE retransmission; doubles without a cap."""
        return self.t1

    @property
    def timer_b(self) -> float:
        """INVITE given up while nothing at all came back."""
        return 64 * self.t1

    @property
    def timer_d(self) -> float:
        """Wait for repeated non-2xx finals over UDP; 32 s with the default T1, as §17.1.1.2 asks."""
        return 64 * self.t1

    @property
    def timer_e(self) -> float:
        """First non-INVITE retransmission; doubles up to T2."""
        return self.t1

    @property
    def timer_f(self) -> float:
        """Non-INVITE request given up."""
        return 64 * self.t1

    @property
    def timer_g(self) -> float:
        """First retransmission of a non-2xx final; doubles up to T2."""
        return self.t1

    @property
    def timer_h(self) -> float:
        """Wait for the ACK given up."""
        return 64 * self.t1

    @property
    def timer_i(self) -> float:
        """Wait for repeated ACKs over UDP."""
        return self.t4

    @property
    def timer_j(self) -> float:
        """Wait for repeated non-INVITE requests over UDP."""
        return 64 * self.t1

    @property
    def timer_k(self) -> float:
        """Wait for repeated non-INVITE finals over UDP."""
        return self.t4

    @property
    def timer_l(self) -> float:
        """Wait for repeated INVITEs after a 2xx (RFC 6026 §8.7)."""
        return 64 * self.t1

    @property
    def timer_m(self) -> float:
        """Wait for repeated and forked 2xx (RFC 6026 §8.4)."""
        return 64 * self.t1
