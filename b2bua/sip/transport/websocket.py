"""SIP over WebSocket (RFC 7118): one message in each WebSocket message, sub-protocol ``sip``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from b2bua.errors import MalformedMessage
from b2bua.sip.framing import KEEP_ALIVE, PONG
from b2bua.sip.message import MAX_MESSAGE_BYTES
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.origins import Origins

SIP = Subprotocol("sip")
END_OF_HANDSHAKE = b"\r\n\r\n"

_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)  # each browser that opens and closes its page is no news

NOT_FOR_PAGES = "Pages of this site may not speak SIP here.\n"
MOST_WARNINGS = 100
"""A page that asks again and again is told of once, and not ever more of them."""
_warned: set[str] = set()


def _warn_of(origin: str) -> None:
    """Tell the office which page was refused, in case that it is its own."""
    shown = "".join(filter(str.isprintable, origin))[:100]
    if shown not in _warned and len(_warned) < MOST_WARNINGS:
        _warned.add(shown)
        _log.warning(
            "a web page of %s was refused (WebSocket); if it is yours, list that in ws-origins of [sip]",
            shown,
        )


class WebSocketFraming:
    """One end of a WebSocket connection, without its socket."""

    def __init__(self, protocol: ServerProtocol | ClientProtocol, origins: Origins | None = None) -> None:
        self._protocol = protocol
        self._origins = origins
        self._is_refused = False
        self._message = bytearray()
        self._handshake_end = b""

    @classmethod
    def accepting(cls, origins: Origins | None = None) -> WebSocketFraming:
        """Return the end of a server; who does not offer ``sip`` is refused (§4.1).

        So are the pages that are none of ``origins`` (403, RFC 6455 §4.2.2); None: any page may.
        """
        return cls(ServerProtocol(subprotocols=[SIP], max_size=MAX_MESSAGE_BYTES, logger=_log), origins)

    @classmethod
    def calling(cls, hop: Hop) -> WebSocketFraming:
        """Return the end of a client toward ``hop``."""
        scheme = "wss" if hop.transport == "wss" else "ws"
        authority = f"{hop.name}:{hop.port}" if hop.name else hop.authority
        uri = parse_uri(f"{scheme}://{authority}/")
        return cls(ClientProtocol(uri, subprotocols=[SIP], max_size=MAX_MESSAGE_BYTES, logger=_log))

    @property
    def is_open(self) -> bool:
        return self._protocol.state is State.OPEN

    @property
    def is_over(self) -> bool:
        return self._protocol.state in (State.CLOSING, State.CLOSED)

    @property
    def is_partial(self) -> bool:
        has_begun = bool(self._message or self._protocol.reader.buffer)
        return has_begun or self._protocol.state is State.CONNECTING

    def opening(self) -> bytes:
        if isinstance(self._protocol, ClientProtocol):
            self._protocol.send_request(self._protocol.connect())
        return self.replies()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the whole messages among ``data``; keep-alives are answered (§6).

        Raises:
            MalformedMessage: this is no WebSocket, or not one for SIP.
        """
        messages = [message for part in self._parts(data) for message in self._read(part)]
        if self._is_refused or self._protocol.handshake_exc or self._protocol.parser_exc:
            raise MalformedMessage("no WebSocket for SIP")
        return messages

    def _parts(self, data: bytes) -> Iterator[bytes]:
        """Cut ``data`` at the end of a peer's handshake, which is answered before more is read."""
        if self._protocol.state is State.CONNECTING and isinstance(self._protocol, ServerProtocol):
            seen = len(self._handshake_end)
            end = (self._handshake_end + data).find(END_OF_HANDSHAKE)
            self._handshake_end = (self._handshake_end + data)[1 - len(END_OF_HANDSHAKE) :]
            if end >= 0:
                cut = end + len(END_OF_HANDSHAKE) - seen
                yield data[:cut]
                data = data[cut:]
        if data:
            yield data

    def _read(self, data: bytes) -> Iterator[bytes]:
        """Yield the whole messages among ``data``."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._accept(event)
            elif isinstance(event, Frame):
                message = self._take(event)
                if message == KEEP_ALIVE:
                    self._send(PONG, is_text=True)
                elif message is not None and message.strip():
                    yield message

    def _accept(self, request: Request) -> None:
        assert isinstance(self._protocol, ServerProtocol)
        said, host = request.headers.get_all("Origin"), ", ".join(request.headers.get_all("Host"))
        origin = ", ".join(said) if said else None
        if self._origins is None or self._origins.admits(origin, host):
            self._protocol.send_response(self._protocol.accept(request))
            return
        self._is_refused = True
        _warn_of(origin or "")
        self._protocol.send_response(self._protocol.reject(HTTPStatus.FORBIDDEN, NOT_FOR_PAGES))

    def _take(self, frame: Frame) -> bytes | None:
        """Return the message that ``frame`` completes; pings and closing are the library's."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return None
        self._message += frame.data
        if not frame.fin:
            return None
        message = bytes(self._message)
        self._message.clear()
        return message

    def replies(self) -> bytes:
        return b"".join(self._protocol.data_to_send())

    def wrap(self, wire: bytes) -> bytes:
        """Return a message as text, which all browsers' stacks read; what is no text goes as octets (§5)."""
        try:
            wire.decode()
        except UnicodeDecodeError:
            self._send(wire, is_text=False)
        else:
            self._send(wire, is_text=True)
        return self.replies()

    def _send(self, wire: bytes, *, is_text: bool) -> None:
        if self._protocol.state is not State.OPEN:
            return  # it is closing: the transaction learns it from the connection's end
        try:
            self._protocol.send_text(wire) if is_text else self._protocol.send_binary(wire)
        except WebSocketException as error:
            raise MalformedMessage(f"cannot be sent: {error}") from error
