"""Offer and answer for one audio stream (RFC 3264).

A description made here tells only our own address: nothing of the far leg's body is copied into it but the
offerer's own payload numbers and the refused ``m=`` lines it must find again in the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from media.encoding import clock_rate_hz, ptime_for
from media.errors import NoCommonCodec
from media.multiplex import CONFLICTING
from media.sdp.agreement import StreamAgreement
from media.sdp.crypto import OFFERED_SUITES, Crypto, SrtpPolicy, StreamKeys, agree, read_crypto
from media.sdp.formats import OPUS, Format, bit_rate, event_for, format_lines, our_formats, read_formats
from media.sdp.model import MOST_REMEMBERED, Line, MediaDescription, SessionDescription
from media.sdp.network import (
    address_of,
    ip_version_of,
    is_name,
    network_of,
    read_ip,
    remote_of,
    rtcp_remote_of,
)

PLAIN_RTP = ("RTP/AVP", "RTP/AVPF")
SECURE_RTP = ("RTP/SAVP", "RTP/SAVPF")

_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)
_SENDS = ("sendrecv", "sendonly")
_RECEIVES = ("sendrecv", "recvonly")
_DIRECTION = {
    (True, True): "sendrecv",
    (True, False): "sendonly",
    (False, True): "recvonly",
    (False, False): "inactive",
}


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our side of the stream."""

    address: str
    """The IP address at which we receive."""
    port: int
    """The RTP port at which we receive."""
    session_id: int
    """Stays the same for the whole dialog."""
    version: int
    """Goes up by one with each changed description (RFC 3264 §8)."""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """What we can send and receive, most wanted first."""
    ptime_ms: int = 20
    """Milliseconds of audio per packet that we would like to get."""
    srtp: SrtpPolicy = SrtpPolicy.OFF
    """Whether the stream is protected."""
    crypto: tuple[Crypto, ...] = ()
    """Our keys, one for each suite; the same for the whole dialog, so that re-INVITEs change no context."""
    other_address: str | None = None
    """Where else we receive at that port: by the other IP version."""
    origin: str | None = None
    """The address of the dialog's first description, which its ``o=`` keeps (RFC 3264 §8)."""
    numbers: tuple[tuple[str, int], ...] = ()
    """Codecs whose payload types the peer knows; they stay the same for the dialog (RFC 3264 §8.3.2)."""

    is_multiplexed: bool = False
    """Whether our offers ask for RTCP on the RTP port: the peer has agreed to that (RFC 5761 §5.1.1)."""

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions by which we can receive, the one at hand first."""
        own = (self.address,) if self.other_address is None else (self.address, self.other_address)
        return tuple([read_ip(each).version for each in own])

    def by(self, version: int | None) -> LocalMedia:
        """Return the same at our address of that IP version; ``self`` where we have none or need none."""
        if self.other_address is None or version != self.versions[1]:
            return self
        return replace(self, address=self.other_address, other_address=self.address)

    def after(self, agreement: StreamAgreement) -> LocalMedia:
        """Return how to go on in a dialog: by the IP version, protocol and payload types that the peer took.

        Raises:
            NoCommonCodec: the peer is to be reached by an IP version that we do not have.
        """
        remote = agreement.remote
        version = None if remote is None or is_name(remote[0]) else read_ip(remote[0]).version
        if version is not None and version not in self.versions:
            raise NoCommonCodec(f"answered with an address of IPv{version}, which we do not have")
        local = self.by(version)
        numbers = dict(self.numbers) | {codec: number for number, codec in reversed(agreement.accepts)}
        srtp = self.srtp
        if srtp in (SrtpPolicy.OFFERED, SrtpPolicy.BEST_EFFORT):
            srtp = SrtpPolicy.OFFERED if agreement.is_savp else SrtpPolicy.BEST_EFFORT
        return replace(
            local,
            origin=self.origin or local.address,
            srtp=srtp,
            numbers=tuple(numbers.items()),
            is_multiplexed=agreement.is_multiplexed,
        )


def make_offer(local: LocalMedia, *, direction: str = "sendrecv", after: bytes = b"") -> bytes:
    """Return an offer of one audio stream with all codecs of ``local`` and DTMF events.

    ``after`` is our last description in the dialog: streams that it refused stay in their places, refused
    (RFC 3264 §8).
    """
    formats = our_formats(local.codecs, local.numbers)
    protocol = "RTP/SAVP" if local.srtp.offers_savp else "RTP/AVP"
    offered = () if local.srtp is SrtpPolicy.OFF else local.crypto
    crypto = tuple(each for each in offered if each.suite in OFFERED_SUITES)
    audio_stream = _audio(local, formats, direction, protocol=protocol, crypto=crypto)
    before = SessionDescription.parse(after).media if after else ()
    ours = next((number for number, stream in enumerate(before) if stream.port), len(before))
    refused = [_refuse(stream) for stream in before]
    return _describe(local, *refused[:ours], audio_stream, *refused[ours + 1 :])


def make_answer(
    offer: bytes, local: LocalMedia, *, prefer: str | None = None
) -> tuple[bytes, StreamAgreement]:
    """Return the answer to ``offer`` and what it settles: one audio stream with one codec.

    The first codec of the offer that we have wins, or ``prefer`` if it is offered at all (the codec of the
    other leg, so that nothing need be transcoded). Further streams are refused by port 0 (RFC 3264 §6). Where
    one stream is offered plain and again with keys, the latter is taken.

    Raises:
        MalformedMedia: the offer cannot be read.
        NoCommonCodec: it has no stream that we could take.
    """
    theirs = SessionDescription.parse(offer)
    chosen, codec, taken = _choose_stream(theirs, local, prefer)
    local = local.by(ip_version_of(theirs, chosen))
    keys = None if taken is None else agree(taken, local.crypto)
    formats = read_formats(chosen)
    event = event_for(formats, codec.clock_rate_hz)
    remote = remote_of(theirs, chosen)
    direction = _answer_direction(theirs.direction_of(chosen), is_on_hold=remote is None)
    accepted = (codec,) if event is None else (codec, event)
    is_multiplexed = _may_multiplex(chosen, accepted)
    if is_multiplexed is not local.is_multiplexed:
        local = replace(local, is_multiplexed=is_multiplexed)
    answered = _audio(
        local, accepted, direction, protocol=chosen.protocol, crypto=_answered_crypto(taken, keys)
    )
    streams = (answered if stream is chosen else _refuse(stream) for stream in theirs.media)
    agreement = StreamAgreement(
        remote=remote,
        codec=codec.encoding,
        payload_type=codec.payload_type,
        accepts=((codec.payload_type, codec.encoding),),
        telephone_event=event.payload_type if event else None,
        receives_event=event.payload_type if event else None,
        ptime_ms=_ptime_ms(chosen, codec),
        sends=direction in _SENDS,
        receives=direction in _RECEIVES,
        keys=keys,
        is_savp=_is_secure(chosen),
        is_multiplexed=local.is_multiplexed,
        remote_rtcp=rtcp_remote_of(theirs, chosen),
        event_rate_hz=event.clock_rate_hz if event else 8000,
        bit_rate=bit_rate(chosen, codec),
        shared=tuple(known.encoding for known in formats if _is_ours(known, local)),
    )
    return _describe(local, *streams), agreement


def _answered_crypto(taken: Crypto | None, keys: StreamKeys | None) -> tuple[Crypto, ...]:
    """Return the one line of an answer: the tag that was taken, and our own key (RFC 4568 §5.1.2)."""
    if taken is None or keys is None:
        return ()
    return (Crypto(taken.tag, keys.suite, keys.sending),)


def read_answer(offer: bytes, answer: bytes) -> StreamAgreement:
    """Return what ``answer`` settles of our own ``offer``.

    Of several codecs the first is taken. All that was offered may still arrive, under our numbers, and the
    codec of the answer under its number there, too: it ought not (RFC 3264 §5.1), but many send that.

    Raises:
        MalformedMedia: the answer cannot be read.
        NoCommonCodec: the stream was refused, or answered with what was not offered.
    """
    ours, theirs = SessionDescription.parse(offer), SessionDescription.parse(answer)
    asked, answered = _answered_stream(ours, theirs)
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
        keys=_answered_keys(asked, answered),
        is_savp=_is_secure(answered),
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


def _answered_keys(asked: MediaDescription, answered: MediaDescription) -> StreamKeys | None:
    """Return the keys that an answer settles; None where plain RTP was offered and taken.

    Raises:
        NoCommonCodec: SRTP was offered and is answered without a key that belongs to the offer.
    """
    offered = {crypto.tag: crypto for crypto in read_crypto(asked)}
    for crypto in read_crypto(answered):
        ours = offered.get(crypto.tag)
        keys = None if ours is None else agree(crypto, (ours,))
        if keys is not None:
            return keys
    if _is_secure(asked) or _is_secure(answered):
        raise NoCommonCodec("SRTP is answered without a key for what was offered")
    return None


def _choose_stream(
    theirs: SessionDescription, local: LocalMedia, prefer: str | None
) -> tuple[MediaDescription, Format, Crypto | None]:
    """Return the first stream of the offer that we can take, the codec, and the key line to take.

    Raises:
        MalformedMedia: a connection line cannot be read.
        NoCommonCodec: there is none.
    """
    for stream, crypto in _candidates(theirs, local):
        address = address_of(theirs, stream)
        if address is not None and address.version not in local.versions:
            continue
        common = [known for known in read_formats(stream) if _is_ours(known, local)]
        if common:
            codec = next((known for known in common if known.encoding == prefer), common[0])
            return stream, codec, crypto
    offered = "; ".join(str(stream) for stream in theirs.media) or "no stream"
    networks = " and ".join(f"IPv{version}" for version in sorted(local.versions))
    raise NoCommonCodec(
        f"offered {offered}; we have {networks} and {', '.join(local.codecs)}, SRTP is {local.srtp}"
    )


def _candidates(
    theirs: SessionDescription, local: LocalMedia
) -> list[tuple[MediaDescription, Crypto | None]]:
    """Return the audio streams that our SRTP policy admits, those with a key that we can use first."""
    secured: list[tuple[MediaDescription, Crypto | None]] = []
    plain: list[tuple[MediaDescription, Crypto | None]] = []
    for stream in filter(_is_usable, theirs.media):
        crypto = _their_crypto(stream, local)
        if _is_secure(stream):
            secured += [(stream, crypto)] if crypto is not None else []
        elif local.srtp is not SrtpPolicy.REQUIRED:
            (plain if crypto is None else secured).append((stream, crypto))
    return secured + plain


def _their_crypto(stream: MediaDescription, local: LocalMedia) -> Crypto | None:
    """Return the first key line of ``stream`` for which we have a key too, if SRTP is not off."""
    if local.srtp is SrtpPolicy.OFF:
        return None
    return next((each for each in read_crypto(stream) if agree(each, local.crypto) is not None), None)


def _is_ours(known: Format, local: LocalMedia) -> bool:
    """Return whether ``known`` is one of our codecs, at its usual rate and number of channels."""
    channels = OPUS.channels if known.encoding == OPUS.encoding else 1
    is_usual = known.clock_rate_hz == clock_rate_hz(known.encoding) and known.channels == channels
    return known.encoding in local.codecs and is_usual


def _is_usable(stream: MediaDescription) -> bool:
    """Return whether ``stream`` is audio over RTP that is not switched off."""
    return stream.kind == "audio" and stream.port != 0 and stream.protocol.upper() in PLAIN_RTP + SECURE_RTP


def _is_secure(stream: MediaDescription) -> bool:
    """Return whether ``stream`` is SRTP or nothing."""
    return stream.protocol.upper() in SECURE_RTP


def _is_multiplexed(stream: MediaDescription) -> bool:
    """Return whether ``stream`` asks for RTCP on the RTP port, or grants it."""
    return stream.attribute("rtcp-mux") is not None


def _may_multiplex(offered: MediaDescription, accepted: tuple[Format, ...]) -> bool:
    """Return whether that is offered, and RTP and RTCP can be told apart then (RFC 5761 §4)."""
    return _is_multiplexed(offered) and not any(each.payload_type in CONFLICTING for each in accepted)


def _answered_stream(
    ours: SessionDescription, theirs: SessionDescription
) -> tuple[MediaDescription, MediaDescription]:
    """Return the first stream that both sides want, as offered and as answered.

    Raises:
        NoCommonCodec: there is none.
    """
    for asked, answered in zip(ours.media, theirs.media, strict=False):
        if _is_usable(asked) and _is_usable(answered):
            return asked, answered
    raise NoCommonCodec("the answer refuses the stream")


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
    crypto: tuple[Crypto, ...],
) -> MediaDescription:
    """Return our audio stream with ``formats``, most wanted first."""
    lines = (
        *(each.line for each in crypto),
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
