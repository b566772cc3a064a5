"""Tables of the file that stand in the plan nearly as they are written."""

from __future__ import annotations

from b2bua.config import tables
from b2bua.routing.load import Condition, in_words
from b2bua.routing.plan import FormSpec, MailboxSpec, QueueSpec, WebhookSpec


def queue_spec(table: tables.Queue, *, agents: tuple[str, ...]) -> QueueSpec:
    """Return the queue of a table, with the keys of its agents."""
    return QueueSpec(
        name=table.name,
        agents=agents,
        strategy=table.strategy,
        announce_every_s=table.announce_every_s,
        max_wait_s=table.max_wait_s,
        ring_seconds=table.ring_seconds,
        wrap_up_s=table.wrap_up_s,
        music=table.music,
        greeting=table.greeting,
        messages=table.messages,
        messages_every_s=table.messages_every_s,
        announces_position=table.announce_position,
        announces_wait=table.announce_wait,
        whispers_wait=table.whisper,
        offers_call_back=table.offer_call_back,
    )


def works_on(table: tables.Scheme, when: tuple[Condition, ...]) -> str:
    """Return in words when the scheme works: ``mon-fri, while free in sales > 1``."""
    hours = table.hours or ", ".join(table.days)
    return ", ".join(filter(None, [hours, f"while {in_words(when)}" if when else ""]))


def mailbox_spec(table: tables.Mailbox, *, emails: tuple[str, ...]) -> MailboxSpec:
    """Return the mailbox of a table, with who is told of its messages."""
    return MailboxSpec(table.name, table.greeting, emails, table.max_seconds, table.min_seconds)


def webhook_spec(table: tables.Webhook) -> WebhookSpec:
    """Return the webhook of a table."""
    return WebhookSpec(
        name=table.name,
        url=table.url,
        method=table.method,
        budget_s=table.budget_s,
        for_seconds=table.for_seconds,
        secret=table.secret,
        caches=table.cache,
        form=_form(table),
    )


def _form(table: tables.Webhook) -> FormSpec | None:
    if table.digits is None:
        return None
    fewest, most = table.digits
    return FormSpec(table.ask or ("form-ask",), fewest, most, table.read_back, table.tries)
