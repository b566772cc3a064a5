"""News of a message in a mailbox, for a server (row V6)."""

from __future__ import annotations

from b2bua.notify.links import Link
from b2bua.notify.mail import caller_of, clock_length
from b2bua.notify.news import call_fields, news
from b2bua.notify.texts import wording
from b2bua.store import NewCall, NewMail


def voicemail_news(
    call: NewCall, *, box: str, seconds: float, url: str, language: str, link: Link | None = None
) -> NewMail:
    """Return what the server at ``url`` is told; ``link``: by it the message is heard."""
    words = wording(language)
    subject = words.message_subject.format(caller=caller_of(call, words), length=clock_length(seconds))
    fields = {
        "event": "message",
        "text": f"{subject} {link.url}" if link is not None else subject,
        **call_fields(call),
        "mailbox": box,
        "seconds": round(seconds, 1),
        "link": link.url if link is not None else None,
    }
    return news(url, subject, fields, language=language)
