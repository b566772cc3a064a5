"""Commands and events as bytes, for the socket pair between signalling and the worker.

Each is a length of four bytes and MessagePack: ``["StopPlaying", 7]``.
"""

from __future__ import annotations

import struct
from typing import Any, Generic, TypeVar

import msgspec

from media.commands import Command, Event

_LENGTH = struct.Struct("!I")
Message = TypeVar("Message", Command, Event)


def _plain(value: Any) -> str:
    """Return what stands for a value that MessagePack does not know: a path."""
    return str(value)


def _restored(kind: type[Any], value: str) -> Any:
    return kind(value)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)


def encode(value: Command | Event) -> bytes:
    """Return ``value`` as it goes on the wire."""
    packed = _ENCODER.encode(value)
    return _LENGTH.pack(len(packed)) + packed


class Framer(Generic[Message]):
    """Cuts a byte stream into the values it carries."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._decoder: msgspec.msgpack.Decoder[Message] = decoder
        self._received = bytearray()

    def feed(self, received: bytes) -> list[Message]:
        """Return the commands or events that ``received`` completes."""
        self._received += received
        values = []
        while len(self._received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received)
            end = _LENGTH.size + length
            if len(self._received) < end:
                break
            values.append(self._decoder.decode(self._received[_LENGTH.size : end]))
            del self._received[:end]
        return values


def commands_framer() -> Framer[Command]:
    """Return what reads commands."""
    return Framer(msgspec.msgpack.Decoder(Command, dec_hook=_restored))


def events_framer() -> Framer[Event]:
    """Return what reads events."""
    return Framer(msgspec.msgpack.Decoder(Event, dec_hook=_restored))
