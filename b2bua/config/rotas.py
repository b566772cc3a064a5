"""From ``[rota.x]`` to who is on duty when, and to what ``ring = "rota x"`` can come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from b2bua.config import tables
from b2bua.config.numbers import Complain, Know
from b2bua.config.origin import KeyPath
from b2bua.config.ring_targets import TargetReader
from b2bua.config.similar import did_you_mean
from b2bua.config.values import Confirms
from b2bua.routing.calendar import Calendar
from b2bua.routing.days import DayRange
from b2bua.routing.destination import Duty, Mobile, Person, Shows, Target
from b2bua.routing.rota import Rota, as_name

if TYPE_CHECKING:
    from b2bua.config.models import Config

ROTA = re.compile(r"(?P<mobile>mobiles? of )?rota (?P<name>\S+)")
A_DAY_S = 86400.0
BY_CALENDAR: KeyPath = ("calendar",)
"""Stands for the key that makes everybody of the office a member."""


class RotaReader:
    """Reads the rotas of an office, and ring targets that name one."""

    def __init__(self, config: Config, targets: TargetReader, *, known: Know, fault: Complain) -> None:
        self._config = config
        self._targets = targets
        self._known = known
        self._fault = fault

    def rotas(self) -> dict[str, Rota]:
        """Return every rota; what is wrong in one is reported."""
        return {name: self._rota(table) for name, table in self._config.rotas.items()}

    def duty(self, text: str, *, confirm: Confirms | None, shows: Shows | None) -> Duty | None:
        """Return whom a target such as ``mobile of rota x`` can come to; None: it names no rota.

        Raises:
            ValueError: there is no such rota, or one of its members has no mobile.
        """
        match = ROTA.fullmatch(text)
        if match is None:
            return None
        name, rotas = match["name"], self._config.rotas
        if name not in rotas:
            raise ValueError(f"there is no rota {name!r}{did_you_mean(name, rotas)}")
        is_mobile = bool(match["mobile"])
        by_member = {}
        for key, member in self._members(rotas[name]):
            # whom only a calendar could name may be without a mobile
            if not is_mobile or key != BY_CALENDAR or self._config.people[member].mobile:
                by_member[member] = self._read(member, is_mobile=is_mobile, confirm=confirm, shows=shows)
        return Duty(name, tuple(by_member.items()))

    def _read(
        self, member: str, *, is_mobile: bool, confirm: Confirms | None, shows: Shows | None
    ) -> tuple[Target, ...]:
        try:
            found = self._targets.read(member)
        except ValueError:  # reported where the rota is
            return ()
        texts = [member]
        if is_mobile:
            people = [target.name for target in found if isinstance(target, Person)]
            texts = [f"mobile of {name}" for name in people] or texts
        return tuple(
            target for text in texts for target in self._targets.read(text, confirm=confirm, shows=shows)
        )

    def _rota(self, table: tables.Rota) -> Rota:
        path: KeyPath = ("rota", table.name)
        for key, member in self._members(table):
            try:
                self._targets.read(member)
            except ValueError as error:
                self._fault((*path, *key), str(error))
        if table.calendar:
            self._known((*path, "calendar"), table.calendar, self._config.calendars, "calendar")
        return Rota(
            name=table.name,
            turns=() if table.calendar else table.members,
            turn_days=int(table.turn // A_DAY_S),
            since=table.since,
            handover=table.handover,
            dates=tuple(self._dates(table)),
            calendar=Calendar(table.calendar) if table.calendar else None,
            names=tuple(self._names(table)),
            otherwise=table.otherwise,
        )

    def _members(self, table: tables.Rota) -> Iterator[tuple[KeyPath, str]]:
        """Yield whoever may be on duty, and the key that says so."""
        for index, member in enumerate(table.members):
            yield ("members", index), member
        if table.calendar and not table.members:
            for name in self._config.people:
                yield BY_CALENDAR, name
        for days, members in table.dates.items():
            for member in members:
                yield ("dates", days), member
        for index, member in enumerate(table.otherwise):
            yield ("otherwise", index), member

    def _dates(self, table: tables.Rota) -> Iterator[tuple[DayRange, tuple[str, ...]]]:
        found = []
        for days, members in table.dates.items():
            try:
                found.append((DayRange.parse(days), members))
            except ValueError as error:
                self._fault(("rota", table.name, "dates", days), str(error))
        yield from sorted(found, key=lambda each: each[0].is_yearly)

    def _names(self, table: tables.Rota) -> Iterator[tuple[str, str]]:
        """Yield how a calendar may call each member: by key, extension, full name, or as in the rota."""
        if not table.calendar:
            return
        for member in table.members or tuple(self._config.people):
            yield as_name(member), member
            for person in self._people_of(member):
                named = (person.name, person.title, person.extension or "")
                yield from ((as_name(name), member) for name in named if name)

    def _people_of(self, member: str) -> Iterator[tables.Person]:
        try:
            found = self._targets.read(member)
        except ValueError:
            return
        if len(found) == 1 and isinstance(found[0], Person | Mobile):
            target = found[0]
            yield self._config.people[target.name if isinstance(target, Person) else target.person]


def without(duty: Duty, direct: set[Target]) -> Duty:
    """Return the duty of those alone who do not ring in any case."""
    by_member = (
        (member, tuple(target for target in targets if target not in direct))
        for member, targets in duty.by_member
    )
    return replace(duty, by_member=tuple(by_member))
