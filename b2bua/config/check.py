"""Looks over a configuration that can be used, and says where it is likely to lose calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain

from b2bua.config.dead_ends import choices, find_dead_ends
from b2bua.config.hours_check import contradictory_hours, unusual_hours
from b2bua.config.models import Config
from b2bua.config.numbers import written_numbers
from b2bua.config.origin import Fault, warning
from b2bua.config.oversights import oversights
from b2bua.config.price_check import price_warnings
from b2bua.config.queue_room import queues_without_room
from b2bua.config.rung import rung
from b2bua.config.servers import unencrypted, warnings_about_servers
from b2bua.config.target_check import places, target_warnings
from b2bua.config.written import written_destinations
from b2bua.errors import ConfigError, Problem
from b2bua.routing.destination import (
    Destination,
    External,
    Goto,
    Menu,
    Mobile,
    Person,
    Ring,
    RingMode,
    SipAddress,
    Target,
)
from b2bua.routing.numbers import DIALLABLE, normalise
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import number_spec

RING_RANGE = (10.0, 60.0)
QUEUE_RANGE = (90.0, 300.0)
MENU_RANGE = (90.0, 120.0)
MOST_OPTIONS = 4
LEAST_PASSWORD = 6
"""Characters."""


def lint(config: Config) -> tuple[Problem, ...]:
    """Return what is wrong or unwise, in the order of the file; errors keep the office from starting."""
    try:
        plan = config.plan()
    except ConfigError as error:
        return error.problems
    return config.origin.problems((*config.origin.remarks, *find_dead_ends(plan), *_warnings(config, plan)))


def _warnings(config: Config, plan: Plan) -> Iterator[Fault]:
    yield from _office(config)
    yield from _sound(config)
    yield from _codecs(config)
    yield from _passwords(config)
    yield from _interface(config)
    yield from _web_form(config)
    yield from _no_telephone_numbers(config, plan)
    yield from _numbers_without_backup(config, plan)
    yield from _numbers_without_off_hours(config, plan)
    yield from _steps(config, plan)
    yield from warnings_about_servers(config)
    yield from contradictory_hours(config)
    yield from unusual_hours(config)
    yield from _menus(config, plan)
    yield from _queues(config)
    yield from _unreachable(config, plan)
    yield from target_warnings(config, plan)
    yield from _groups(config)
    yield from price_warnings(config, plan)
    yield from queues_without_room(config)
    yield from oversights(config, plan, datetime.now(UTC).date())


def _office(config: Config) -> Iterator[Fault]:
    if config.office.default_scheme is None:
        why = "is missing: calls to numbers that are not listed go straight to voicemail"
        yield warning("office", "default-scheme", because=why)
    if not config.mailboxes:
        yield warning("voicemail", because="no mailbox: messages are kept, but nobody is told of them")
    if config.recording.is_on and not config.recording.announcement:
        why = "is off: in most countries whoever is recorded has to be told before"
        yield warning("recording", "announcement", because=why)
    for name in config.mailboxes:
        if not config.emails_of(name):
            yield warning("voicemail", name, "emails", because="is missing: nobody is told of a message")


def _sound(config: Config) -> Iterator[Fault]:
    signalled = {":" in host for host, _ in config.sip.addresses}
    heard = {":" in host for host in config.rtp.addresses}
    for is_ipv6 in sorted(signalled - heard):
        version = "IPv6" if is_ipv6 else "IPv4"
        why = (
            f"has no {version} address, but `listen` of [sip] has: phones that have {version} alone stay mute"
        )
        yield warning("rtp", "address", because=why)
    channels = sum(trunk.channels or 0 for trunk in config.trunks.values())
    if config.rtp.legs < 2 * channels:
        why = f"have room for {config.rtp.room}; the trunks have {channels} channels"
        yield warning("rtp", "ports", because=why)
    if config.media.workers > config.rtp.legs // 2:
        yield warning("media", "workers", because=f"are too many for ports with room for {config.rtp.room}")


def _codecs(config: Config) -> Iterator[Fault]:
    why = "have neither PCMA nor PCMU: whoever has nothing else, as most providers, is refused"
    lists: dict[tuple[str, ...], tuple[str, ...] | None] = {("media",): config.media.codecs}
    lists |= {("trunk", name): trunk.codecs for name, trunk in config.trunks.items()}
    lists |= {("person", name): person.codecs for name, person in config.people.items()}
    for path, codecs in lists.items():
        if codecs is not None and not {"PCMA", "PCMU"} & set(codecs):
            yield warning(*path, "codecs", because=why)


def _passwords(config: Config) -> Iterator[Fault]:
    why = "is easy to guess: strangers try such passwords all day, and then call abroad at your cost"
    for name, person in config.people.items():
        if _is_easy(person.sip_password, {person.extension, name}):
            yield warning("person", name, "password", because=why)
        for device, table in person.devices.items():
            if _is_easy(table.sip_password, {person.extension, name, device, person.login_of(device)}):
                yield warning("person", name, "device", device, "password", because=why)


def _is_easy(password: str | None, names: set[str | None]) -> bool:
    return bool(password) and (len(password or "") < LEAST_PASSWORD or password in names)


def _interface(config: Config) -> Iterator[Fault]:
    if config.api is not None and _is_taken(config, *config.api.address):
        yield Fault(("api", "listen"), "phones come there by TCP, see [sip]; give the API a port of its own")
    if config.api is not None and not config.api.is_private:
        why = "tokens and callers cross the network in the clear: add tls-certificate, or listen on 127.0.0.1"
        yield warning("api", "listen", because=why)
    if config.api is not None and config.api.url is not None:
        yield from unencrypted(
            config.api.url, "api", because="whoever is on the way can listen to recordings"
        )


def _web_form(config: Config) -> Iterator[Fault]:
    if config.callback is not None and config.api is None:
        yield warning("callback", because="there is no [api], so nobody can ask to be called back")


def _is_taken(config: Config, host: str, port: int) -> bool:
    """Return whether SIP listens on that port by TCP, at that address or at all of them."""
    sip = config.sip
    own = {"tls": sip.tls_port, "ws": sip.ws_port, "wss": sip.wss_port}
    everywhere = {"0.0.0.0", "::"}  # noqa: S104 - compared, not listened on
    return any(
        own.get(kind, sip_port) == port and (host == sip_host or {host, sip_host} & everywhere)
        for sip_host, sip_port in sip.addresses
        for kind in sip.transports
        if kind != "udp"
    )


def _no_telephone_numbers(config: Config, plan: Plan) -> Iterator[Fault]:
    for path, written in written_numbers(config):
        if not DIALLABLE.fullmatch(normalise(written, country=plan.country)):
            yield warning(*path, because="is no telephone number: nobody can dial it")


def _numbers_without_backup(config: Config, plan: Plan) -> Iterator[Fault]:
    why = (
        "no backup: when these phones are offline only voicemail is left; "
        "let a later step ring a mobile, another number or somebody else"
    )
    for path in dict.fromkeys(path[:2] for path, _ in written_numbers(config)):
        table = (config.numbers if path[0] == "number" else config.number_groups)[str(path[1])]
        entries = filter(None, (table.scheme, table.in_hours, table.off_hours, table.holiday))
        if any(_lacks_backup(plan, name) for name in entries):
            yield warning(*path, because=why)


def _numbers_without_off_hours(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield one warning for all numbers that ring people at any time, by a scheme that knows no hours."""
    found = []
    for path, written in written_numbers(config):
        spec = number_spec(plan, written)
        if spec and not spec.schedule and _rings_at_any_time(plan, spec.in_hours):
            found.append(path[:2])
    if found:
        others = f" (so {_is_or_are(len(found) - 1, 'other number')})" if len(found) > 1 else ""
        why = (
            f"is missing: people are rung at night and on holidays too{others}; "
            "let a schedule choose between in-hours and off-hours"
        )
        yield warning(*found[0], "off-hours", because=why)


