"""From tables that name one another to a ``Plan`` in which every name leads somewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from b2bua.config import tables
from b2bua.config.budget import budget_faults, compile_budget
from b2bua.config.codes import mistaken_codes
from b2bua.config.hours import read_days, read_schedule
from b2bua.config.load_conditions import ConditionReader
from b2bua.config.numbers import check_recorded, compile_numbers
from b2bua.config.origin import Fault, KeyPath, dotted
from b2bua.config.people import compile_people, index_extensions
from b2bua.config.returns import compile_returns
from b2bua.config.ring_targets import TargetReader, distinct
from b2bua.config.rotas import RotaReader, without
from b2bua.config.similar import did_you_mean
from b2bua.config.specs import mailbox_spec, queue_spec, webhook_spec, works_on
from b2bua.routing.destination import (
    Destination,
    Duty,
    Echo,
    Goto,
    Menu,
    Person,
    Queue,
    Responsible,
    Ring,
    RingMode,
    Say,
    Target,
    Voicemail,
    Webhook,
)
from b2bua.routing.load import Condition
from b2bua.routing.plan import (
    Choice,
    DialExtension,
    MenuSpec,
    Plan,
    QueueSpec,
    Scheme,
    Step,
)
from b2bua.routing.rates import Budget
from b2bua.routing.schedule import Schedule

if TYPE_CHECKING:
    from b2bua.config.models import Config

NOWHERE = Say("")
"""Stands for a destination whose fault is reported; never leaves this module in a valid plan."""


def compile_plan(config: Config) -> tuple[Plan, tuple[Fault, ...]]:
    """Return the plan and what is wrong with it; a plan with faults must not be used."""
    compiler = _Compiler(config)
    return compiler.plan(), tuple(compiler.faults)


class _Compiler:
    """One pass over a configuration, collecting every fault instead of stopping at the first."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.faults: list[Fault] = []
        self._mailboxes = dict(config.mailboxes)
        self._default_mailbox = config.office.voicemail or next(iter(self._mailboxes), "office")
        if not self._mailboxes:
            self._mailboxes[self._default_mailbox] = tables.Mailbox(name=self._default_mailbox)
        self._people_by_extension = index_extensions(config, fault=self._fault)
        self._targets = TargetReader(
            config.people, self._people_by_extension, config.groups, country=config.office.country
        )
        self._rotas = RotaReader(config, self._targets, known=self._known, fault=self._fault)
        self._conditions = ConditionReader(
            {name: queue.agents for name, queue in config.queues.items()},
            config.people,
            config.groups,
            self._targets,
        )
        self._extensions = self._compile_extensions()
        self._schedules = {name: self._hours(name, table) for name, table in config.hours.items()}

    def plan(self) -> Plan:
        office = self.config.office
        if office.voicemail:
            self._known(("office", "voicemail"), office.voicemail, self.config.mailboxes, "mailbox")
        if office.default_trunk:
            self._known(("office", "default-trunk"), office.default_trunk, self.config.trunks, "trunk")
        check_recorded(self.config, known=self._known)
        self._check_groups()
        if self.config.crm is not None and self.config.crm.call_back_hours:
            named = self.config.crm.call_back_hours
            self._known(("crm", "call-back-hours"), named, self.config.hours, "hours table")
        self.faults += mistaken_codes(office)
        schemes = {name: self._scheme(scheme) for name, scheme in self.config.schemes.items()}
        numbers, ranges = compile_numbers(self.config, known=self._known, fault=self._fault)
        return Plan(
            country=office.country,
            timezone=office.timezone,
            default_mailbox=self._default_mailbox,
            default_scheme=self._scheme_of_office("default-scheme", office.default_scheme),
            voicemail_number=self._voicemail_number(),
            group_pickup_code=self._pickup_code("group-pickup-code", office.group_pickup_code),
            directed_pickup_code=self._pickup_code(
                "directed-pickup-code", office.directed_pickup_code, after=self._extensions
            ),
            backup_scheme=self._scheme_of_office("backup-scheme", office.backup_scheme),
            override_code=office.override_code,
            status_code=office.status_code,
            call_back_code=office.call_back_code,
            schemes=schemes,
            asks_load=any(
                scheme.when or any(step.when for step in scheme.steps) for scheme in schemes.values()
            ),
            numbers=numbers,
            ranges=ranges,
            menus={name: self._menu(menu) for name, menu in self.config.menus.items()},
            queues={name: self._queue(queue) for name, queue in self.config.queues.items()},
            mailboxes={
                name: mailbox_spec(box, emails=self.config.emails_of(box.name))
                for name, box in self._mailboxes.items()
            },
            extensions=self._extensions,
            people=compile_people(self.config, self._mailboxes, known=self._known, fault=self._fault),
            hours=self._schedules,
            rotas=self._rotas.rotas(),
            budget=self._budget(),
            webhooks={name: webhook_spec(webhook) for name, webhook in self.config.webhooks.items()},
            return_calls=compile_returns(self.config, known=self._known),
        )

    def _hours(self, name: str, table: tables.Hours) -> Schedule:
        schedule, faults = read_schedule(table, ("hours", name), self.config.calendars)
        self.faults += faults
        return schedule

    def _fault(self, path: KeyPath, message: str) -> None:
        self.faults.append(Fault(path, message))

    def _known(self, path: KeyPath, name: str, among: Iterable[str], kind: str) -> bool:
        """Return whether the name exists; report it otherwise."""
        names = list(among)
        if name in names:
            return True
        self._fault(path, f"there is no {kind} {name!r}{did_you_mean(name, names)}")
        return False

    def _budget(self) -> Budget:
        for name, trunk in self.config.trunks.items():
            if trunk.rates:
                self._known(("trunk", name, "rates"), trunk.rates, self.config.rates, "price list")
        budget = compile_budget(self.config)
        self.faults += budget_faults(self.config, budget)
        return budget

    def _check_groups(self) -> None:
        """Report members that are nobody, and groups that are named as a person is."""
        for name, group in self.config.groups.items():
            if name in self.config.people:
                self._fault(("group", name), f"{name} is a person as well; give the group another name")
            for index, member in enumerate(group.members):
                try:
                    self._targets.read(member)
                except ValueError as error:
                    self._fault(("group", name, "members", index), str(error))

    def _compile_extensions(self) -> dict[str, Destination]:
        found: dict[str, Destination] = {
            extension: Ring((Person(name),), for_seconds=tables.RING_SECONDS)
            for extension, name in self._people_by_extension.items()
        }
        for extension, table in self.config.extensions.items():
            path = ("extension", extension)
            if extension in found:
                self._fault(path, f"{extension} is already that of {self._people_by_extension[extension]}")
            elif table.extension:
                self._fault((*path, "extension"), "an extension cannot lead to another one; name the person")
            else:
                found[extension] = self._destination(table, path)
        return found

    def _scheme_of_office(self, key: str, name: str | None) -> str | None:
        is_there = name and self._known(("office", key), name, self.config.schemes, "scheme")
        return name if is_there else None

    def _voicemail_number(self) -> str:
        number = self.config.office.voicemail_number
        if number in self._extensions:
            self._fault(("office", "voicemail-number"), f"{number} is already an extension")
        return number

    def _pickup_code(self, key: str, code: str, *, after: Iterable[str] = ("",)) -> str:
        """Return the code; with each of ``after`` behind it, it must mean nothing else."""
        number = self.config.office.voicemail_number
        if code and number in {code + extension for extension in after}:
            self._fault(("office", key), f"{number} is already voicemail-number")
        return code

    def _scheme(self, table: tables.Scheme) -> Scheme:
        path: KeyPath = ("scheme", table.name, "step")
        steps: list[Step] = []
        for index, step in enumerate(table.steps):
            if step.hours:
                self._known((*path, index, "hours"), step.hours, self.config.hours, "hours table")
            destination = self._destination(step, (*path, index), earlier=steps)
            after = frozenset(step.after) if step.after else None
            when = self._when((*path, index), step.when)
            steps.append(Step(destination, after, step.hours, when, key=dotted((*path, index))))
        if table.otherwise:
            self._known(("scheme", table.name, "otherwise"), table.otherwise, self.config.schemes, "scheme")
        when = self._when(("scheme", table.name), table.when)
        return Scheme(
            table.name,
            tuple(steps),
            table.allow_dead_end,
            works=self._works(table),
            when=when,
            works_on=works_on(table, when),
            otherwise=table.otherwise or None,
        )

    def _when(self, path: KeyPath, texts: tuple[str, ...]) -> tuple[Condition, ...]:
        """Return conditions on the load; what is none is reported."""
        found: list[Condition] = []
        for index, text in enumerate(texts):
            try:
                found.append(self._conditions.read(text))
            except ValueError as error:
                self._fault((*path, "when", index), str(error))
        return tuple(found)

    def _works(self, table: tables.Scheme) -> Schedule | None:
        """Return when the scheme works; None: always."""
        path = ("scheme", table.name)
        if table.hours:
            is_known = self._known((*path, "hours"), table.hours, self.config.hours, "hours table")
            return self._schedules[table.hours] if is_known else None
        works, faults = read_days(table.days, (*path, "days"))
        self.faults += faults
        return works

    def _destination(
        self, table: tables.Destination, path: KeyPath, *, earlier: Iterable[Step] = ()
    ) -> Destination:
        (action,) = table.actions
        here = (*path, action)
        match table:
            case tables.Destination(ring=tuple() as ring):
                return self._ring(table, ring, here, earlier)
            case tables.Destination(queue=str() as name) if self._known(
                here, name, self.config.queues, "queue"
            ):
                return Queue(name, table.for_seconds)
            case tables.Destination(menu=str() as name) if self._known(here, name, self.config.menus, "menu"):
                return Menu(name)
            case tables.Destination(voicemail=str() as name) if self._known(
                here, name, self._mailboxes, "mailbox"
            ):
                return Voicemail(name)
            case tables.Destination(scheme=str() as name) if self._known(
                here, name, self.config.schemes, "scheme"
            ):
                return Goto(name)
            case tables.Destination(webhook=str()) | tables.Destination(crm=str()):
                return self._asked(table, here)
            case tables.Destination(extension=str() as name) if self._known(
                here, name, self._extensions, "extension"
            ):
                return self._extensions[name]
            case tables.Destination(say=str() as prompt):
                return Say(prompt)
            case tables.Destination(echo=True):
                return Echo()
        return NOWHERE

    def _asked(self, table: tables.Destination, path: KeyPath) -> Webhook | Responsible:
        """Return whom to ask outside where the caller goes."""
        if table.webhook is not None:
            self._known(path, table.webhook, self.config.webhooks, "webhook")
            return Webhook(table.webhook)
        crm = self.config.crm
        if crm is None:
            self._fault(path, "there is no [crm] that could be asked")
            return Responsible()
        return Responsible(
            table.for_seconds or tables.RESPONSIBLE_SECONDS,
            crm.looks_in,
            crm.budget_s,
            on_mobile=table.crm == "mobile of responsible",
        )

    def _ring(
        self, table: tables.Destination, ring: tuple[str, ...], path: KeyPath, earlier: Iterable[Step]
    ) -> Ring:
        targets: list[Target] = []
        direct: set[Target] = set()
        duties: list[Duty] = []
        for index, text in enumerate(ring):
            try:
                duty = self._rotas.duty(text, confirm=table.confirm, shows=table.caller_id)
                if duty is not None:
                    duties.append(duty)
                    targets += duty.targets
                    continue
                before = [step.destination for step in earlier]
                found = self._targets.read(text, before, confirm=table.confirm, shows=table.caller_id)
                on_duty = self._targets.duties(text, before, confirm=table.confirm, shows=table.caller_id)
                direct.update(set(found).difference(*(duty.targets for duty in on_duty)))
                duties += on_duty
                targets += found
            except ValueError as error:
                self._fault((*path, index), str(error))
        if table.confirm and targets and all(isinstance(target, Person) for target in targets):
            self._fault((*path[:-1], "confirm"), "nobody to ask: phones of the office have no voicemail")
        return Ring(
            targets=distinct(targets),
            mode=table.mode or RingMode.TOGETHER,
            for_seconds=table.for_seconds or tables.RING_SECONDS,
            stagger_seconds=table.stagger_seconds or tables.STAGGER_SECONDS,
            confirm_seconds=table.confirm_seconds or tables.CONFIRM_SECONDS,
            music=table.music or "",
            whisper=table.whisper or "",
            duties=tuple(without(duty, direct) for duty in duties),
            is_backup=bool(table.backup),
        )

    def _menu(self, table: tables.Menu) -> MenuSpec:
        path = ("menu", table.name)
        return MenuSpec(
            name=table.name,
            greeting=table.greeting,
            options={
                digit: self._choice(option, (*path, "options", digit))
                for digit, option in table.options.items()
            },
            labels={digit: option.title for digit, option in table.options.items()},
            no_input=self._destination(table.no_input, (*path, "no-input")),
            invalid=self._destination(table.invalid, (*path, "invalid")),
            tries=table.tries,
            input_seconds=table.input_seconds,
            interdigit_seconds=table.interdigit_seconds,
            for_seconds=table.for_seconds,
            dials_extensions=table.direct_extensions,
        )

    def _choice(self, option: tables.MenuOption, path: KeyPath) -> Choice:
        return DialExtension() if option.dial_extension else self._destination(option, path)

    def _queue(self, table: tables.Queue) -> QueueSpec:
        agents: list[str] = []
        for index, text in enumerate(table.agents):
            agents += self._agents(("queue", table.name, "agents", index), text)
        return queue_spec(table, agents=tuple(dict.fromkeys(agents)))

    def _agents(self, path: KeyPath, text: str) -> tuple[str, ...]:
        if text in self.config.groups:
            try:
                return self._targets.people(text)
            except ValueError as error:
                self._fault(path, str(error))
                return ()
        name = self._people_by_extension.get(text, text)
        self._known(path, name, self.config.people, "person")
        return (name,)
