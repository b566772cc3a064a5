"""Mails about calls: worded when the call ends, made into MIME when they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from b2bua.notify.links import Link
from b2bua.notify.texts import Wording, wording
from b2bua.store import NewCall, NewMail, QueuedMail

LARGEST_ATTACHMENT = 20 * 1024 * 1024
"""Bytes; base64 makes a third more of it, and many servers stop at 30 MB."""


class _Headers(HeaderRegistry):
    """Makes the class of each kind of header once, not for each mail: classes are left to the collector."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        kind = name.lower()
        return self._made.get(kind) or self._made.setdefault(kind, super().__getitem__(name))


_POLICY = SMTP.clone(cte_type="7bit", header_factory=_Headers())
"""Not every server offers 8BITMIME (RFC 6152), and we do not ask."""
_LONGEST_NAME = 80
"""Of a caller's display name, which is a stranger's text."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads the mails about a mailbox, and how."""

    addresses: tuple[str, ...]
    """Each gets a mail of its own."""
    language: str
    """``en``, ``uk``, ``ru`` or ``pl``; others read English."""
    timezone: tzinfo
    """In which times are told."""


def voicemail_mails(
    call: NewCall,
    *,
    box: str,
    recording: Path,
    seconds: float,
    readers: Readers,
    link: Link | None = None,
    is_cut_short: bool = False,
) -> tuple[NewMail, ...]:
    """Return the mails, one per address, for a message left in ``box``, with the recording attached.

    By ``link`` it is heard without opening the attachment; None: nobody outside can.
    """
    words = wording(readers.language)
    length = clock_length(seconds)
    lines = [
        words.message_opening,
        *([words.cut_short] if is_cut_short else []),
        "",
        *call_lines(call, words, readers.timezone),
        f"{words.length}: {length}",
        f"{words.box}: {one_line(box)}",
        *(_how_to_listen(link, words, readers.timezone) if link is not None else ()),
    ]
    subject = words.message_subject.format(caller=caller_of(call, words), length=length)
    name = recording_name(call, readers.timezone)
    return to_each(readers, subject, with_link(lines, call, words), recording=recording, name=name)


def missed_call_mails(call: NewCall, *, readers: Readers, story: str = "") -> tuple[NewMail, ...]:
    """Return the mails, one per address, that ask to call back; ``story`` says what was tried."""
    words = wording(readers.language)
    lines = [words.missed_opening, "", *call_lines(call, words, readers.timezone)]
    if story:
        lines.append(f"{words.story}: {one_line(story, longest=2000)}")
    subject = words.missed_subject.format(caller=caller_of(call, words))
    return to_each(readers, subject, with_link(lines, call, words))


def unlisted_number_mails(call: NewCall, *, readers: Readers) -> tuple[NewMail, ...]:
    """Return the mails, one per address, that tell of a call to a number that nobody configured."""
    words = wording(readers.language)
    lines = [words.unlisted_opening, "", *call_lines(call, words, readers.timezone)]
    return to_each(readers, words.unlisted_subject.format(number=one_line(call.dialled)), "\n".join(lines))


def refused_record_mails(call: NewCall, why: str, *, readers: Readers) -> tuple[NewMail, ...]:
    """Return the mails, one per address, that tell of a call whose record the CRM refused, and why."""
    words = wording(readers.language)
    lines = [words.refused_opening, "", *call_lines(call, words, readers.timezone), f"{words.why}: {why}"]
    return to_each(readers, words.refused_subject, "\n".join(lines))


def recording_name(call: NewCall, timezone: tzinfo) -> str:
    """Return a file name that tells recordings apart: ``voicemail-2026-11-22-14-05-+48500600700.wav``."""
    caller = re.sub(r"[^+\w.-]", "", call.caller, flags=re.ASCII)[:40] or "unknown"
    return f"voicemail-{call.at.astimezone(timezone):%Y-%m-%d-%H-%M}-{caller}.wav"


def clock_length(seconds: float) -> str:
    """Return minutes and seconds as every language reads them: "2:05"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def mime(queued: QueuedMail, *, sender: str) -> bytes:
    """Return the mail as it goes to the server. Reads the attachment: not for the event loop.

    Raises:
        ValueError: the address of sender or recipient cannot stand in a mail.
    """
    mail = queued.mail
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(queued.created_at)
    # The same at each try, so that a mail whose receipt we missed is known as a double.
    message["Message-ID"] = f"<{queued.id}@{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    audio, remark = _attachment(mail)
    message.set_content("\n\n".join(part for part in (mail.body, remark) if part) + "\n")
    if audio is not None:
        message.add_attachment(audio, maintype="audio", subtype="wav", filename=mail.attachment_name)
    return message.as_bytes()


def _attachment(mail: NewMail) -> tuple[bytes | None, str]:
    """Return the attachment, if it can be sent, and the sentence about it."""
    path, words = mail.attachment, wording(mail.language)
    if path is None:
        return None, ""
    try:
        size = path.stat().st_size
        if size > LARGEST_ATTACHMENT:
            return None, words.too_big.format(megabytes=round(size / 1e6), path=path)
        return path.read_bytes(), words.attached.format(name=mail.attachment_name)
    except OSError as error:
        return None, words.missing.format(why=error.strerror, path=path)


def _domain(address: str) -> str:
    _, _, domain = address.rpartition("@")
    return re.sub(r"[^\w.-]", "", domain, flags=re.ASCII) or "localhost"


def to_each(
    readers: Readers, subject: str, body: str, *, recording: Path | None = None, name: str = ""
) -> tuple[NewMail, ...]:
    """Return a mail for each of the readers."""
    return tuple(
        NewMail(address, subject, body, recording, name, readers.language) for address in readers.addresses
    )


def call_lines(call: NewCall, words: Wording, timezone: tzinfo) -> Iterable[str]:
    """Yield who called whom, and when."""
    yield f"{words.caller}: {caller_of(call, words)}"
    yield f"{words.dialled}: {one_line(call.dialled)}"
    yield f"{words.when}: {_local(call.at, timezone)}"


def _how_to_listen(link: Link, words: Wording, timezone: tzinfo) -> Iterable[str]:
    yield ""
    yield f"{words.listen.format(until=_local(link.until, timezone))}:"
    yield link.url  # on a line of its own: mail programs make it one to click on


def with_link(lines: Iterable[str], call: NewCall, words: Wording) -> str:
    """Return the lines as a text, with a link that calls back where the number is known."""
    body = "\n".join(lines)
    number = re.sub(r"[^+0-9*#]", "", call.caller)
    if not number or number != one_line(call.caller):
        return body
    return f"{body}\n\n{words.call_back.format(link=f'tel:{number}')}"


def caller_of(call: NewCall, words: Wording) -> str:
    """Return name and number of the caller, as far as they are known."""
    number = one_line(call.caller) or words.withheld
    name = one_line(call.caller_name)
    return f"{name}, {number}" if name and name != number else number


def one_line(text: str, *, longest: int = _LONGEST_NAME) -> str:
    """Return a stranger's text so that it adds no lines or headers to the mail, nor breaks its encoding."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:longest]


def _local(moment: datetime, timezone: tzinfo) -> str:
    return f"{moment.astimezone(timezone):%Y-%m-%d %H:%M}"