def _is_or_are(count: int, what: str) -> str:
    return f"is one {what}" if count == 1 else f"are {count} {what}s"


def _rings_at_any_time(plan: Plan, scheme: str) -> bool:
    return bool(list(rung(plan, Goto(scheme)))) and not _knows_hours(plan, scheme)


def _knows_hours(plan: Plan, name: str) -> bool:
    """Return whether the scheme, one of its steps or a scheme within does not work at all hours."""
    scheme = plan.schemes[name]
    within = (step.destination.scheme for step in scheme.steps if isinstance(step.destination, Goto))
    has_hours = scheme.works is not None or any(step.hours for step in scheme.steps)
    return has_hours or any(_knows_hours(plan, each) for each in within)


def _lacks_backup(plan: Plan, scheme: str) -> bool:
    """Return whether the scheme rings people, but only ever the same ones and nobody outside."""
    groups = [tuple(map(_whole, targets)) for targets in rung(plan, Goto(scheme))]
    has_outside = any(isinstance(target, External | Mobile | SipAddress) for target in chain(*groups))
    has_others = any(set(group) - set(groups[0]) for group in groups[1:])
    return bool(groups) and not (has_outside or has_others)


def _whole(target: Target) -> Target:
    """Return whom one of somebody's phones belongs to: it is no backup for the others."""
    return Person(target.name) if isinstance(target, Person) else target


