"""The people of an office, read for the plan: their extensions, logins and mobiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from b2bua.config import tables
from b2bua.config.numbers import Complain, Know
from b2bua.routing.numbers import DIALLABLE, is_short, normalise, part_post_dial
from b2bua.routing.plan import PersonSpec

if TYPE_CHECKING:
    from b2bua.config.models import Config


def index_extensions(config: Config, *, fault: Complain) -> dict[str, str]:
    """Return whose each extension is; complain about those that two have, and about logins that two have."""
    owners: dict[str, str] = {}
    for name, person in config.people.items():
        if person.extension is None:
            continue
        if person.extension in owners:
            owner = owners[person.extension]
            fault(("person", name, "extension"), f"{person.extension} is already the extension of {owner}")
        owners.setdefault(person.extension, name)
    _check_logins(config, owners, fault)
    return owners


def _check_logins(config: Config, extensions: dict[str, str], fault: Complain) -> None:
    """Complain about logins of devices that mean somebody or something else as well."""
    places = {
        **{extension: f"the extension of {owner}" for extension, owner in extensions.items()},
        **dict.fromkeys(config.groups, "a group"),
        **dict.fromkeys(config.people, "a person"),
    }
    for name, person in config.people.items():
        for device in person.devices:
            login = person.login_of(device)
            if login in places:
                fault(("person", name, "device", device, "login"), f"{login} is already {places[login]}")
            places[login] = f"the login of {device} of {name}"


def compile_people(
    config: Config, mailboxes: Iterable[str], *, known: Know, fault: Complain
) -> dict[str, PersonSpec]:
    """Return the people as routing sees them, by key."""
    boxes = tuple(mailboxes)
    return {name: _person(config, person, boxes, known, fault) for name, person in config.people.items()}


def _person(
    config: Config, table: tables.Person, mailboxes: tuple[str, ...], known: Know, fault: Complain
) -> PersonSpec:
    if table.calendar:
        known(("person", table.name, "calendar"), table.calendar, config.calendars, "calendar")
    if table.voicemail:
        known(("person", table.name, "voicemail"), table.voicemail, mailboxes, "mailbox")
    number, post_dial = part_post_dial(table.mobile or "")
    mobile = normalise(number, country=config.office.country) or None
    if mobile is not None and not _can_be_called(mobile, config.office.country):
        why = f'{table.mobile!r} is no telephone number, expected for example "+48600100200"'
        fault(("person", table.name, "mobile"), why)
    return PersonSpec(
        name=table.name,
        display=table.title,
        extension=table.extension,
        mobile=mobile,
        mobile_post_dial=post_dial,
        mobile_confirm=table.mobile_confirm or None,
        mailbox=table.voicemail,
        may_override=table.may_override,
        listens_to=config.mailboxes_of(table.name),
        devices={device: login for login, device in table.logins.items()},
    )


def _can_be_called(number: str, country: str) -> bool:
    """Return whether a normalised number is one of a telephone; what is too short for one is none."""
    is_whole = number.startswith("+") and DIALLABLE.fullmatch(number) is not None
    return is_whole or is_short(number, country=country)
