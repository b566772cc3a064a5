"""Files of calls: their messages as they were on the wire, each below a line that says when and whose.

Calls that ended within the same second share a file. It is named by the first of them and by how many follow,
``CALL+3.sip``, and each call stands below a line ``= CALL SIZE``. A file of one call, ``CALL.sip``, has none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from b2bua.errors import Unavailable
from b2bua.sip.trace import TracedMessage
from b2bua.sip.transport.addressing import WILDCARDS, source_address
from b2bua.sip.transport.hop import Hop
from b2bua.trace.masking import masked, may_hide

FOLDER = "trace"
SUFFIX = ".sip"
MOST_CALLS = 2000
LINE = re.compile(r"# (?P<at>\S+) (?P<kind>\w+) (?P<local>\S+) (?P<way>[<>]) (?P<remote>\S+) (?P<size>\d+)")
CALL_LINE = re.compile(rb"= (\S+) (\d+)\n")

Kept = tuple[str, tuple[TracedMessage, ...]]
"""A call and its messages."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where the messages of one call are."""

    path: Path
    """The file."""
    call: str
    """The id of the call."""
    start: int = 0
    """First byte."""
    end: int | None = None
    """The byte behind the last; None: to the end of the file."""


def write_records(folder: Path, calls: Sequence[Kept]) -> None:
    """Write calls into one file, masked, with our address toward each peer where we listen on all."""
    ends = functools.cache(_ends)
    is_masked = may_hide(_every_line(calls))
    written = [(call, _in_bytes(messages, ends, is_masked=is_masked)) for call, messages in calls]
    name = calls[0][0] + (f"+{len(calls) - 1}" if len(calls) > 1 else "")
    if len(calls) > 1:
        written = [(call, b"= %s %d\n%s" % (call.encode(), len(part), part)) for call, part in written]
    content, path = b"".join([part for _, part in written]), folder / (name + SUFFIX)
    try:
        path.write_bytes(content)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _every_line(calls: Sequence[Kept]) -> bytes:
    """Return each line of all messages once: most stand in many of them, and to search takes longest."""
    lines = {line for _, messages in calls for message in messages for line in message.wire.split(b"\r\n")}
    return b"\n" + b"\n".join(lines)


def _in_bytes(
    messages: Sequence[TracedMessage], ends: Callable[[Hop, Hop], tuple[str, str]], *, is_masked: bool
) -> bytes:
    parts: list[bytes] = []
    for message in messages:
        wire = masked(message.wire) if is_masked else message.wire
        line = _line(message, ends(message.local, message.remote), size=len(wire))
        parts += (line.encode(), b"\n", wire, b"\n")
    return b"".join(parts)


def _ends(local: Hop, remote: Hop) -> tuple[str, str]:
    """Return the transport and our address, and the peer's."""
    if local.host in WILDCARDS:
        local = Hop(local.transport, source_address(remote), local.port)
    return f"{remote.transport} {local.authority}", remote.authority


def _line(message: TracedMessage, ends: tuple[str, str], *, size: int) -> str:
    second, microsecond = divmod(round(message.at * 1e6), 1_000_000)
    at, (ours, theirs) = f"{_moment(second)}.{microsecond:06d}+00:00", ends
    return f"# {at} {ours} {'>' if message.is_sent else '<'} {theirs} {size}"


@functools.lru_cache(16)
def _moment(second: int) -> str:
    """Return a second as ISO 8601 has it; the messages of a call are mostly of one or two."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def read_record(record: Record) -> tuple[TracedMessage, ...]:
    """Return the messages of a call.

    Raises:
        Unavailable: it is none of our files, or one that was cut off.
    """
    content, start = record.path.read_bytes()[: record.end], record.start
    messages: list[TracedMessage] = []
    while start < len(content):
        end = content.find(b"\n", start)
        found = LINE.fullmatch(content[start : max(end, start)].decode(errors="replace"))
        if found is None:
            raise Unavailable(f"{record.path} is no trace of ours")
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


def find_record(data: Path, call: str) -> Record:
    """Return where the call is whose id begins with ``call``; ``last``: the latest one.

    Raises:
        Unavailable: there is none, or more than one.
    """
    folder = data / FOLDER
    if call == "last":
        latest = sorted(folder.glob("*" + SUFFIX), key=lambda path: path.stat().st_mtime)[-1:]
        found = [record for path in latest for record in _records(path)][-1:]
    else:
        every = (record for path in folder.glob("*" + SUFFIX) for record in _records(path))
        found = [record for record in every if record.call.startswith(call)]
    if len(found) != 1:
        missing = f"there is no SIP trace of {_named(call)} in {folder}"
        why = f"{missing}; it is written some seconds after the end"
        raise Unavailable(f"more than one call begins with {call}" if found else why)
    return found[0]


def _named(call: str) -> str:
    return "any call" if call == "last" else f"call {call}"


def _records(path: Path) -> Iterator[Record]:
    """Yield the calls of a file in the order of their ends."""
    if _calls_in(path) == 1:
        yield Record(path, path.stem)
        return
    content, start = path.read_bytes(), 0
    while found := CALL_LINE.match(content, start):
        start = found.end() + int(found[2])
        yield Record(path, found[1].decode(), found.end(), start)


def _calls_in(path: Path) -> int:
    """Return how many calls a file has, by its name."""
    others = path.stem.partition("+")[2]
    return 1 + int(others) if others.isdecimal() else 1


def drop_oldest(folder: Path, *, keep: int = MOST_CALLS) -> None:
    """Delete the files of all but the latest ``keep`` calls, but none that has one of these."""
    kept = 0
    for path in sorted(folder.glob("*" + SUFFIX), key=lambda path: path.stat().st_mtime, reverse=True):
        if kept >= keep:
            path.unlink(missing_ok=True)
        kept += _calls_in(path)
