"""The report of a week: a mail for people, JSON for a server (row O3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from b2bua.notify.mail import Readers, clock_length, to_each
from b2bua.notify.news import news
from b2bua.notify.texts import wording
from b2bua.store import NewMail
from b2bua.store.promised import Fate
from b2bua.store.weekly import WeekReport, change


def weekly_mails(found: WeekReport, *, readers: Readers, names: Mapping[str, str]) -> tuple[NewMail, ...]:
    """Return the mails, one per address; ``names`` are those of the people, by key."""
    subject = weekly_subject(found, readers.language)
    return to_each(readers, subject, "\n".join(weekly_lines(found, readers, names=names)) + "\n")


def weekly_subject(found: WeekReport, language: str) -> str:
    """Return the week in one line."""
    grown = _grown(found.missed, found.missed_before)
    return wording(language).weekly_subject.format(calls=found.calls.calls, missed=found.missed, grown=grown)


def weekly_lines(found: WeekReport, readers: Readers, *, names: Mapping[str, str]) -> list[str]:
    """Return the week in words."""
    words, calls, fates = wording(readers.language), found.calls, found.promised.fates
    begin, last = (moment.astimezone(readers.timezone) for moment in (found.begin, found.end))
    last -= timedelta(seconds=1)
    lines = [
        f"{begin:%Y-%m-%d} … {last:%Y-%m-%d}",
        "",
        _line(words.weekly_calls, calls.calls, found.calls_before, words.weekly_before),
        _line(words.weekly_missed, found.missed, found.missed_before, words.weekly_before),
        *([words.weekly_unusual] if found.is_unusual else []),
        f"{words.weekly_called_back}: {fates[Fate.CALLED_BACK]}{_share(found)}",
    ]
    if found.promised.median_s is not None:
        lines.append(f"{words.weekly_median}: {clock_length(found.promised.median_s)}")
    lines.append(f"{words.weekly_owed}: {fates[Fate.OWED]}")
    lines.append(words.weekly_backup.format(reached=calls.reached_backup, taken=calls.taken_by_backup))
    if calls.missed:
        missed = sorted(calls.missed.items(), key=lambda item: (-item[1], item[0]))
        lines.append(f"{words.missed_by}: {', '.join(f'{names.get(key, key)} {n}' for key, n in missed)}")
    return lines


def _share(found: WeekReport) -> str:
    share = found.promised.share_called_back
    return "" if share is None else f" ({share:.0%})"


def weekly_news(found: WeekReport, *, url: str, readers: Readers, names: Mapping[str, str]) -> NewMail:
    """Return what the server at ``url`` is told; its ``text`` is what chats show of an incoming webhook."""
    subject = weekly_subject(found, readers.language)
    fields = {
        "event": "weekly",
        "text": "\n".join([subject, *weekly_lines(found, readers, names=names)[2:]]),
        "begin": found.begin.isoformat(),
        "end": found.end.isoformat(),
        "calls": found.calls.calls,
        "calls_before": found.calls_before,
        "missed": found.missed,
        "missed_before": found.missed_before,
        "is_unusual": found.is_unusual,
        "called_back": found.promised.fates[Fate.CALLED_BACK],
        "owed": found.promised.fates[Fate.OWED],
        "reached_backup": found.calls.reached_backup,
        "taken_by_backup": found.calls.taken_by_backup,
        "missed_by": dict(found.calls.missed),
    }
    return news(url, subject, fields, language=readers.language)


def _line(label: str, now: int, before: int, words: str) -> str:
    return f"{label}: {now}{_grown(now, before)}; {words}: {before}"


def _grown(now: int, before: int) -> str:
    grown = change(now, before)
    return "" if grown is None else f" ({grown:+.0%})"
