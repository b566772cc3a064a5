"""What changed from one configuration to the next, in plain words, and what of it waits for a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from b2bua.config.models import Config

FIXED = ("sip", "rtp", "media")
"""Tables on which sockets, processes and transports stand: they hold as they were at the start."""
FIXED_KEYS = ("office.data", "office.country")
"""So do these: the journal and its files, and the tones of the office's country."""
MOST_NAMES = 4
"""More of one kind are counted, not named."""
KINDS = (
    ("people", "person", "people"),
    ("groups", "group", "groups"),
    ("numbers", "number", "numbers"),
    ("number_groups", "group of numbers", "groups of numbers"),
    ("schemes", "scheme", "schemes"),
    ("menus", "menu", "menus"),
    ("queues", "queue", "queues"),
    ("mailboxes", "mailbox", "mailboxes"),
    ("extensions", "extension", "extensions"),
    ("calendars", "calendar", "calendars"),
    ("hours", "table of hours", "tables of hours"),
    ("rotas", "rota", "rotas"),
    ("trunks", "trunk", "trunks"),
    ("rates", "price list", "price lists"),
    ("webhooks", "webhook", "webhooks"),
    ("return_calls", "way to call back", "ways to call back"),
)
"""Field of ``Config``, and what one and many of its tables are called."""
ALERTS = ("backup_alert", "missed_alert", "weekly_report")


@dataclass(frozen=True, slots=True)
class Difference:
    """What one reading of the files brings."""

    changes: tuple[str, ...]
    """What holds from now on, e.g. ``2 people changed (anna, ivan)``."""
    needs_restart: tuple[str, ...]
    """Keys that stay as they are until a restart, e.g. ``sip.listen``."""


def difference(before: Config, after: Config) -> Difference:
    """Return what ``after`` changes in ``before``, the configuration in force."""
    waiting = [key for table in FIXED for key in _keys(table, getattr(before, table), getattr(after, table))]
    changes = [words for kind in KINDS for words in _tables(before, after, *kind)]
    for table in ("office", "recording", "smtp", "crm", "api", "callback", *ALERTS):
        for key in _keys(table.replace("_", "-"), getattr(before, table), getattr(after, table)):
            (waiting if key in FIXED_KEYS else changes).append(key)
    return Difference(tuple(changes), tuple(waiting))


def loss(before: Config, after: Config) -> str:
    """Return what ``after`` would leave an office without that has it now; empty: nothing that matters so.

    Nobody could call without trunks, or take calls without people. An editor, or a copy over the network,
    that is not through or found the disk full leaves a file that is empty or ends early, and may be TOML.
    """
    lost = [
        many
        for field, _, many in KINDS
        if field in ("trunks", "people") and _is_emptied(before, after, field)
    ]
    return " and ".join(lost)


def _is_emptied(before: Config, after: Config, field: str) -> bool:
    return bool(getattr(before, field)) and not getattr(after, field)


def applicable(before: Config, after: Config) -> Config:
    """Return ``after`` with what needs a restart as it is in ``before``."""
    kept = {"data": before.office.data, "country": before.office.country}
    office = after.office.model_copy(update=kept)
    fixed = {table: getattr(before, table) for table in FIXED}
    return after.model_copy(update={**fixed, "office": office})


def _tables(before: Config, after: Config, field: str, one: str, many: str) -> Iterator[str]:
    old: Mapping[str, object] = getattr(before, field)
    new: Mapping[str, object] = getattr(after, field)
    by_verb = {
        "added": [name for name in new if name not in old],
        "changed": [name for name in new if name in old and new[name] != old[name]],
        "removed": [name for name in old if name not in new],
    }
    for verb, names in by_verb.items():
        if names:
            named = f" ({', '.join(names)})" if len(names) <= MOST_NAMES else ""
            yield f"{len(names)} {one if len(names) == 1 else many} {verb}{named}"


def _keys(table: str, old: BaseModel | None, new: BaseModel | None) -> Iterator[str]:
    """Yield the keys of a table whose values differ; a table that came or went as such."""
    if old is None or new is None:
        if old is not new:
            yield table
        return
    for name, field in type(new).model_fields.items():
        if getattr(old, name) != getattr(new, name):
            yield f"{table}.{field.validation_alias or field.alias or name}"
