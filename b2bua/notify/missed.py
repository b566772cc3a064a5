"""News of a caller who was not served, for a server (rows O4, Q19)."""

from __future__ import annotations

from b2bua.notify.mail import caller_of
from b2bua.notify.news import call_fields, news
from b2bua.notify.texts import wording
from b2bua.store import CallStory, NewMail, story


def missed_news(call: CallStory, *, url: str, language: str) -> NewMail:
    """Return what the server at ``url`` is told of a call that left a promise to call back."""
    subject = wording(language).missed_subject.format(caller=caller_of(call.call, wording(language)))
    fields = {
        "event": "missed",
        "text": f"{subject}. {story(call)}",
        **call_fields(call.call),
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
        "why": call.why,
        "story": story(call),
    }
    return news(url, subject, fields, language=language)
