"""Commands and events as bytes, for the socket pair between signalling and the worker.

Each is a length of four bytes and JSON: ``{"StopPlaying": [7]}``.
"""

from __future__ import annotations

import json
import struct
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from media import commands
from media.sdp.crypto import StreamKeys
from media.sdp.negotiate import StreamAgreement

_LENGTH = struct.Struct("!I")
_VALUES: dict[str, Any] = {
    name: value for name, value in vars(commands).items() if isinstance(value, type) and is_dataclass(value)
} | {"StreamAgreement": StreamAgreement, "StreamKeys": StreamKeys}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _VALUES.values()}
_VALUES["bytes"] = bytes.fromhex


def encode(value: commands.Command | commands.Event) -> bytes:
    """Return ``value`` as it goes on the wire."""
    text = json.dumps(value, default=_plain, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return {"bytes": [value.hex()]}
    return {type(value).__name__: [getattr(value, name) for name in _FIELDS[type(value)]]}


def _restore(decoded: dict[str, Any]) -> Any:
    name = next(iter(decoded), "")
    return _VALUES[name](*map(_frozen, decoded[name])) if name in _VALUES else decoded


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


class Framer:
    """Cuts a byte stream into the values it carries."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, received: bytes) -> list[Any]:
        """Return the commands or events that ``received`` completes."""
        self._received += received
        values = []
        while len(self._received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received)
            end = _LENGTH.size + length
            if len(self._received) < end:
                break
            values.append(json.loads(self._received[_LENGTH.size : end], object_hook=_restore))
            del self._received[:end]
        return values
