"""Tells people outside the house what happened: mail out of the store's outbox."""

from __future__ import annotations

from b2bua.notify.delivery import FolderDelivery, NotDeliveredError, SmtpDelivery, SmtpSettings
from b2bua.notify.mail import Readers, missed_call_mails, voicemail_mails
from b2bua.notify.worker import MailWorker

__all__ = [
    "FolderDelivery",
    "MailWorker",
    "NotDeliveredError",
    "Readers",
    "SmtpDelivery",
    "SmtpSettings",
    "missed_call_mails",
    "voicemail_mails",
]
