"""A mail server on a real socket, in a thread of its own, that keeps what it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.harness.ports import HOST


class Inbox:
    """Keeps what an SMTP server took; refuses mail for ``nobody@``."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.taken_at: list[float] = []
        """When each of them was taken, in seconds of the clock."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken_at.append(time.time())
        self.mails.append(message_from_bytes(envelope.content, EmailMessage, policy=default))
        return "250 taken"


@contextmanager
def mail_server(inbox: Inbox, port: int, **options: Any) -> Iterator[None]:
    """Run a server for as long as the block runs."""
    controller = Controller(inbox, hostname=HOST, port=port, **options)
    controller.start()
    try:
        yield
    finally:
        controller.stop()
