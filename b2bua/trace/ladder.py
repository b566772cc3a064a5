"""SIP as a ladder for a terminal: a column for each party, an arrow for each message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from b2bua.sip.trace import TracedMessage

WIDTH = 30
"""Characters from one party's line to the next one's."""
TIME_WIDTH = 10
US = "b2bua"


def ladder(messages: Sequence[TracedMessage], *, is_full: bool = False) -> Iterator[str]:
    """Yield the lines of a ladder, the seconds since the first message before each arrow.

    ``is_full``: every message is written out below its arrow.
    """
    parties = _parties(messages)
    seen: set[tuple[bool, bytes]] = set()
    yield " " * TIME_WIDTH + "".join(party.center(WIDTH) for party in parties).rstrip()
    for message in messages:
        is_repeated = (message.is_sent, message.wire) in seen
        seen.add((message.is_sent, message.wire))
        source, target = parties.index(US), parties.index(_peer(message))
        if not message.is_sent:
            source, target = target, source
        label = label_of(message.wire) + (" (again)" if is_repeated else "")
        seconds = f"{message.at - messages[0].at:9.3f} "
        yield seconds + _arrow(len(parties), source=source, target=target, label=label)
        if is_full:
            yield from _written_out(message)


def _parties(messages: Sequence[TracedMessage]) -> list[str]:
    """Return the columns: the caller, us, and everybody else in the order of their appearance."""
    peers = list(dict.fromkeys(_peer(message) for message in messages))
    return [*peers[:1], US, *peers[1:]]


def _peer(message: TracedMessage) -> str:
    return str(message.remote)


def label_of(wire: bytes) -> str:
    """Return a message in short: ``INVITE +SDP``, ``180 Ringing``, ``200 OK (BYE)``."""
    head, _, body = wire.partition(b"\r\n\r\n")
    lines = head.decode(errors="replace").splitlines() or [""]
    words = lines[0].split(" ")
    text = words[0]
    if text == "SIP/2.0":
        methods = [line.split()[-1] for line in lines if line.lower().startswith("cseq")]
        is_plain = methods[:1] in ([], ["INVITE"]) and not lines[0].startswith("SIP/2.0 2")
        text = " ".join(words[1:]) + ("" if is_plain or not methods else f" ({methods[0]})")
    text = "".join(char if char.isprintable() else "?" for char in text)
    return f"{text} +SDP" if body.startswith(b"v=0") else text


def _arrow(columns: int, *, source: int, target: int, label: str) -> str:
    line = [" "] * (columns * WIDTH)
    for column in range(columns):
        line[_middle(column)] = "|"
    left, right = sorted((_middle(source), _middle(target)))
    line[left + 1 : right] = "-" * (right - left - 1)
    line[right - 1 if source < target else left + 1] = ">" if source < target else "<"
    text = f" {label[: WIDTH - 6]} "
    start = left + (min(right - left, WIDTH) - len(text)) // 2 + 1
    line[start : start + len(text)] = text
    return "".join(line).rstrip()


def _middle(column: int) -> int:
    return column * WIDTH + WIDTH // 2


def _written_out(message: TracedMessage) -> Iterator[str]:
    text = message.wire.decode(errors="replace").rstrip()
    yield ""
    for line in text.splitlines():
        yield " " * TIME_WIDTH + "".join(char if char.isprintable() else "?" for char in line)
    yield ""
