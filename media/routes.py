"""Who hears what under which payload type, where two legs are bridged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import TypeGuard

from media.dtmf import rescale
from media.outgoing import OutgoingStream
from media.relay import Convert, Route
from media.sdp.agreement import MOST_REMEMBERED, StreamAgreement
from media.transcode import Transcoder, table


def is_open(theirs: StreamAgreement | None, ours: StreamAgreement | None) -> bool:
    """Return whether a speaker of ``theirs`` may be heard by the listener of ``ours``: none is on hold."""
    return _is_settled(theirs) and _is_settled(ours) and ours.sends and theirs.receives


def _is_settled(agreement: StreamAgreement | None) -> TypeGuard[StreamAgreement]:
    return agreement is not None


def routes(theirs: StreamAgreement | None, ours: StreamAgreement | None) -> Mapping[int, Route]:
    """Return how each payload type that ``theirs`` lets a speaker send reaches the listener of ``ours``.

    Nothing does while one of them is on hold or not connected. What must be decoded is left to `transcoder`,
    and with it the events of a speaker who usually must be: both are one stream, on one clock.
    """
    if theirs is None or ours is None or not is_open(theirs, ours):
        return {}
    has_events = ours.telephone_event is not None and _is_relayed(theirs.codec, ours.codec)
    events = tuple(theirs.event_rates.items()) if has_events else ()
    to = ours.codec, ours.payload_type
    return _routes(theirs.accepts, to, events, ours.telephone_event or 0, ours.event_rate_hz)


@lru_cache(MOST_REMEMBERED)
def _routes(
    accepts: tuple[tuple[int, str], ...],
    to: tuple[str, int],
    events: tuple[tuple[int, int], ...],
    event_type: int,
    event_hz: int,
) -> Mapping[int, Route]:
    """Return them for all legs that settled the same."""
    to_codec, to_type = to
    routed: dict[int, Route] = {number: (event_type, _rescaled(hz, event_hz)) for number, hz in events}
    return routed | {
        number: (to_type, table(codec, to_codec)) for number, codec in accepts if _is_relayed(codec, to_codec)
    }


def must_decode(theirs: StreamAgreement, ours: StreamAgreement | None) -> bool:
    """Return whether what the speaker usually sends is nothing that the listener takes as it is."""
    return ours is not None and not _is_relayed(theirs.codec, ours.codec)


def transcoder(theirs: StreamAgreement, ours: StreamAgreement, out: OutgoingStream) -> Transcoder:
    """Return what speaks into ``out`` all that `routes` leaves out."""
    return Transcoder(
        out,
        ours.encoding,
        accepts={number: codec for number, codec in theirs.accepts if not _is_relayed(codec, ours.codec)},
        events=_events(theirs, ours),
        event_type=ours.telephone_event,
    )


def _is_relayed(codec: str, to_codec: str) -> bool:
    return codec == to_codec or table(codec, to_codec) is not None


def _events(theirs: StreamAgreement, ours: StreamAgreement) -> dict[int, Convert | None]:
    """Return each payload type of events, and how their durations get to the listener's clock."""
    return {number: _rescaled(hz, ours.event_rate_hz) for number, hz in theirs.event_rates.items()}


def _rescaled(rate_hz: int, to_hz: int) -> Convert | None:
    return None if rate_hz == to_hz else partial(rescale, rate_hz=rate_hz, to_hz=to_hz)
