"""Tells outside of calls that reached a backup: who was it, and who had missed them (row F19)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from b2bua.config.models import Config
from b2bua.config.written import written_destinations
from b2bua.notify.backup import backup_mails, backup_news
from b2bua.notify.mail import Readers
from b2bua.store.backup import BackupCall, Office, backup_call
from b2bua.store.calls import CallStory
from b2bua.store.outbox import NewMail


@dataclass(frozen=True, slots=True)
class BackupAlerts:
    """What goes into the outbox when such a call is over: once, in the transaction that ends it."""

    in_force: Callable[[], Config]
    """Who is told, and whose the numbers are."""

    def news_of(self, story: CallStory) -> Sequence[NewMail]:
        """Return what has to go out about a call that is over; nothing when it reached no backup."""
        config = self.in_force()
        if config.backup_alert is None:
            return ()
        found = backup_call(story, office_of(config))
        return tuple(_news(config, found)) if found is not None else ()


def _news(config: Config, found: BackupCall) -> Iterator[NewMail]:
    alert, language = config.backup_alert, config.office.language
    assert alert is not None
    names = {spec.mobile: spec.display for spec in config.plan().people.values() if spec.mobile}
    readers = Readers(alert.emails, language, ZoneInfo(config.office.timezone))
    yield from backup_mails(found, readers=readers, names=names)
    if alert.url is not None:
        yield backup_news(found, url=alert.url, language=language, names=names)


def office_of(config: Config) -> Office:
    """Return what has to be known of an office to read its journal."""
    return Office(
        keys={person.title: name for name, person in config.people.items()},
        marks_backups=any(destination.backup for _, destination in written_destinations(config)),
    )
