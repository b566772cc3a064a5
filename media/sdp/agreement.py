"""What offer and answer come to."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from media.encoding import OPUS_BIT_RATE, Encoding
from media.sdp.crypto import StreamKeys
from media.sdp.handshake import Handshake

MOST_REMEMBERED = 128
"""Agreements that differ in what they call their codecs: an office has a few."""


@dataclass(frozen=True, slots=True)
class StreamAgreement:
    """What offer and answer settled, seen from our side."""

    remote: tuple[str, int] | None
    """Where the peer wants to receive; None when it gave no address (``c=0.0.0.0``).

    A name is to be looked up before a leg is connected by it.
    """
    codec: str
    """The codec to send."""
    payload_type: int
    """The number under which the peer wants to receive it."""
    accepts: tuple[tuple[int, str], ...]
    """Payload type and codec of all audio that may arrive."""
    telephone_event: int | None
    """The payload type under which the peer wants DTMF events; None when it takes none."""
    receives_event: int | None
    """The payload type under which the peer was told to send DTMF events."""
    ptime_ms: int
    """Milliseconds of audio per packet that the peer wants, 10 to 60."""
    sends: bool
    """Whether we may send."""
    receives: bool
    """Whether the peer may send."""
    keys: StreamKeys | None = None
    """How both directions are protected; None: not at all, or by a `handshake` that is not over."""
    handshake: Handshake | None = None
    """How the keys come about, where SDP has none; nothing may be sent before."""
    is_savp: bool = False
    """Whether that was settled as ``RTP/SAVP``, and not as ``RTP/AVP`` with keys beside it."""
    event_rate_hz: int = 8000
    """The clock of DTMF events both ways: the codec's, where the peer has that."""
    more_events: tuple[tuple[int, int], ...] = ()
    """Payload type and clock of DTMF events that may come beside `receives_event`."""
    is_multiplexed: bool = False
    """Whether RTCP goes over the RTP port, both ways (RFC 5761)."""
    bit_rate: int = OPUS_BIT_RATE
    """Bits per second to send, where the codec leaves the choice."""
    remote_rtcp: tuple[str, int] | None = None
    """Where the peer wants its RTCP; None: at the port above `remote`, or at the same if multiplexed."""
    shared: tuple[str, ...] = ()
    """All codecs of the peer's offer that we have too, in its order; empty where the offer was ours."""

    def __post_init__(self) -> None:
        """Hold what most agreements have in common where it is: each call has two, in two processes."""
        for name in ("codec", "accepts", "more_events", "shared"):
            object.__setattr__(self, name, one_of_all(getattr(self, name)))

    @property
    def is_protected(self) -> bool:
        """Whether both directions are SRTP."""
        return self.keys is not None or self.handshake is not None

    def following(self, was: StreamAgreement | None) -> StreamAgreement:
        """Return this with the keys that its handshake has come to, if it goes on with that of ``was``."""
        if was is None or was.keys is None or was.handshake is None or was.handshake != self.handshake:
            return self
        return replace(self, keys=was.keys)

    @property
    def is_keyed_by_sdp(self) -> bool:
        """Whether they are by keys that SDP carries."""
        return self.keys is not None and self.handshake is None

    @property
    def encoding(self) -> Encoding:
        """How our sound must be encoded for the peer."""
        return Encoding(self.codec, self.ptime_ms, self.bit_rate)

    @property
    def usual_type(self) -> int:
        """The payload type under which the peer most likely speaks; -1 when that cannot be told."""
        return next((number for number, codec in self.accepts if codec == self.codec), -1)

    @property
    def accepted(self) -> Mapping[int, str]:
        """What may arrive, by payload type; one for all legs that settled the same."""
        return _by_type(self.accepts)

    @property
    def event_rates(self) -> Mapping[int, int]:
        """Every payload type under which DTMF events may come, and its clock.

        A peer that answers our 101 with a number of its own ought to send 101 all the same (RFC 3264 §5.1),
        yet many send the number they wrote themselves.
        """
        usual = self.receives_event, self.telephone_event
        return _event_rates(self.more_events, usual, self.event_rate_hz, self.accepts)


@lru_cache(4 * MOST_REMEMBERED)
def one_of_all(part: Hashable) -> Any:
    """Return the first that was equal to ``part``, so that many have it and memory once."""
    return part


@lru_cache(MOST_REMEMBERED)
def _by_type(accepts: tuple[tuple[int, str], ...]) -> Mapping[int, str]:
    return dict(accepts)


@lru_cache(MOST_REMEMBERED)
def _event_rates(
    more: tuple[tuple[int, int], ...],
    usual: tuple[int | None, int | None],
    usual_hz: int,
    accepts: tuple[tuple[int, str], ...],
) -> Mapping[int, int]:
    rates = dict(more)
    rates |= {number: usual_hz for number in usual if number is not None}
    audio = _by_type(accepts)
    return {number: rate for number, rate in rates.items() if number not in audio}
