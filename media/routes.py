"""Who hears what under which payload type, where two legs are bridged."""

from __future__ import annotations

from media.relay import Route
from media.sdp.negotiate import StreamAgreement
from media.transcode import converter


def routes(theirs: StreamAgreement | None, ours: StreamAgreement | None) -> dict[int, Route]:
    """Return how each payload type that ``theirs`` lets a speaker send reaches the listener of ``ours``.

    Nothing does while one of them is on hold or not connected.
    """
    if theirs is None or ours is None or not ours.sends or not theirs.receives:
        return {}
    table: dict[int, Route] = {}
    if ours.telephone_event is not None:
        table |= dict.fromkeys(theirs.event_payload_types, (ours.telephone_event, None))
    table |= {number: (ours.payload_type, converter(codec, ours.codec)) for number, codec in theirs.accepts}
    return table
