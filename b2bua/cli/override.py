"""``b2bua override``: what holds for all calls of the office, against hours and schemes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import end_of, folder_of, later_than, tell_office
from b2bua.config.models import Config
from b2bua.config.similar import did_you_mean
from b2bua.errors import Unavailable
from b2bua.people.decisions import NORMAL, in_words, override_of, row_of
from b2bua.people.status import Source, moment
from b2bua.routing.override import OverrideKind, decision, why_impossible
from b2bua.store.store import Store

WHO = "the command line"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed."""

    kind: str
    """What shall hold."""
    for_: str
    """How long; may be empty."""
    until: str
    """Until when; may be empty."""


async def decide(config: Config, wish: Wish) -> None:
    """Let that hold from now on; an office that runs knows it at once.

    Raises:
        Unavailable: it cannot be kept, or the office that runs here cannot be told.
        BadParameter: there is no such decision, or it cannot be made in this office.
    """
    kind = _kind(config, wish.kind)
    now, zone = datetime.now(UTC), ZoneInfo(config.office.timezone)
    until = end_of(wish.for_, wish.until, now=now, zone=zone)
    decided = decision(config.plan(), kind, now.astimezone(zone), until)
    folder = await folder_of(config)
    if folder is None:
        raise Unavailable(f"no office has ever run on the folder {config.office.data}")
    async with await Store.open(folder) as store:
        last = await store.overrides.last()
        since = later_than(last.since if last is not None else None, now)
        is_kept = await store.overrides.keep(row_of(decided, since, who=WHO, source=Source.COMMAND))
    await tell_office(folder, is_kept=is_kept)
    typer.echo(in_words(decided, zone, now))


def _kind(config: Config, text: str) -> OverrideKind:
    known = [kind.value for kind in OverrideKind]
    if text not in known:
        why = f"{text!r} cannot be decided{did_you_mean(text, known)}"
        raise typer.BadParameter(why, param_hint="DECISION")
    kind = OverrideKind(text)
    if why := why_impossible(config.plan(), kind):
        raise typer.BadParameter(f"{text} cannot be decided: {why}", param_hint="DECISION")
    return kind


async def tell(config: Config) -> None:
    """Print what holds, and who decided it."""
    now, zone = datetime.now(UTC), ZoneInfo(config.office.timezone)
    folder = await folder_of(config)
    decided = None
    if folder is not None:
        async with await Store.open(folder) as store:
            decided = await store.overrides.last()
    if decided is None or not override_of(decided).holds(now):
        typer.echo(in_words(NORMAL, zone, now))
        return
    by = f"{decided.who} decided so at {moment(decided.since, zone, now)}"
    typer.echo(f"{in_words(override_of(decided), zone, now)}: {by}")
