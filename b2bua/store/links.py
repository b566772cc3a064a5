"""What makes a link that lets whoever has it hear one recording for a while, without logging in."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import structlog

from b2bua.errors import B2buaError

log = structlog.get_logger("office")

FILE_NAME = "links.key"
KEY_BYTES = 32
LONGEST_TICKET = 120
"""Characters; ours have some 80."""


class Kept(StrEnum):
    """What can be listened to."""

    MESSAGE = "message"
    """A voicemail."""
    RECORDING = "recording"
    """What was talked."""


class ForgedTicketError(B2buaError):
    """A ticket that was not made here."""


class ExpiredTicketError(B2buaError):
    """A ticket of ours whose time is over."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to hear one recording. It names a row, never a file."""

    kind: Kept
    """Of which kind it is."""
    row: int
    """Which one."""
    until: datetime
    """For how long; aware, whole seconds."""

    def __str__(self) -> str:
        return f"{self.kind}.{self.row}.{int(self.until.timestamp())}"


class Signer:
    """Makes tickets that nobody else can make (HMAC-SHA256, RFC 2104)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, ticket: Ticket) -> str:
        """Return what stands in a link: always the same for one ticket, so that a repeated record is."""
        return f"{ticket}.{self._signature(str(ticket)).decode()}"

    def read(self, text: str, *, now: datetime) -> Ticket:
        """Return the ticket that a link brings.

        Raises:
            ForgedTicketError: it was not signed here, or not so.
            ExpiredTicketError: its time is over.
        """
        told, _, signature = text[:LONGEST_TICKET].rpartition(".")
        if not hmac.compare_digest(self._signature(told), signature.encode("utf-8", "replace")):
            raise ForgedTicketError("the signature is not ours")
        kind, row, until = told.split(".")  # as we wrote it, for it is signed
        ticket = Ticket(Kept(kind), int(row), datetime.fromtimestamp(int(until), UTC))
        if ticket.until <= now:
            raise ExpiredTicketError(f"it was good until {ticket.until:%Y-%m-%d %H:%M} UTC")
        return ticket

    def _signature(self, told: str) -> bytes:
        digest = hmac.digest(self._key, told.encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=")


def kept_key(data: Path) -> bytes:
    """Return the key of the office whose data are in a folder, made when there is none. Reads a file.

    Links are good over restarts as long as the file is there. A disk that takes no more must not keep an
    office from starting: then they are good until it ends.
    """
    path = data / FILE_NAME
    try:
        with suppress(FileNotFoundError):
            return _read(path)
        _write(path, secrets.token_bytes(KEY_BYTES))
        return _read(path)
    except (OSError, ValueError) as error:
        log.warning("links to recordings end with this run: their key cannot be kept", why=str(error))
        return secrets.token_bytes(KEY_BYTES)


def _read(path: Path) -> bytes:
    key = bytes.fromhex(path.read_text("ascii"))
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} holds no key")
    return key


def _write(path: Path, key: bytes) -> None:
    """Let the first of two that start at once win; nobody ever reads half a key."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
