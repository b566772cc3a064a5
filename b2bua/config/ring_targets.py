"""What may stand in ``ring = [...]``: people, groups, extensions, numbers, SIP addresses and mobiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from b2bua.config.similar import did_you_mean
from b2bua.config.tables import Group as GroupTable
from b2bua.config.tables import Person as PersonTable
from b2bua.config.values import Confirms
from b2bua.routing.destination import (
    Destination,
    Duty,
    External,
    Mobile,
    Person,
    Ring,
    Shows,
    SipAddress,
    Target,
)
from b2bua.routing.numbers import is_short, normalise, part_post_dial

MOBILE_OF = re.compile(r"mobile of (\S+)")
MOBILES_OF_STEP = re.compile(r"mobiles of step (\d+)")
DEVICE_OF = re.compile(r"(\S+) of (\S+)")
MOBILES_OF = re.compile(r"mobiles of (\S+)")
NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/]*")


def distinct(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return each target once; a phone of somebody whose phones all ring is none beside them."""
    found = tuple(dict.fromkeys(targets))
    whole = {target.name for target in found if isinstance(target, Person) and not target.device}
    return tuple(
        target
        for target in found
        if not (isinstance(target, Person) and target.device and target.name in whole)
    )


class TargetReader:
    """Reads ring targets against the people of an office."""

    def __init__(
        self,
        people: Mapping[str, PersonTable],
        by_extension: Mapping[str, str],
        groups: Mapping[str, GroupTable],
        *,
        country: str,
    ) -> None:
        self._groups = groups
        self._people = people
        self._by_extension = by_extension
        self._country = country
        self._devices = {
            login: Person(name, device)
            for name, person in people.items()
            for login, device in person.logins.items()
        }

    def read(
        self,
        text: str,
        earlier: Sequence[Destination] = (),
        *,
        confirm: Confirms | None = None,
        shows: Shows | None = None,
    ) -> tuple[Target, ...]:
        """Return the targets that a text means; ``earlier`` are the steps before, for "mobiles of step 1".

        ``confirm`` says by what who answers outside takes the call; None: as with their mobile. ``shows`` is
        whose number they see; None: as their trunk has it.

        Raises:
            ValueError: it means nobody.
        """
        return tuple(self._called(target, confirm, shows) for target in self._read(text, earlier))

    def duties(
        self,
        text: str,
        earlier: Sequence[Destination],
        *,
        confirm: Confirms | None = None,
        shows: Shows | None = None,
    ) -> tuple[Duty, ...]:
        """Return who of ``read`` rings only while on duty: mobiles of those of a rota whom a step rings."""
        match = MOBILES_OF_STEP.fullmatch(text)
        rung = earlier[int(match[1]) - 1] if match else None
        if not isinstance(rung, Ring):
            return ()
        bound = {target for duty in rung.duties for target in duty.targets}
        always = {
            target.name for target in rung.targets if isinstance(target, Person) and target not in bound
        }

        def mobiles(targets: Iterable[Target]) -> tuple[Target, ...]:
            names = dict.fromkeys(target.name for target in targets if isinstance(target, Person))
            with_mobile = (name for name in names if name not in always and self._people[name].mobile)
            return tuple(self._called(Mobile(name), confirm, shows) for name in with_mobile)

        return tuple(
            Duty(duty.rota, tuple((member, mobiles(targets)) for member, targets in duty.by_member))
            for duty in rung.duties
        )

    def people(self, text: str) -> tuple[str, ...]:
        """Return the keys of the people whom a text means: one, or those of a group.

        Raises:
            ValueError: it means somebody else.
        """
        targets = self._read(text, ())
        if any(not isinstance(target, Person) or target.device for target in targets):
            raise ValueError(f"only people can be named here; {text} has others")
        return tuple(target.name for target in targets if isinstance(target, Person))

    def _called(self, target: Target, confirm: Confirms | None, shows: Shows | None) -> Target:
        if isinstance(target, Person):
            return target
        if confirm is None:
            confirm = isinstance(target, Mobile) and self._people[target.person].mobile_confirm
        if isinstance(target, SipAddress):
            return replace(target, confirm=confirm or None)
        return replace(target, confirm=confirm or None, shows=shows)

    def _read(self, text: str, earlier: Sequence[Destination]) -> tuple[Target, ...]:
        if text.startswith(("sip:", "sips:")):
            return (SipAddress(text),)
        if match := MOBILES_OF_STEP.fullmatch(text):
            return self._mobiles_of_step(int(match[1]), earlier)
        if match := MOBILE_OF.fullmatch(text):
            return (self._mobile_of(match[1]),)
        if match := MOBILES_OF.fullmatch(text):
            return self._mobiles_of(match[1])
        if match := DEVICE_OF.fullmatch(text):
            return (self._device_of(match[2], match[1]),)
        if text in self._groups:
            return self._members(text)
        if (name := self._by_extension.get(text, text)) in self._people:
            return (Person(name),)
        if text in self._devices:
            return (self._devices[text],)
        number, post_dial = part_post_dial(text)
        if NUMBER.fullmatch(number):
            return (self._external(number, post_dial),)
        kinds = "person or group" if self._groups else "person"
        raise ValueError(f"there is no {kinds} {text!r}{self._similar(text)}")

    def _members(self, group: str) -> tuple[Target, ...]:
        found: list[Target] = []
        for member in self._groups[group].members:
            if member in self._groups:
                raise ValueError(f"{member} is a group; name its members in [group.{group}]")
            found += self._read(member, ())
        return tuple(found)

    def _mobiles_of(self, group: str) -> tuple[Target, ...]:
        if group not in self._groups:
            raise ValueError(f"there is no group {group!r}{self._similar(group)}")
        names = dict.fromkeys(target.name for target in self._members(group) if isinstance(target, Person))
        mobiles = tuple(Mobile(name) for name in names if self._people[name].mobile)
        if not mobiles:
            raise ValueError(f"nobody in {group} has a mobile")
        return mobiles

    def _mobile_of(self, text: str) -> Mobile:
        name = self._by_extension.get(text, text)
        if name not in self._people:
            raise ValueError(f"there is no person {text!r}{self._similar(text)}")
        if not self._people[name].mobile:
            raise ValueError(f"{name} has no mobile; add mobile to [person.{name}]")
        return Mobile(name)

    def _device_of(self, text: str, device: str) -> Person:
        name = self._by_extension.get(text, text)
        if name not in self._people:
            raise ValueError(f"there is no person {text!r}{self._similar(text)}")
        devices = self._people[name].devices
        if not devices:
            raise ValueError(f"{name} has no devices; add [person.{name}.device.{device}]")
        if device not in devices:
            raise ValueError(f"{name} has no device {device!r}{did_you_mean(device, devices)}")
        return Person(name, device)

    def _mobiles_of_step(self, number: int, earlier: Sequence[Destination]) -> tuple[Target, ...]:
        if not 1 <= number <= len(earlier):
            raise ValueError(f"step {number} is not before this one")
        rung = earlier[number - 1]
        if not isinstance(rung, Ring):
            raise ValueError(f"step {number} does not ring anybody")
        names = dict.fromkeys(target.name for target in rung.targets if isinstance(target, Person))
        mobiles = tuple(Mobile(name) for name in names if self._people[name].mobile)
        if not mobiles:
            raise ValueError(f"nobody in step {number} has a mobile")
        return mobiles

    def _external(self, text: str, post_dial: str) -> External:
        number = normalise(text, country=self._country)
        if not number.startswith("+") and not is_short(number, country=self._country):
            raise ValueError(f"{text} is nobody's extension and no telephone number")
        return External(number, post_dial)

    def _similar(self, text: str) -> str:
        by_name = {person.title.casefold(): key for key, person in self._people.items()}
        if close := get_close_matches(text, self._names(), n=1):
            return f"; did you mean {close[0]!r}?"
        close = get_close_matches(text.casefold(), by_name, n=1)
        return f"; did you mean {by_name[close[0]]!r}?" if close else ""

    def _names(self) -> Iterable[str]:
        return [*self._people, *self._by_extension, *self._groups, *self._devices]
