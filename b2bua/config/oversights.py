"""What was probably forgotten or mixed up: tables that nothing uses, doors too wide, schemes swapped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from b2bua.config.models import Config
from b2bua.config.numbers import written_numbers
from b2bua.config.origin import Fault, warning
from b2bua.config.rung import rung
from b2bua.config.target_check import places
from b2bua.config.values import Network
from b2bua.routing.days import DayRange
from b2bua.routing.destination import Goto, Mobile, Ring, RingMode
from b2bua.routing.numbers import is_emergency
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import number_spec

WIDEST = {4: 15, 6: 31}
"""By IP version: the shortest prefix of a network in the internet that one provider may have."""
MEANT_TO_BE_USED = ("hours", "rota", "calendar", "webhook")
"""Sections whose tables do nothing by themselves."""


def oversights(config: Config, plan: Plan, today: date) -> Iterator[Fault]:
    """Yield them, as warnings."""
    yield from _unused(config)
    yield from _wide_doors(config)
    yield from _no_way_in(config)
    yield from _swapped(config, plan)
    yield from _no_holidays(config, plan)
    yield from _extensions_for_help(config)
    yield from _agents_without_phones(config)
    yield from _mobiles_that_win(config, plan)
    yield from _hours_that_are_over(config, today)


def _unused(config: Config) -> Iterator[Fault]:
    """Yield the tables whose name stands nowhere: they were meant to be used."""
    words = {word for value in config.as_written.values() for word in _words(value)}
    for section in MEANT_TO_BE_USED:
        for name in config.as_written.get(section, {}):
            if name not in words:
                yield warning(section, name, because="nothing uses it: was it to be named somewhere?")


def _words(value: object) -> Iterator[str]:
    match value:
        case str():
            yield from (value, *value.split())
        case dict():
            for each in value.values():
                yield from _words(each)
        case list():
            for each in value:
                yield from _words(each)


def _wide_doors(config: Config) -> Iterator[Fault]:
    for name, trunk in config.trunks.items():
        for index, network in enumerate(trunk.accepts_from):
            if _is_everybody(network):
                who = f"whoever calls from one of these {network.num_addresses} addresses"
                why = f'{who} is taken for this provider; name its own networks, such as "198.51.100.0/28"'
                yield warning("trunk", name, "accepts-from", index, because=why)


def _is_everybody(network: Network) -> bool:
    return network.prefixlen <= WIDEST[network.version] and not network.is_private


def _no_way_in(config: Config) -> Iterator[Fault]:
    has_numbers = bool(config.numbers or config.number_groups)
    brings_in = any(trunk.accepts_from or trunk.registrar for trunk in config.trunks.values())
    if has_numbers and config.trunks and not brings_in:
        why = "nobody can call the office: add the addresses that its calls come from"
        yield warning("trunk", next(iter(config.trunks)), "accepts-from", because=why)


def _swapped(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield the numbers that ring people while they are closed, and nobody while they are open."""
    for path, written in written_numbers(config):
        spec = number_spec(plan, written)
        if spec is None or not spec.schedule or spec.off_hours is None:
            continue
        if any(rung(plan, Goto(spec.off_hours))) and not any(rung(plan, Goto(spec.in_hours))):
            why = f"rings nobody, but off-hours ({spec.off_hours}) does: are the two in each other's place?"
            yield warning(*path[:2], "in-hours", because=why)


def _no_holidays(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield the numbers that have a scheme for holidays, and hours without any."""
    for path, written in written_numbers(config):
        spec = number_spec(plan, written)
        if spec is None or spec.holiday is None or spec.schedule is None:
            continue
        hours = plan.hours[spec.schedule]
        has_days = (
            hours.public or hours.closed or hours.closed_by or any(not spans for _, spans in hours.special)
        )
        if not has_days:
            why = f"is never used: [hours.{spec.schedule}] has no holidays; add some, such as holidays = "
            yield warning(*path[:2], "holiday", because=f'{why}["12-25", "01-01"]')


def _extensions_for_help(config: Config) -> Iterator[Fault]:
    """Yield the extensions by which somebody in need calls the police or an ambulance in that country."""
    country = config.office.country
    people = ((("person", key, "extension"), person.extension) for key, person in config.people.items())
    others = ((("extension", each), each) for each in config.extensions)
    for path, extension in (*people, *others):
        if extension and is_emergency(extension, country=country):
            why = f"is an emergency number in {country}: who dials {extension} here does not reach help"
            yield warning(*path, because=f"{why}; take another, such as 2{extension[1:]}")


def _agents_without_phones(config: Config) -> Iterator[Fault]:
    has_phone = {name for name, person in config.people.items() if person.sip_password or person.devices}
    plan = config.plan()
    for name in config.queues:
        missing = [agent for agent in plan.queues[name].agents if agent not in has_phone]
        if missing:
            are = "has no password, so no phone" if len(missing) == 1 else "have no passwords, so no phones"
            why = f"{', '.join(missing)} {are}: the queue never rings them"
            yield warning("queue", name, "agents", because=why)


def _mobiles_that_win(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield where a mobile that is off takes the call from all others who are rung with it."""
    why = (
        "a mobile that is off is answered by its carrier's voicemail, which has the call then while the "
        "others still ring; add confirm = true, so that who answers presses 1"
    )
    for path, _, destination in places(config, plan):
        if not isinstance(destination, Ring) or destination.mode is RingMode.IN_TURN or destination.duties:
            continue  # who is on duty at different times is not rung together
        mobiles = [each for each in destination.targets if isinstance(each, Mobile)]
        if len(destination.targets) > 1 and any(not each.confirm for each in mobiles):
            yield warning(*path, "ring", because=why)


def _hours_that_are_over(config: Config, today: date) -> Iterator[Fault]:
    """Yield hours that have dates alone, all of them past."""
    for name, table in config.hours.items():
        keys = [key for key, times in table.times.items() if times]
        if not keys or table.open_by or not all(key[:1].isdigit() for key in keys):
            continue
        last = [DayRange.parse(key).last for key in keys]
        if all(year is not None and date(year, month, day) < today for year, month, day in last):
            yield warning("hours", name, because="will never be open again: its last day is past")
