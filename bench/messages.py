"""Parsing and writing a typical INVITE of 1.2 kB."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from b2bua.sip.message import parse_message, validate
from bench.sip_text import typical_invite
from bench.table import Row

MESSAGES = 2000
ROUNDS = 7


def rows() -> Iterator[Row]:
    """Measure messages per CPU-second; a bare split and join in Python is the yardstick."""
    bare = 1 / cpu_per_message(split_and_join)
    size = f"{len(typical_invite(0))} bytes"
    yield Row("INVITE parsed, written", 1 / cpu_per_message(relay), "messages/s", bare, size)
    checked = 1 / cpu_per_message(relay_checked)
    yield Row("INVITE parsed, checked by RFC 3261, written", checked, "messages/s", bare, size)


def cpu_per_message(work: Callable[[bytes], bytes]) -> float:
    """Return CPU-seconds per message, the median of some rounds; each message is of a caller never seen."""
    spent = []
    for round_ in range(ROUNDS):
        messages = [typical_invite(round_ * MESSAGES + serial) for serial in range(MESSAGES)]
        started = time.process_time()
        for message in messages:
            work(message)
        spent.append((time.process_time() - started) / len(messages))
    return statistics.median(spent)


def relay(wire: bytes) -> bytes:
    """Parse and write."""
    return parse_message(wire).to_bytes()


def relay_checked(wire: bytes) -> bytes:
    """Parse, check what the endpoint checks, write."""
    message = parse_message(wire)
    validate(message)
    return message.to_bytes()


def split_and_join(wire: bytes) -> bytes:
    """The least that Python must do to know headers by name and to write them again."""
    head, _, body = wire.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [line.partition(": ") for line in lines]
    written = "".join([f"{name}: {value}\r\n" for name, _, value in headers])
    return f"{first}\r\n{written}\r\n".encode() + body
