"""Coverage-guided fuzzing of everything that reads bytes of strangers: messages, streams, SDP.

Atheris is not among the development tools (it exists for x86 only): ``make fuzz`` installs and runs it. The
torture messages and the SDP of ``tests/data`` are the corpus to start from. An input that breaks a promise is
written to ``crash-…``; give that file as the argument to run it again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from b2bua.errors import MalformedMessage
from b2bua.sip.framing import StreamFramer
from b2bua.sip.message import Request, Response, parse_message, response_to, validate
from b2bua.trace.masking import masked
from media.errors import MediaError
from media.sdp.model import SessionDescription
from media.sdp.negotiate import LocalMedia, make_answer

DATA = Path(__file__).parents[1] / "data"
SEEDS = tuple(DATA / folder for folder in ("rfc4475", "rfc5118", "sdp"))
LOCAL = LocalMedia(address="192.0.2.1", port=4000, codecs=("PCMA", "PCMU"), session_id=1, version=1)


def read_any(wire: bytes) -> None:
    """Read these bytes in every way in which a peer can make us read them.

    Raises:
        Exception: a defect of ours: only the errors that stand for a peer's mistake may come.
    """
    masked(wire)
    read_message(wire)
    read_stream(wire)
    read_sdp(wire)


def read_message(wire: bytes) -> None:
    """Parse, check, look at every header, answer, and write it so that it reads the same."""
    try:
        message = parse_message(wire)
    except MalformedMessage:
        return
    try:
        validate(message)
        look_at(message)
    except MalformedMessage:
        pass
    else:
        again = parse_message(message.to_bytes())
        assert again.start_line() == message.start_line()
        assert list(again.headers.items()) == list(message.headers.items())
        assert again.body == message.body
    if isinstance(message, Request) and "Via" in message.headers:
        parse_message(response_to(message, 400, to_tag="x").to_bytes())
    read_sdp(message.body)


def look_at(message: Request | Response) -> None:
    """Read every header that has a type."""
    _ = (message.vias, message.contacts, message.routes, message.record_routes, message.expires)
    _ = (message.content_type, message.cseq, message.from_, message.to, message.call_id)
    if isinstance(message, Request):
        _ = message.target


def read_stream(wire: bytes) -> None:
    """Feed it to a connection in two pieces."""
    framer = StreamFramer()
    try:
        for part in (wire[: len(wire) // 3], wire[len(wire) // 3 :]):
            framer.feed(part)
    except MalformedMessage:
        return


def read_sdp(body: bytes) -> None:
    """Parse it as SDP and answer it as an offer."""
    try:
        offer = SessionDescription.parse(body)
        assert SessionDescription.parse(offer.to_bytes()) == offer
        make_answer(body, LOCAL)
    except MediaError:
        return


def main() -> None:
    """Fuzz until stopped, or for ``-max_total_time=SECONDS``; the first folder named collects what is new."""
    import atheris

    atheris.instrument_all()
    atheris.Setup([*sys.argv, *map(str, SEEDS)], read_any)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
