"""What one party says, for another that has no codec in common with it."""

from __future__ import annotations

from media.outgoing import OutgoingStream
from media.relay import Header
from media.routes import transcoder
from media.sdp.agreement import StreamAgreement
from media.shelf import CodecShelf
from media.transcode import Transcoder
from media.voice import Voice


class Interpreter:
    """Turns what a speaker sends into what the listener understands; what does that is made at a packet."""

    __slots__ = ("_hears", "_out", "_says", "_shelf", "_transcoder", "_voice")

    def __init__(
        self,
        shelf: CodecShelf,
        says: StreamAgreement,
        hears: StreamAgreement,
        voice: Voice,
        out: OutgoingStream,
    ) -> None:
        """``says`` was settled with the speaker, ``hears`` with the listener of ``voice`` and ``out``."""
        self._shelf = shelf
        self._says = says
        self._hears = hears
        self._voice = voice
        self._out = out
        self._transcoder: Transcoder | None = None

    def take(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        """Take a packet that the listener cannot get as it is."""
        if self._transcoder is None:
            codec = self._says.accepted.get(header[1] & 0x7F, self._says.codec)
            if not self._shelf.has(codec, self._hears.codec):
                return
            self._transcoder = transcoder(self._says, self._hears, self._out)
            self._voice.hear(self._transcoder)
        self._transcoder.take(header, packet, size, now)

    def end(self) -> None:
        """Say nothing any more."""
        if self._transcoder is not None:
            self._transcoder = None
            self._voice.hear(None)
