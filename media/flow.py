"""The way of nearly every packet: read, counted, renumbered and sent on in one go.

What `Leg.on_packet`, `IncomingStream.count` and `Relay.forward` do one after another is done here for the one
case that is no news: the next packets of a stream that is relayed as it is. These calls, and what they look
up, would cost more than all else. Whatever is not that case goes there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from media.audience import Audience
from media.encoding import ONE_TICK_A_BYTE
from media.endpoint import Address
from media.incoming import WRAP, IncomingStream
from media.outgoing import VERSION_2
from media.relay import HEADER_BYTES, Relay
from media.sdp.agreement import StreamAgreement
from media.voice import Voice

Listen: TypeAlias = Callable[[bytes, int, int, float], None]
Receive: TypeAlias = Callable[[bytearray, int, Address | None, float], None]
"""Takes a datagram with its size, its source unless the network has checked it, and the time."""

_unpack = struct.Struct("!HHII").unpack_from
_pack_behind_the_first_byte = struct.Struct("!BHII").pack_into


class Borrower(Protocol):
    """Who moves the packets of streams, and has their numbers meanwhile: `media.fastpath`."""

    def settle(self, flow: Flow) -> None:
        """Give the numbers of a stream back, and what was kept of it."""

    def deliver(self, flow: Flow) -> None:
        """Give what was kept of a stream to who listens."""


def _look_again() -> None:
    """Do nothing: each packet is looked at."""


@dataclass(slots=True)
class Flow:
    """A stream that is relayed as it comes, or listened to, or both."""

    incoming: IncomingStream
    """Counts it."""
    relay: Relay | None
    """Knows where it goes; None: nobody hears it."""
    usual_type: int
    """Payload type under which it comes; another is news."""
    sent_type: int
    """Payload type under which it is sent."""
    otherwise: Receive
    """Takes all that is news."""
    listen: Listen | None
    """Takes the sound of each packet, its timestamp and SSRC, and when it came; None: nobody listens."""
    joins: bool
    """Whether what follows at once may be given to `listen` in one piece: each byte is a tick."""
    rival: Voice | None
    """Who else may speak to who hears it."""
    borrower: Borrower | None = field(default=None, init=False)
    """Has the numbers of this stream; None: they are where everybody looks for them."""
    descriptor: int = field(default=-1, init=False)
    """Of its socket, by which who borrows the numbers knows the stream."""
    look_again: Callable[[], None] = field(default=_look_again, init=False)
    """To be called when the numbers have been elsewhere: the next packet is news."""

    def settle(self) -> None:
        """Have the numbers of this stream here; to be called by whoever reads or changes them."""
        if self.borrower is not None:
            self.borrower.settle(self)

    def deliver(self) -> None:
        """Give `listen` what was kept of the stream; to be called a few times a second."""
        if self.borrower is not None:
            self.borrower.deliver(self)

    @property
    def is_alone(self) -> bool:
        """Whether nobody else speaks to who hears it, or is about to."""
        return self.rival is None or not self.rival.is_paced

    @property
    def is_plain(self) -> bool:
        """Whether it is relayed, and nothing else."""
        return self.relay is not None and self.listen is None

    def reader(
        self,
        read_into: Callable[[bytearray], int],
        packet: bytearray,
        parts: Sequence[memoryview],
        clock: Callable[[], float],
    ) -> Callable[[], None]:
        """Return what reads a datagram by ``read_into``, into ``packet``, and deals with it.

        ``parts`` are the beginnings of ``packet``, by their sizes; what is longer than all of them is news.
        The stream is one that is relayed, and nothing else.
        """
        relay = self.relay
        assert relay is not None
        incoming, out, otherwise = self.incoming, relay.out, self.otherwise
        usual_head = VERSION_2 << 8 | self.usual_type
        sent_type, clock_hz, longest = self.sent_type, incoming.clock_hz, len(parts)
        expected, known_ssrc, sequence_offset, timestamp_offset = self.position()

        def look_again() -> None:
            nonlocal expected
            expected = WRAP

        self.look_again = look_again

        def read() -> None:
            nonlocal expected, known_ssrc, sequence_offset, timestamp_offset
            try:
                size = read_into(packet)
            except OSError:
                # An ICMP error of an earlier packet: the far end is not listening (yet).
                return
            now = clock()
            head, sequence, timestamp, ssrc = _unpack(packet)
            if (
                sequence != expected
                or head != usual_head
                or ssrc != known_ssrc
                or out.source is not relay
                or out.is_taken
                or not HEADER_BYTES <= size < longest
            ):
                otherwise(packet, size, None, now)
                expected, known_ssrc, sequence_offset, timestamp_offset = self.position()
                return
            expected += 1
            incoming.highest = sequence
            incoming.received += 1
            incoming.heard_at = out.sent_at = now
            transit = now * clock_hz - timestamp
            change = transit - incoming.transit
            incoming.transit = transit
            if -clock_hz < change < clock_hz:
                jitter = incoming.jitter_ticks
                incoming.jitter_ticks = jitter + ((change if change > 0 else -change) - jitter) / 16
            out.sequence = sequence = (sequence + sequence_offset) & 0xFFFF
            out.timestamp = timestamp = (timestamp + timestamp_offset) & 0xFFFFFFFF
            out.packets += 1
            out.octets += size - HEADER_BYTES
            _pack_behind_the_first_byte(packet, 1, sent_type, sequence, timestamp, out.ssrc)
            try:
                out.send(parts[size])
            except OSError:
                return

        return read

    def position(self) -> tuple[int, int, int, int]:
        """Return the sequence number that is next and no news, the SSRC, and what is added on the way.

        The number is none that can come where the next packet has to be looked at in any case.
        """
        incoming, relay = self.incoming, self.relay
        if relay is None:
            return (incoming.highest + 1 if incoming.received else WRAP), incoming.ssrc, 0, 0
        sequence, offset = incoming.highest, relay.sequence_offset
        is_joined = incoming.ssrc == relay.ssrc and (sequence + offset) & 0xFFFF == relay.out.sequence
        return sequence + 1 if is_joined else WRAP, incoming.ssrc, offset, relay.timestamp_offset


def usual_flow(
    agreement: StreamAgreement,
    incoming: IncomingStream,
    relay: Relay | None,
    audience: Audience,
    *,
    otherwise: Receive,
    rival: Voice | None,
) -> Flow | None:
    """Return what comes as usual: plain, and relayed as it comes, listened to, or both; None: nothing."""
    usual_type = agreement.usual_type
    sent_type = 0 if relay is None else relay.unchanged(usual_type)
    codec = agreement.accepted.get(usual_type) if agreement.receives else None
    if sent_type is None or codec is None or not (relay or audience.listeners):
        return None
    return Flow(
        incoming,
        relay,
        usual_type,
        sent_type,
        otherwise=otherwise,
        listen=audience.listener_of(codec),
        joins=codec in ONE_TICK_A_BYTE,
        rival=rival,
    )
