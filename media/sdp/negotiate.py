"""Offer and answer for one audio stream (RFC 3264).

A description made here tells only our own address: nothing of the far leg's body is copied into it but the
offerer's own payload numbers and the refused ``m=`` lines it must find again in the answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from media.encoding import ptime_for
from media.errors import NoCommonCodec
from media.multiplex import CONFLICTING
from media.sdp.agreement import StreamAgreement
from media.sdp.crypto import OFFERED_SUITES, Crypto, SrtpPolicy, StreamKeys, agree, read_crypto
from media.sdp.formats import Format, bit_rate, event_for, format_lines, our_formats, read_formats
from media.sdp.handshake import Handshake, answered_by, offer_lines
from media.sdp.local import LocalMedia
from media.sdp.model import MOST_REMEMBERED, Line, MediaDescription, SessionDescription
from media.sdp.network import ip_version_of, network_of, remote_of, rtcp_remote_of
from media.sdp.streams import DTLS_RTP, Security, answered_stream, choose_stream, is_ours, is_secure

_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)
_SENDS = ("sendrecv", "sendonly")
_RECEIVES = ("sendrecv", "recvonly")
_DIRECTION = {
    (True, True): "sendrecv",
    (True, False): "sendonly",
    (False, True): "recvonly",
    (False, False): "inactive",
}


def make_offer(local: LocalMedia, *, direction: str = "sendrecv", after: bytes = b"") -> bytes:
    """Return an offer of one audio stream with all codecs of ``local`` and DTMF events.

    ``after`` is our last description in the dialog: streams that it refused stay in their places, refused
    (RFC 3264 §8).
    """
    formats = our_formats(local.codecs, local.numbers)
    protocol, security = _offered_security(local)
    audio_stream = _audio(local, formats, direction, protocol=protocol, security=security)
    before = SessionDescription.parse(after).media if after else ()
    ours = next((number for number, stream in enumerate(before) if stream.port), len(before))
    refused = [_refuse(stream) for stream in before]
    return _describe(local, *refused[:ours], audio_stream, *refused[ours + 1 :])


def _offered_security(local: LocalMedia) -> tuple[str, tuple[Line, ...]]:
    """Return the protocol of an offer, and the lines that say how its stream is protected."""
    if local.offers_dtls:
        # Else RTCP would need a handshake of its own (RFC 5764 §3).
        mux = () if local.is_multiplexed else (Line("a", "rtcp-mux"),)
        return DTLS_RTP[0], (*offer_lines(local.fingerprint, local.handshake), *mux)
    offered = () if local.srtp is SrtpPolicy.OFF else local.crypto
    lines = tuple(crypto.line for crypto in offered if crypto.suite in OFFERED_SUITES)
    return "RTP/SAVP" if local.srtp.offers_savp else "RTP/AVP", lines


def make_answer(
    offer: bytes, local: LocalMedia, *, prefer: str | None = None
) -> tuple[bytes, StreamAgreement]:
    """Return the answer to ``offer`` and what it settles: one audio stream with one codec.

    The first codec of the offer that we have wins, or ``prefer`` if it is offered at all (the codec of the
    other leg, so that nothing need be transcoded). What else was offered is understood, too: nobody ought to
    send it (RFC 3264 §6.1), but some do. Further streams are refused by port 0 (RFC 3264 §6). Where
    one stream is offered plain and again with keys, the latter is taken.

    Raises:
        MalformedMedia: the offer cannot be read.
        NoCommonCodec: it has no stream that we could take.
    """
    theirs = SessionDescription.parse(offer)
    chosen, codec, security = choose_stream(theirs, local, prefer)
    local = local.by(ip_version_of(theirs, chosen))
    keys = agree(security, local.crypto) if isinstance(security, Crypto) else None
    handshake = security if isinstance(security, Handshake) else None
    formats = read_formats(chosen)
    event = event_for(formats, codec.clock_rate_hz)
    remote = remote_of(theirs, chosen)
    direction = _answer_direction(theirs.direction_of(chosen), is_on_hold=remote is None)
    accepted = (codec,) if event is None else (codec, event)
    is_multiplexed = _may_multiplex(chosen, accepted)
    if is_multiplexed is not local.is_multiplexed:
        local = replace(local, is_multiplexed=is_multiplexed)
    lines = handshake.lines if handshake is not None else _answered_key(security, keys)
    answered = _audio(local, accepted, direction, protocol=chosen.protocol, security=lines)
    streams = (answered if stream is chosen else _refuse(stream) for stream in theirs.media)
    ours = [known for known in formats if is_ours(known, local)]
    agreement = StreamAgreement(
        remote=remote,
        codec=codec.encoding,
        payload_type=codec.payload_type,
        accepts=tuple((each.payload_type, each.encoding) for each in dict.fromkeys((codec, *ours))),
        telephone_event=event.payload_type if event else None,
        receives_event=event.payload_type if event else None,
        ptime_ms=_ptime_ms(chosen, codec),
        sends=direction in _SENDS,
        receives=direction in _RECEIVES,
        keys=keys,
        handshake=handshake,
        is_savp=is_secure(chosen),
        is_multiplexed=local.is_multiplexed,
        remote_rtcp=rtcp_remote_of(theirs, chosen),
        event_rate_hz=event.clock_rate_hz if event else 8000,
        bit_rate=bit_rate(chosen, codec),
        shared=tuple(known.encoding for known in ours),
    )
    return _describe(local, *streams), agreement


def _answered_key(taken: Security, keys: StreamKeys | None) -> tuple[Line, ...]:
    """Return the one key line of an answer: the tag that was taken, and our own key (RFC 4568 §5.1.2)."""
    if not isinstance(taken, Crypto) or keys is None:
        return ()
    return (Crypto(taken.tag, keys.suite, keys.sending).line,)


def read_answer(offer: bytes, answer: bytes) -> StreamAgreement:
    """Return what ``answer`` settles of our own ``offer``.

    Of several codecs the first is taken. All that was offered may still arrive, under our numbers, and the
    codec of the answer under its number there, too: it ought not (RFC 3264 §5.1), but many send that.

    Raises:
        MalformedMedia: the answer cannot be read.
        NoCommonCodec: the stream was refused, or answered with what was not offered.
    """
    ours, theirs = SessionDescription.parse(offer), SessionDescription.parse(answer)
    asked, answered = answered_stream(ours, theirs)
    offered = read_formats(asked)
    known = {(wanted.encoding, wanted.clock_rate_hz): wanted for wanted in offered}
    accepted = [
        wanted
        for wanted in read_formats(answered, offered)
        if (wanted.encoding, wanted.clock_rate_hz) in known
    ]
    codec = next((wanted for wanted in accepted if not wanted.is_event), None)
    if codec is None:
        raise NoCommonCodec(f"answered with {' '.join(answered.formats)}, which was not offered")
    event = event_for(accepted, codec.clock_rate_hz)
    event_rate_hz = codec.clock_rate_hz if event is None else event.clock_rate_hz
    events = {wanted.clock_rate_hz: wanted.payload_type for wanted in offered if wanted.is_event}
    remote = remote_of(theirs, answered)
    asked_direction, direction = ours.direction_of(asked), theirs.direction_of(answered)
    keys, handshake = _answered_security(asked, answered, theirs)
    return StreamAgreement(
        remote=remote,
        codec=codec.encoding,
        payload_type=codec.payload_type,
        accepts=_accepts(offered, codec),
        telephone_event=event.payload_type if event else None,
        receives_event=events.pop(event_rate_hz, None),
        ptime_ms=_ptime_ms(answered, codec),
        sends=asked_direction in _SENDS and direction in _RECEIVES and remote is not None,
        receives=asked_direction in _RECEIVES and direction in _SENDS,
        keys=keys,
        handshake=handshake,
        is_savp=is_secure(answered),
        is_multiplexed=_is_multiplexed(asked) and _is_multiplexed(answered),
        remote_rtcp=rtcp_remote_of(theirs, answered),
        event_rate_hz=event_rate_hz,
        more_events=tuple((number, rate_hz) for rate_hz, number in events.items()),
        bit_rate=bit_rate(answered, codec),
    )


def _accepts(offered: tuple[Format, ...], answered: Format) -> tuple[tuple[int, str], ...]:
    """Return what may arrive as audio: what was offered, and the codec answered with under its own number."""
    used = {each.payload_type for each in offered}
    more = () if answered.payload_type in used else (answered,)
    return tuple((each.payload_type, each.encoding) for each in (*offered, *more) if not each.is_event)


def _answered_security(
    asked: MediaDescription, answered: MediaDescription, theirs: SessionDescription
) -> tuple[StreamKeys | None, Handshake | None]:
    """Return the keys that an answer settles, or the handshake that does; neither where plain RTP was taken.

    Raises:
        NoCommonCodec: SRTP was offered and is answered without what belongs to the offer.
    """
    if asked.attribute("fingerprint") is not None:  # whatever the protocol: it is that of their first offer
        handshake = answered_by(theirs, answered, asked=asked)
        if handshake is None:
            raise NoCommonCodec("DTLS is answered without a fingerprint that we could check")
        return None, handshake
    offered = {crypto.tag: crypto for crypto in read_crypto(asked)}
    for crypto in read_crypto(answered):
        ours = offered.get(crypto.tag)
        keys = None if ours is None else agree(crypto, (ours,))
        if keys is not None:
            return keys, None
    if is_secure(asked) or is_secure(answered):
        raise NoCommonCodec("SRTP is answered without a key for what was offered")
    return None, None


def _is_multiplexed(stream: MediaDescription) -> bool:
    """Return whether ``stream`` asks for RTCP on the RTP port, or grants it."""
    return stream.attribute("rtcp-mux") is not None


def _may_multiplex(offered: MediaDescription, accepted: tuple[Format, ...]) -> bool:
    """Return whether that is offered, and RTP and RTCP can be told apart then (RFC 5761 §4)."""
    return _is_multiplexed(offered) and not any(each.payload_type in CONFLICTING for each in accepted)


def _answer_direction(offered: str, *, is_on_hold: bool) -> str:
    """Return the direction to answer with (RFC 3264 §6.1); on hold we do not send (§8.4)."""
    sends = offered in _RECEIVES and not is_on_hold
    receives = offered in _SENDS
    return _DIRECTION[sends, receives]


def _ptime_ms(stream: MediaDescription, codec: Format) -> int:
    """Return how long our packets are: as ``stream`` asks, else 20, in whole 10 ms from 10 to 60."""
    return _ptime_of(codec.encoding, stream.attribute("ptime"), stream.attribute("maxptime"))


@lru_cache(maxsize=MOST_REMEMBERED)
def _ptime_of(encoding: str, ptime: str | None, maxptime: str | None) -> int:
    wanted, longest = _leading_number(ptime) or 20, _leading_number(maxptime) or 60
    return ptime_for(encoding, max(10, min(wanted, longest, 60)))


def _leading_number(value: str | None) -> int | None:
    match = _NUMBER.match(value or "")
    return int(match[0]) if match else None


def _describe(local: LocalMedia, *streams: MediaDescription) -> bytes:
    """Return a description of ours: no user, no name, no address but our own."""
    head = (
        Line("v", "0"),
        Line("o", f"- {local.session_id} {local.version} {network_of(local.origin or local.address)}"),
        Line("s", "-"),
        Line("c", network_of(local.address)),
        Line("t", "0 0"),
    )
    return SessionDescription(head, streams).to_bytes()


def _audio(
    local: LocalMedia,
    formats: tuple[Format, ...],
    direction: str,
    *,
    protocol: str,
    security: tuple[Line, ...],
) -> MediaDescription:
    """Return our audio stream with ``formats``, most wanted first."""
    lines = (
        *security,
        *format_lines(formats),
        Line("a", f"ptime:{local.ptime_ms}"),
        Line("a", direction),
        *((Line("a", "rtcp-mux"),) if local.is_multiplexed else ()),
    )
    return MediaDescription(
        "audio", local.port, protocol, tuple(str(known.payload_type) for known in formats), lines
    )


def _refuse(stream: MediaDescription) -> MediaDescription:
    """Return the answer to a stream that we do not take (RFC 3264 §6)."""
    return MediaDescription(stream.kind, 0, stream.protocol, stream.formats or ("0",))
