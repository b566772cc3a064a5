"""Whole messages out of a byte stream (RFC 3261 §18.3), and its keep-alives (RFC 5626 §3.5.1)."""

from __future__ import annotations

import re

from b2bua.errors import MalformedMessage
from b2bua.sip.message import MAX_HEAD_BYTES, MAX_MESSAGE_BYTES

KEEP_ALIVE = b"\r\n\r\n"
"""What ``feed`` returns for a ping between messages; the answer is one CRLF."""

PONG = b"\r\n"

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:((?:\r\n[ \t]|[^\r\n])*)(?=\r\n)", re.IGNORECASE)


class StreamFramer:
    """Cuts one connection's bytes into messages; after it has raised, the connection is to be closed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._wanted: int | None = None
        self.is_broken = False
        """Whether what follows the messages of the last ``feed`` cannot be read."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that ``data`` completes, start line to body, and ``KEEP_ALIVE`` for pings.

        Whole messages before one that cannot be read are returned, and ``is_broken`` then tells of it.

        Raises:
            MalformedMessage: the end of a message cannot be told (400) or is too far (513).
        """
        self._buffer += data
        frames: list[bytes] = []
        try:
            while (frame := self._next()) is not None:
                frames.append(frame)
        except MalformedMessage:
            if not frames:
                raise
            self.is_broken = True
        return frames

    @property
    def is_partial(self) -> bool:
        """Whether a message has begun that is not whole yet."""
        return bool(self._buffer)

    def _next(self) -> bytes | None:
        if self._wanted is None:
            if self._buffer.startswith(KEEP_ALIVE):
                return self._take(len(KEEP_ALIVE))
            if not self._drop_blank_line():
                return None
            self._wanted = self._find_length()
        if self._wanted is None or len(self._buffer) < self._wanted:
            return None
        return self._take(self._wanted)

    def _drop_blank_line(self) -> bool:
        """Drop the CRLF of a pong (§7.5); return False while it may still become a ping."""
        if KEEP_ALIVE.startswith(self._buffer):
            return False
        if self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        return bool(self._buffer)

    def _find_length(self) -> int | None:
        """Return how long the message at the start of the buffer is; None while its headers go on."""
        end = self._buffer.find(b"\r\n\r\n", self._searched)
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > MAX_HEAD_BYTES):
            raise MalformedMessage("headers too large", status=513)
        if end < 0:
            self._searched = max(0, len(self._buffer) - 3)
            return None
        lengths = {length.strip() for length in _LENGTH.findall(self._buffer, 0, end + 2)}
        if len(lengths) != 1:
            raise MalformedMessage("a stream needs one Content-Length")
        length = lengths.pop()
        if not length.isdigit() or len(length) > 9:
            raise MalformedMessage("bad Content-Length")
        wanted = end + 4 + int(length)
        if wanted > MAX_MESSAGE_BYTES:
            raise MalformedMessage("message too large", status=513)
        return wanted

    def _take(self, count: int) -> bytes:
        frame = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        self._wanted = None
        return frame


class SipFraming:
    """SIP in a byte stream as it is, with its keep-alive answered: TCP and TLS."""

    is_open = True

    def __init__(self) -> None:
        self._framer = StreamFramer()
        self._pings = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be read."""
        return self._framer.is_broken

    @property
    def is_partial(self) -> bool:
        """Whether a message has begun that is not whole yet."""
        return self._framer.is_partial

    def opening(self) -> bytes:
        """Return nothing: the first message may go out at once."""
        return b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that ``data`` completes.

        Raises:
            MalformedMessage: as ``StreamFramer.feed``.
        """
        frames = self._framer.feed(data)
        messages = [frame for frame in frames if frame != KEEP_ALIVE]
        self._pings += len(frames) - len(messages)
        return messages

    def replies(self) -> bytes:
        """Return a pong for each ping since the last call."""
        pings, self._pings = self._pings, 0
        return PONG * pings

    def wrap(self, wire: bytes) -> bytes:
        """Return the message as it is."""
        return wire
