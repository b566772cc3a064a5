"""News of somebody who asked on the web to be called back: a mail for people, JSON for a server (row R14)."""

from __future__ import annotations

from dataclasses import replace

from b2bua.notify.mail import Readers, call_lines, caller_of, one_line, to_each, with_link
from b2bua.notify.news import news
from b2bua.notify.texts import wording
from b2bua.store.callbacks import NewCallback
from b2bua.store.outbox import NewMail

LONGEST = 2000
"""Letters of what they say."""


def callback_news(new: NewCallback, *, readers: Readers, url: str | None) -> tuple[NewMail, ...]:
    """Return the mails, one per address, and what the server at ``url`` is told."""
    words, call = wording(readers.language), new.call
    about = replace(call, dialled=f"{call.dialled} ({call.source})".strip() if call.source else call.dialled)
    lines = [words.callback_opening, "", *call_lines(about, words, readers.timezone)]
    if new.details:
        lines.append(f"{words.details}: {one_line(new.details, longest=LONGEST)}")
    subject = words.missed_subject.format(caller=caller_of(call, words))
    mails = to_each(readers, subject, with_link(lines, call, words))
    if url is None:
        return mails
    fields = {
        "event": "callback",
        "text": f"{subject} {one_line(new.details, longest=LONGEST)}".strip(),
        "callback": new.id,
        "call_id": call.call_id,
        "caller": call.caller,
        "caller_name": call.caller_name,
        "dialled": call.dialled,
        "source": call.source,
        "at": call.at.isoformat(),
        "wished_at": new.wished_at.isoformat() if new.wished_at else None,
        "details": new.details,
    }
    return (*mails, news(url, subject, fields, language=readers.language))
