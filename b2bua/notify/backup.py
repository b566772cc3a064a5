"""News of a call that reached a backup: a mail for people, JSON for a server (row F19)."""

from __future__ import annotations

from collections.abc import Mapping

from b2bua.notify.mail import Readers, call_lines, caller_of, clock_length, one_line, to_each, with_link
from b2bua.notify.news import call_fields, news
from b2bua.notify.texts import Wording, wording
from b2bua.store import CallEvent, NewMail, story
from b2bua.store.backup import BackupCall, is_off


def backup_mails(found: BackupCall, *, readers: Readers, names: Mapping[str, str]) -> tuple[NewMail, ...]:
    """Return the mails, one per address; ``names`` are those of the people by their mobile numbers."""
    words = wording(readers.language)
    call = found.story.call
    lines = [
        words.backup_opening,
        "",
        *call_lines(call, words, readers.timezone),
        f"{words.backup}: {_backup(found, names)}",
        f"{words.missed_by}: {_missed(found, words)}",
    ]
    if found.waited_s is not None:
        lines.append(f"{words.waited}: {clock_length(found.waited_s)}")
    if found.talked_s is not None:
        lines.append(f"{words.talked}: {clock_length(found.talked_s)}")
    lines.append(f"{words.story}: {one_line(story(found.story), longest=2000)}")
    return to_each(readers, _subject(found, words, names), with_link(lines, call, words))


def backup_news(found: BackupCall, *, url: str, language: str, names: Mapping[str, str]) -> NewMail:
    """Return what the server at ``url`` is told; its ``text`` is what chats show of an incoming webhook."""
    words = wording(language)
    subject = _subject(found, words, names)
    fields = {
        "event": "backup",
        "text": f"{subject}. {words.missed_by}: {_missed(found, words)}",
        **call_fields(found.story.call),
        "backup": _backup(found, names),
        "is_answered": found.answered is not None,
        "answered_after_s": _rounded(found.waited_s),
        "talked_s": _rounded(found.talked_s),
        "missed_by": [
            {
                "who": event.who,
                "rang_s": None if is_off(event) else _rounded(event.seconds),
                "why": event.detail,
            }
            for event in found.missed
        ],
        "story": story(found.story),
    }
    return news(url, subject, fields, language=language)


def _subject(found: BackupCall, words: Wording, names: Mapping[str, str]) -> str:
    text = words.backup_missed_subject if found.answered is None else words.backup_subject
    return text.format(caller=caller_of(found.story.call, words), backup=_backup(found, names))


def _backup(found: BackupCall, names: Mapping[str, str]) -> str:
    """Return who it is: "+48600999888 (Maria Nowak)"; nobody where the step had nobody to ring."""
    name = names.get(found.who)
    return one_line(f"{found.who} ({name})" if name else found.who) or "–"


def _missed(found: BackupCall, words: Wording) -> str:
    return ", ".join(_one_missed(event, words) for event in found.missed) or "–"


def _one_missed(event: CallEvent, words: Wording) -> str:
    how = words.was_off if is_off(event) else clock_length(event.seconds or 0)
    return f"{one_line(event.who)} ({how})"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
