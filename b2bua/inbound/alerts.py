"""Tells outside of callers who were not served, and of calls that reached a backup (rows F19, O4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from b2bua.config.models import BackupAlert, Config, MissedAlert
from b2bua.config.written import written_destinations
from b2bua.notify.backup import backup_mails, backup_news
from b2bua.notify.mail import Readers, missed_call_mails
from b2bua.notify.missed import missed_news
from b2bua.store.backup import BackupCall, Office, backup_call
from b2bua.store.calls import CallOutcome, CallStory
from b2bua.store.outbox import NewMail
from b2bua.store.story import story


@dataclass(frozen=True, slots=True)
class Alerts:
    """What goes into the outbox when such a call is over: once, in the transaction that ends it."""

    in_force: Callable[[], Config]
    """Who is told, and whose the numbers are."""

    def news_of(self, call: CallStory) -> Sequence[NewMail]:
        """Return what has to go out about a call that is over."""
        config = self.in_force()
        news: list[NewMail] = []
        if config.missed_alert is not None and is_unserved(call):
            news += _missed(config, config.missed_alert, call)
        if config.backup_alert is not None:
            found = backup_call(call, office_of(config))
            news += _backup(config, config.backup_alert, found) if found is not None else ()
        return news


def is_unserved(call: CallStory) -> bool:
    """Return whether somebody outside called and is owed a call back."""
    return call.call.direction == "in" and call.outcome is CallOutcome.PROMISE


def _missed(config: Config, alert: MissedAlert, call: CallStory) -> Iterator[NewMail]:
    yield from missed_call_mails(call.call, readers=_readers(config, alert.emails), story=story(call))
    if alert.url is not None:
        yield missed_news(call, url=alert.url, language=config.office.language)


def _backup(config: Config, alert: BackupAlert, found: BackupCall) -> Iterator[NewMail]:
    names = {spec.mobile: spec.display for spec in config.plan().people.values() if spec.mobile}
    yield from backup_mails(found, readers=_readers(config, alert.emails), names=names)
    if alert.url is not None:
        yield backup_news(found, url=alert.url, language=config.office.language, names=names)


def _readers(config: Config, addresses: tuple[str, ...]) -> Readers:
    return Readers(addresses, config.office.language, ZoneInfo(config.office.timezone))


def office_of(config: Config) -> Office:
    """Return what has to be known of an office to read its journal."""
    return Office(
        keys={person.title: name for name, person in config.people.items()},
        marks_backups=any(destination.backup for _, destination in written_destinations(config)),
    )
