"""The file of one call: its messages as they were on the wire, each below a line that says when and whose."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from b2bua.errors import Unavailable
from b2bua.sip.trace import TracedMessage
from b2bua.sip.transport.addressing import WILDCARDS, source_address
from b2bua.sip.transport.hop import Hop
from b2bua.trace.masking import masked, may_hide

FOLDER = "trace"
SUFFIX = ".sip"
MOST_FILES = 2000
LINE = re.compile(r"# (?P<at>\S+) (?P<kind>\w+) (?P<local>\S+) (?P<way>[<>]) (?P<remote>\S+) (?P<size>\d+)")


def write_record(path: Path, messages: Sequence[TracedMessage]) -> None:
    """Write the messages of a call, masked, with our address toward each peer where we listen on all."""
    ends = functools.cache(_ends)
    is_masked = may_hide(b"\n".join([message.wire for message in messages]))
    parts: list[bytes] = []
    for message in messages:
        wire = masked(message.wire) if is_masked else message.wire
        line = _line(message, ends(message.local, message.remote), size=len(wire))
        parts += (line.encode(), b"\n", wire, b"\n")
    try:
        path.write_bytes(b"".join(parts))
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(parts))


def _ends(local: Hop, remote: Hop) -> tuple[str, str]:
    """Return the transport and our address, and the peer's."""
    if local.host in WILDCARDS:
        local = Hop(local.transport, source_address(remote), local.port)
    return f"{remote.transport} {local.authority}", remote.authority


def _line(message: TracedMessage, ends: tuple[str, str], *, size: int) -> str:
    at = datetime.fromtimestamp(message.at, UTC).isoformat(timespec="microseconds")
    ours, theirs = ends
    return f"# {at} {ours} {'>' if message.is_sent else '<'} {theirs} {size}"


def read_record(path: Path) -> tuple[TracedMessage, ...]:
    """Return the messages that were written to ``path``.

    Raises:
        Unavailable: it is none of our files, or one that was cut off.
    """
    content, start = path.read_bytes(), 0
    messages: list[TracedMessage] = []
    while start < len(content):
        end = content.find(b"\n", start)
        found = LINE.fullmatch(content[start : max(end, start)].decode(errors="replace"))
        if found is None:
            raise Unavailable(f"{path} is no trace of ours")
        start = end + 1 + int(found["size"])
        messages.append(_message(found, content[end + 1 : start]))
        start += 1
    return tuple(messages)


def _message(found: re.Match[str], wire: bytes) -> TracedMessage:
    kind = found["kind"]
    return TracedMessage(
        datetime.fromisoformat(found["at"]).timestamp(),
        found["way"] == ">",
        _hop(kind, found["local"]),
        _hop(kind, found["remote"]),
        wire,
    )


def _hop(kind: str, authority: str) -> Hop:
    host, _, port = authority.rpartition(":")
    return Hop(kind, host.strip("[]"), int(port))


def find_record(data: Path, call: str) -> Path:
    """Return the file of the call whose id begins with ``call``; ``last``: of the latest one.

    Raises:
        Unavailable: there is none, or more than one.
    """
    folder = data / FOLDER
    if call == "last":
        files = sorted(folder.glob("*" + SUFFIX), key=lambda path: path.stat().st_mtime)[-1:]
    else:
        files = [path for path in folder.glob("*" + SUFFIX) if path.name.startswith(call)]
    if len(files) != 1:
        raise Unavailable(
            f"more than one call begins with {call}"
            if files
            else f"there is no SIP trace of call {call} in {folder}; it is written some seconds after the end"
        )
    return files[0]


def drop_oldest(folder: Path, *, keep: int = MOST_FILES) -> None:
    """Delete all but the latest ``keep`` files."""
    files = sorted(folder.glob("*" + SUFFIX), key=lambda path: path.stat().st_mtime)
    for path in files[: max(0, len(files) - keep)]:
        path.unlink(missing_ok=True)
