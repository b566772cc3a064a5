"""Digits on their way through a call: RFC 4733 events and SIP INFO bodies, both directions pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from media.commands import PlayItem, Silence, Tone
from media.errors import MalformedMedia
from media.rtp import sequence_delta, timestamp_delta

DIGITS = "0123456789*#ABCD"
"""In the order of their event codes (RFC 4733 §3.2)."""
END_REPEATS = 3
"""An end is sent three times, so that losing one does not matter (RFC 4733 §2.5.1.4)."""
SEGMENT_TICKS = 0xFFFF
"""A longer press goes on under a new timestamp (RFC 4733 §2.5.1.3)."""

LOW_HZ = (697.0, 770.0, 852.0, 941.0)
HIGH_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
"""Rows by their low tone, columns by their high one (ITU-T Q.23)."""
TONE_SECONDS = 0.1
"""Of a key's tones, and of the pause behind them."""
TONE_DB = -11.0
"""Of each, below a full-scale sine: about -8 dBm0, as loud as telephones press keys."""

_BLOCK = struct.Struct("!BBH")
EVENT_BYTES = _BLOCK.size
_END_BIT = 0x80
_VOLUME = 10  # -10 dBm0, as loud as a telephone's own tones
_LONGEST_PAUSE_IN_ONE_PRESS_S = 0.03
_REMEMBERED = 8

_SIGNAL = re.compile(r"^[ \t]*signal[ \t]*=[ \t]*(\S+)", re.ASCII | re.IGNORECASE | re.MULTILINE)


class EventPacket(NamedTuple):
    """One packet of a digit to be sent."""

    marker: bool
    """Set on the first."""
    timestamp_offset: int
    """Ticks behind the timestamp at which the digit began; all packets of a digit share that one."""
    payload: bytes
    """Its four bytes."""


def encode_digit(
    digit: str, *, duration_ms: int = 100, clock_rate: int = 8000, ptime_ms: int = 20
) -> list[EventPacket]:
    """Return the packets of one press, to be sent one per ``ptime_ms``, the end three times.

    Raises:
        ValueError: there is no such digit, or the duration does not fit in one event (8.1 s at 8 kHz).
    """
    if len(digit) != 1 or digit.upper() not in DIGITS:
        raise ValueError(f"no such digit: {digit!r}")
    code = DIGITS.index(digit.upper())
    step, total = clock_rate * ptime_ms // 1000, clock_rate * duration_ms // 1000
    if not 0 < total <= SEGMENT_TICKS:
        raise ValueError(f"no event lasts {duration_ms} ms")
    going = [_BLOCK.pack(code, _VOLUME, ticks) for ticks in range(step, total, step)]
    ending = [_BLOCK.pack(code, _END_BIT | _VOLUME, total)] * END_REPEATS
    return [EventPacket(index == 0, 0, payload) for index, payload in enumerate(going + ending)]