def _steps(config: Config, plan: Plan) -> Iterator[Fault]:
    for name, scheme in config.schemes.items():
        for index, step in enumerate(scheme.steps):
            path = ("scheme", name, "step", index)
            if step.ring and step.for_seconds:
                yield from _outside(RING_RANGE, step.for_seconds, *path, "for")
            if step.queue and step.for_seconds:
                yield from _outside(QUEUE_RANGE, step.for_seconds, *path, "for")
            if _staggers_too_slowly(plan.schemes[name].steps[index].destination):
                yield warning(*path, "stagger", because="the step is over before the last target rings")


def _staggers_too_slowly(destination: Destination) -> bool:
    if not isinstance(destination, Ring) or destination.mode is not RingMode.STAGGERED:
        return False
    by_rota = [len(duty.targets) for duty in destination.duties]
    count = len(destination.targets) - sum(by_rota) + len(by_rota)
    return (count - 1) * destination.stagger_seconds >= destination.for_seconds


def _outside(usual: tuple[float, float], seconds: float, *path: str | int) -> Iterator[Fault]:
    low, high = usual
    if not low <= seconds <= high:
        yield warning(*path, because=f"{seconds:g} s is unusual, {low:g} to {high:g} s are recommended")


def _menus(config: Config, plan: Plan) -> Iterator[Fault]:
    for name, menu in config.menus.items():
        path = ("menu", name)
        if len(menu.options) > MOST_OPTIONS:
            why = f"{len(menu.options)} options; callers remember {MOST_OPTIONS}"
            yield warning(*path, "options", because=why)
        if any(_has_menu(plan, choice) for choice in choices(plan, plan.menus[name])):
            yield warning(*path, because="leads to another menu; callers want one level")
        yield from _outside(MENU_RANGE, menu.for_seconds, *path, "for")


def _has_menu(plan: Plan, destination: Destination) -> bool:
    match destination:
        case Menu():
            return True
        case Goto(scheme):
            return any(_has_menu(plan, step.destination) for step in plan.schemes[scheme].steps)
    return False


def _queues(config: Config) -> Iterator[Fault]:
    for name, queue in config.queues.items():
        yield from _outside(QUEUE_RANGE, queue.max_wait_s, "queue", name, "max-wait")


def _groups(config: Config) -> Iterator[Fault]:
    """Yield the groups that nothing rings: most often a name that was changed in one place only."""
    rung = [target for _, destination in written_destinations(config) for target in destination.ring or ()]
    rung += [agent for queue in config.queues.values() for agent in queue.agents]
    for rota in config.rotas.values():
        rung += [*rota.members, *chain.from_iterable(rota.dates.values())]
    words = {word for target in rung for word in target.split()}
    for name in config.groups:
        if name not in words:
            yield warning("group", name, because="nothing rings it")


def _unreachable(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield the steps, options of menus and extensions of which a target can never be rung."""
    calls_out = any(trunk.places_calls for trunk in config.trunks.values())
    for path, _, destination in places(config, plan):
        for target in destination.targets if isinstance(destination, Ring) else ():
            if why := _why_never_rung(config, target, calls_out=calls_out):
                yield warning(*path, "ring", because=why)


def _why_never_rung(config: Config, target: Target, *, calls_out: bool) -> str | None:
    match target:
        case Person(name, "") if not (config.people[name].sip_password or config.people[name].devices):
            return f'{name} has no password, so no phone; did you mean "mobile of {name}"?'
        case External() | Mobile() if not calls_out:
            return "no trunk can place calls; add host or registrar to one"
    return None
