"""Which mails a mailbox's owners get, and the way they leave the house."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from b2bua.call.call import CallerIdentity
from b2bua.config.models import Callback, Config, Smtp
from b2bua.http.client import HttpClient
from b2bua.notify.callback import callback_news
from b2bua.notify.delivery import Delivery, FolderDelivery, SmtpDelivery, SmtpSettings
from b2bua.notify.links import Links
from b2bua.notify.mail import (
    Readers,
    missed_call_mails,
    refused_record_mails,
    unlisted_number_mails,
    voicemail_mails,
)
from b2bua.notify.message import voicemail_news
from b2bua.notify.web import WebDelivery
from b2bua.notify.worker import MailWorker
from b2bua.store.callbacks import NewCallback
from b2bua.store.calls import NewCall, PartialMessage, UnfinishedCall
from b2bua.store.links import Kept
from b2bua.store.outbox import NewMail
from b2bua.store.store import Store
from b2bua.voicemail.step import LeftMessage


@dataclass(frozen=True, slots=True)
class Mails:
    """Words and addresses of the office's mails."""

    in_force: Callable[[], Config]
    """Mailboxes, language, zone in which times are told, mail server."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    http: HttpClient
    """For news that go to a server."""
    links: Links
    """By which messages are heard."""

    def for_message(self, left: LeftMessage) -> Sequence[NewMail]:
        """Return the mails that bring a message to its mailbox's owners."""
        message = PartialMessage(left.row, left.box.name, left.path, left.at, left.seconds)
        new_call = _as_new_call(left.call.identity, left.at)
        return self._of_message(new_call, message, is_cut_short=left.is_cut_short)

    def for_interrupted(self, unfinished: UnfinishedCall) -> Sequence[NewMail]:
        """Return the mails about a call that ended with the program: with its recording, or as missed."""
        mails: list[NewMail] = []
        for message in unfinished.messages:
            if message.seconds is not None:
                mails += self._of_message(unfinished.call, message, is_cut_short=True)
        if mails or unfinished.call.direction != "in":
            return mails
        config = self.in_force()
        readers = self._readers(config.plan().default_mailbox)
        told = config.missed_alert.emails if config.missed_alert is not None else ()
        others = tuple(address for address in readers.addresses if address not in told)
        return missed_call_mails(unfinished.call, readers=replace(readers, addresses=others))

    def _of_message(
        self, call: NewCall, message: PartialMessage, *, is_cut_short: bool = False
    ) -> list[NewMail]:
        """Return the mails about a message that is complete, and what the server of its mailbox is told."""
        config, seconds = self.in_force(), message.seconds or 0.0
        readers = self._readers(message.box)
        link = self.links.to(Kept.MESSAGE, message.id, since=message.began_at)
        mails = voicemail_mails(
            call,
            box=message.box,
            recording=message.path,
            seconds=seconds,
            readers=readers,
            link=link,
            is_cut_short=is_cut_short,
        )
        table = config.mailboxes.get(message.box)
        if table is None or table.url is None:
            return [*mails]
        told = voicemail_news(
            call, box=message.box, seconds=seconds, url=table.url, language=readers.language, link=link
        )
        return [*mails, told]

    def for_unlisted(self, call: NewCall) -> Sequence[NewMail]:
        """Return the mails about a call to a number that nobody configured."""
        box = self.in_force().plan().default_mailbox
        return unlisted_number_mails(call, readers=self._readers(box))

    def for_refused_record(self, call: NewCall, why: str) -> Sequence[NewMail]:
        """Return the mails about a call that the CRM does not take, and why."""
        box = self.in_force().plan().default_mailbox
        return refused_record_mails(call, why, readers=self._readers(box))

    def for_callback(self, new: NewCallback) -> Sequence[NewMail]:
        """Return what has to go out when somebody asked on the web to be called back."""
        config = self.in_force()
        table = config.callback or Callback()
        readers = self._readers(config.plan().default_mailbox)
        readers = replace(readers, addresses=table.emails or readers.addresses)
        return callback_news(new, readers=readers, url=table.url)

    def worker(self, store: Store) -> MailWorker:
        """Return what sends the outbox: to the mail server, or into ``outbox/`` where there is none."""
        return MailWorker(store.outbox, self.delivery(), now=self.clock)

    def delivery(self) -> Delivery:
        """Return the way out that is configured now."""
        config = self.in_force()
        mail: Delivery = FolderDelivery(config.office.data / "outbox")
        if config.smtp is not None:
            mail = SmtpDelivery(_settings(config.smtp))
        return WebDelivery(mail, self.http, self.clock, _secrets(config))

    def _readers(self, box: str) -> Readers:
        config = self.in_force()
        return Readers(config.emails_of(box), config.office.language, ZoneInfo(config.office.timezone))


def _secrets(config: Config) -> dict[str, str]:
    """Return what signs the news for each server that is told any."""
    alerts = (config.backup_alert, config.missed_alert, config.weekly_report)
    told = (*alerts, config.callback, *config.mailboxes.values())
    return {table.url: table.secret for table in told if table and table.url and table.secret}


def _settings(smtp: Smtp) -> SmtpSettings:
    return SmtpSettings(
        host=smtp.host,
        sender=smtp.sender,
        port=smtp.port,
        username=smtp.username,
        password=smtp.password,
        starttls=smtp.starttls,
        is_tls=smtp.port == 465,
    )


def _as_new_call(identity: CallerIdentity, at: datetime) -> NewCall:
    return NewCall(
        call_id=identity.call_id,
        caller=identity.number,
        caller_name=identity.name,
        dialled=identity.dialled,
        trunk=identity.trunk or "",
        at=at,
    )