def rescale(payload: bytes, *, rate_hz: int, to_hz: int) -> bytes:
    """Return the events of ``payload``, whose durations count ticks of ``rate_hz``, in ticks of ``to_hz``."""
    whole = len(payload) // _BLOCK.size * _BLOCK.size
    return b"".join(
        _BLOCK.pack(code, flags, min(ticks * to_hz // rate_hz, SEGMENT_TICKS))
        for code, flags, ticks in _BLOCK.iter_unpack(payload[:whole])
    )


def prolonged(payload: bytes, ticks: int) -> bytes:
    """Return the events of ``payload`` as if they had begun so many ``ticks`` earlier."""
    whole = len(payload) // _BLOCK.size * _BLOCK.size
    return b"".join(
        _BLOCK.pack(code, flags, min(lasted + ticks, SEGMENT_TICKS))
        for code, flags, lasted in _BLOCK.iter_unpack(payload[:whole])
    )


def duration_of(payload: bytes) -> int:
    """Return how long the first event of ``payload`` has lasted, in ticks."""
    return int.from_bytes(payload[2:EVENT_BYTES], "big")


def longest(payload: bytes) -> bytes:
    """Return the first event of ``payload`` as if it filled its segment."""
    return payload[:2] + SEGMENT_TICKS.to_bytes(2, "big")


def key_tones(keys: str) -> tuple[PlayItem, ...]:
    """Return what ``keys`` sound like, with pauses (ITU-T Q.23, Q.24), for who hears keys in the sound."""
    items: list[PlayItem] = []
    for key in keys.upper():
        row = next(index for index, keys_of in enumerate(KEYS) if key in keys_of)
        pair = LOW_HZ[row], HIGH_HZ[KEYS[row].index(key)]
        items += [Tone(pair, TONE_SECONDS, TONE_DB), Silence(TONE_SECONDS)]
    return tuple(items)


def format_info(digit: str, *, duration_ms: int = 100) -> tuple[str, bytes]:
    """Return content type and body of a SIP INFO that presses ``digit``."""
    return "application/dtmf-relay", f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode()


def parse_info(content_type: str, body: bytes) -> str | None:
    """Return the digit of a SIP INFO body, None if it carries none that we know.

    Understood are ``application/dtmf-relay`` (``Signal=5``, also by event code: ``Signal=10`` is a star) and
    ``application/dtmf`` (the same, or the digit alone).
    """
    kind = content_type.partition(";")[0].strip().lower()
    text = body.decode("ascii", "replace").strip()
    if kind not in ("application/dtmf-relay", "application/dtmf"):
        return None
    match = _SIGNAL.search(text)
    if match is None and kind == "application/dtmf-relay":
        return None
    signal = (match[1] if match else text).upper()
    if len(signal) == 1 and signal in DIGITS:
        return signal
    is_code = len(signal) == 2 and signal.isascii() and signal.isdigit()
    return DIGITS[int(signal)] if is_code and int(signal) < len(DIGITS) else None


@dataclass(slots=True)
class _Event:
    """One event, or one segment of a long one, as far as its packets came."""

    code: int
    """What is pressed."""
    timestamp: int
    """When it began; all its packets carry it."""
    duration: int
    """The longest it was seen to last, in ticks."""
    sequence: int
    """Of the newest packet."""
    is_ended: bool
    """Whether an end packet came."""


class EventReceiver:
    """Tells each press once, at the first of its packets that comes, whatever is lost or comes twice.

    No end is waited for: a digit counts as soon as it is known, and a press whose ends are all lost needs no
    timeout. What decides is the timestamp, which all packets of a press share (RFC 4733 §2.2). Beyond the
    RFC it copes with senders that refresh the timestamp while the key is held, and with those that never
    change it.
    """

    def __init__(self, clock_rate: int = 8000) -> None:
        self._pause = int(clock_rate * _LONGEST_PAUSE_IN_ONE_PRESS_S)
        self._events: list[_Event] = []
        """The last few; hardly ever any."""

    def feed(self, payload: bytes, timestamp: int, marker: bool, sequence: int) -> list[str]:
        """Return the digits that begin with this packet: none, or one; more if it holds several events.

        Raises:
            MalformedMedia: it is too short for an event.
        """
        if len(payload) < _BLOCK.size:
            raise MalformedMedia(f"an event of {len(payload)} bytes")
        blocks = _blocks(payload, timestamp, sequence)
        return [
            DIGITS[seen.code] for seen in blocks if self._is_press(seen, marker) and seen.code < len(DIGITS)
        ]

    def _is_press(self, seen: _Event, marker: bool) -> bool:
        """Return whether ``seen`` begins a press, and remember it."""
        same = next((known for known in reversed(self._events) if _is_same(known, seen)), None)
        if same is not None and not _is_pressed_again(same, seen, marker):
            _prolong(same, seen)
            return False
        is_continued = same is None and any(self._goes_on(known, seen, marker) for known in self._events)
        del self._events[: 1 - _REMEMBERED]
        self._events.append(seen)
        return not is_continued

    def _goes_on(self, known: _Event, seen: _Event, marker: bool) -> bool:
        """Return whether ``seen``, under another timestamp, is still the press that ``known`` was."""
        if known.code != seen.code:
            return False
        ahead = timestamp_delta(seen.timestamp, known.timestamp)
        if ahead == SEGMENT_TICKS and not marker:
            return True
        if 0 <= ahead < known.duration or 0 <= -ahead < seen.duration:
            return True  # one key cannot be pressed twice at a time
        is_new = marker or (known.is_ended and not seen.is_ended)
        return not is_new and 0 <= ahead - known.duration <= self._pause


class EventReceivers:
    """One for each clock: a key that is held during a re-INVITE is one press."""

    __slots__ = ("_by_rate",)

    def __init__(self) -> None:
        self._by_rate: dict[int, EventReceiver] = {}

    def at(self, rate_hz: int) -> EventReceiver:
        """Return who understands events on that clock."""
        receiver = self._by_rate.get(rate_hz)
        if receiver is None:
            receiver = self._by_rate[rate_hz] = EventReceiver(rate_hz)
        return receiver


def _blocks(payload: bytes, timestamp: int, sequence: int) -> Iterator[_Event]:
    """Yield the events of one packet; each begins where the one before it ends (RFC 4733 §2.5.1.5)."""
    whole = len(payload) // _BLOCK.size * _BLOCK.size
    for code, flags, duration in _BLOCK.iter_unpack(payload[:whole]):
        yield _Event(code, timestamp & 0xFFFF_FFFF, duration, sequence, bool(flags & _END_BIT))
        timestamp += duration


def _is_same(known: _Event, seen: _Event) -> bool:
    """Return whether both are packets of one event."""
    return known.code == seen.code and known.timestamp == seen.timestamp


def _is_pressed_again(known: _Event, seen: _Event, marker: bool) -> bool:
    """Return whether a sender whose timestamp stands still begins anew after ``known``."""
    is_over = known.is_ended or seen.duration < known.duration
    is_later = sequence_delta(seen.sequence, known.sequence) > 0
    return marker and not seen.is_ended and is_over and is_later


def _prolong(known: _Event, seen: _Event) -> None:
    """Take over what a further packet of ``known`` tells; packets may come late."""
    known.duration = max(known.duration, seen.duration)
    known.is_ended = known.is_ended or seen.is_ended
    if sequence_delta(seen.sequence, known.sequence) > 0:
        known.sequence = seen.sequence
