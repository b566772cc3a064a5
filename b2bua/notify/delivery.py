"""The two ways out for a mail: an SMTP server, or a file for whoever has none."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiosmtplib
import structlog

from b2bua.errors import B2buaError
from b2bua.notify.mail import mime
from b2bua.store import QueuedMail

log = structlog.get_logger(__name__)

_PERMANENT = 500
"""RFC 5321 §4.2.1: replies from here on will not change by themselves."""


class NotDeliveredError(B2buaError):
    """A mail did not go out this time."""

    def __init__(
        self,
        why: str,
        *,
        is_permanent: bool = False,
        is_final: bool = False,
        again_after_s: float = 0.0,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.is_permanent = is_permanent
        """It will not change before somebody mends settings: tried rarely."""
        self.is_final = is_final
        """It will not change for what is sent: tried no more until somebody says so."""
        self.again_after_s = again_after_s
        """For how long the server wants to be left alone."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The office's mail server."""

    host: str
    """Name or address."""
    sender: str
    """The address that the mails come from."""
    port: int = 587
    """465 goes with ``is_tls``."""
    username: str | None = None
    """None: no login."""
    password: str | None = field(default=None, repr=False)
    """Of ``username``."""
    starttls: bool | None = None
    """True: required, False: never, None: if the server offers it."""
    is_tls: bool = False
    """TLS from the first byte (RFC 8314 §3.3)."""
    timeout_s: float = 30.0
    """For each answer of the server."""


class Delivery(Protocol):
    """Takes a mail out of the house."""

    async def deliver(self, queued: QueuedMail) -> str:
        """Return who has the mail now.

        Raises:
            NotDeliveredError: nobody has.
        """


class SmtpDelivery:
    """Sends through a mail server."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def deliver(self, queued: QueuedMail) -> str:
        settings = self._settings
        try:
            message = await asyncio.to_thread(mime, queued, sender=settings.sender)
            async with asyncio.timeout(settings.timeout_s * 4):
                await self._send(message, queued.mail.recipient)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotDeliveredError(_plain(error), is_permanent=_is_permanent(error)) from error
        log.info("mail sent", to=queued.mail.recipient, subject=queued.mail.subject, server=settings.host)
        return settings.host

    async def _send(self, message: bytes, recipient: str) -> None:
        settings = self._settings
        await aiosmtplib.send(
            message,
            sender=settings.sender,
            recipients=[recipient],
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password,
            start_tls=None if settings.is_tls else settings.starttls,
            use_tls=settings.is_tls,
            timeout=settings.timeout_s,
        )


class FolderDelivery:
    """Leaves mails as ``.eml`` files, which every mail program opens."""

    def __init__(self, folder: Path, *, sender: str = "b2bua@localhost") -> None:
        self._folder = folder
        self._sender = sender

    async def deliver(self, queued: QueuedMail) -> str:
        try:
            path = await asyncio.to_thread(self._write, queued)
        except (OSError, ValueError) as error:
            raise NotDeliveredError(f"cannot write to {self._folder}: {_plain(error)}") from error
        log.info(
            "no mail server is configured; the mail is in a file",
            to=queued.mail.recipient,
            subject=queued.mail.subject,
            file=str(path),
        )
        return str(path)

    def _write(self, queued: QueuedMail) -> Path:
        """Write under another name first: whoever watches the folder never sees half a mail."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{queued.created_at:%Y-%m-%d-%H-%M-%S}-{queued.id}.eml"
        half = path.with_suffix(".part")
        with half.open("wb") as file:
            file.write(mime(queued, sender=self._sender))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
        return path


def _plain(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"{refused.recipient}: {refused.code} {refused.message}" for refused in error.recipients
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def _is_permanent(error: Exception) -> bool:
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return all(refused.code >= _PERMANENT for refused in error.recipients)
        case aiosmtplib.SMTPResponseException():
            return error.code >= _PERMANENT
        case _:
            return isinstance(error, ValueError)
