"""Walks every way of every caller: at all hours, whoever is reachable, trunks up or down, webhooks failing.

What ``dead_ends`` proves step by step is shown here by example: when it happens, and what is amiss then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product

from b2bua.config.duties import has_gap
from b2bua.config.models import Config
from b2bua.config.numbers import written_numbers
from b2bua.config.origin import Fault, KeyPath
from b2bua.config.rung import hours_of, loads, rung
from b2bua.config.situations import Situation, situations
from b2bua.config.ways import OUTSIDE, Key, Way, Ways, ways
from b2bua.routing.destination import Goto, Outcome
from b2bua.routing.facts import Facts
from b2bua.routing.plan import NumberSpec, Plan
from b2bua.routing.schedule import DAYS
from b2bua.routing.scheme import number_spec

UNREACHED = frozenset({Outcome.OFFLINE})


@dataclass(frozen=True, slots=True)
class Failure:
    """What is out of order."""

    offline: frozenset[str] = frozenset()
    """People of whom no phone can be reached."""
    no_trunk: bool = False
    """Nobody outside can be called."""
    no_webhook: bool = False
    """Servers of others do not answer."""

    def reaches(self, way: Way) -> bool:
        """Return whether anybody can be rung at ``way``."""
        gone = self.offline | {OUTSIDE} if self.no_trunk else self.offline
        return bool(way.rings - gone)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the walk came to."""

    cases: int
    """How many combinations were walked."""
    entries: int
    """Of how many numbers; all that are not listed are one."""
    situations: int
    """Different states of the opening hours."""
    faults: tuple[Fault, ...]
    """Where callers are dropped, or nobody is rung."""
    drops_nobody: bool = True
    """Whether every caller ends with somebody who was rung, a message or a promise."""


def prove(config: Config, plan: Plan, now: datetime) -> Proof:
    """Return what becomes of callers of every number within a year from ``now`` on."""
    found = situations(plan, now)
    walk = _Walk(plan, found)
    entries = list(_entries(config, plan))
    faults = [fault for path, spec in entries for fault in walk.faults(path, spec)]
    cases = sum(walk.cases(spec) for _, spec in entries)
    drops_nobody = not any("dropped" in fault.message for fault in faults)
    return Proof(cases, len(entries), len(found), tuple(faults), drops_nobody)


def _entries(config: Config, plan: Plan) -> Iterator[tuple[KeyPath, NumberSpec]]:
    """Yield where callers come in: each number and, for all others, the default scheme."""
    for path, written in written_numbers(config):
        if spec := number_spec(plan, written):
            yield path, spec
    if plan.default_scheme:
        yield ("office", "default-scheme"), NumberSpec("", plan.default_scheme)
    if plan.backup_scheme:
        yield ("office", "backup-scheme"), NumberSpec("", plan.backup_scheme)


class _Walk:
    """The ways of each kind of number, looked up once."""

    def __init__(self, plan: Plan, found: tuple[Situation, ...]) -> None:
        self._plan = plan
        self._situations = found
        self._known: dict[NumberSpec, tuple[tuple[Situation, Ways], ...]] = {}

    def _ways(self, spec: NumberSpec) -> tuple[tuple[Situation, Ways], ...]:
        """Return the ways of its callers in each situation of those hours that concern them."""
        key = replace(spec, number="", source=None, label="")
        if key not in self._known:
            concern, assumed = hours_of(self._plan, spec), loads(self._plan, spec)
            apart = {each.holds & concern: each for each in reversed(self._situations)}
            self._known[key] = tuple(
                (
                    replace(each, load=load),
                    ways(self._plan, spec.number, Facts(each.at, assumed_load=load)),
                )
                for each in reversed(apart.values())
                for load in assumed
            )
        return self._known[key]

    def cases(self, spec: NumberSpec) -> int:
        """Return how many combinations of hours and failures there are for callers of the number."""
        return sum(len(_failures(found)) for _, found in self._ways(spec))

    def faults(self, path: KeyPath, spec: NumberSpec) -> Iterator[Fault]:
        """Yield where callers of the number are dropped, and when nobody is rung for them."""
        told: set[str] = set()
        for situation, found in self._ways(spec):
            for kind, why in (*_drops(situation, found), *self._silences(spec, situation, found)):
                if kind not in told:
                    told.add(kind)
                    yield Fault(path, why, is_warning=True)

    def _silences(self, spec: NumberSpec, situation: Situation, found: Ways) -> Iterator[tuple[str, str]]:
        """Yield why nobody is rung although somebody ought to be."""
        is_open = spec.schedule in situation.holds
        asks_outside = any(way.asks_outside for way in found.all.values())
        if asks_outside:
            if (is_open or spec.schedule is None) and not _rings(found, Failure(no_webhook=True)):
                yield (
                    "webhook",
                    "while the webhook or the CRM fails nobody is rung: let a later step ring somebody",
                )
        elif self._lacks_duty(spec, situation, found):
            when = _moment(situation)
            yield "duty", f"nobody is on duty at {when}, and nobody else is rung: a gap in a rota"
        elif is_open and any(rung(self._plan, Goto(spec.in_hours))) and not _rings(found, Failure()):
            when = _moment(situation)
            yield "nobody", f"nobody is rung at {when}, although it is open then: only voicemail is left"

    def _lacks_duty(self, spec: NumberSpec, situation: Situation, found: Ways) -> bool:
        """Return whether nobody is rung because a rota that means to have somebody has nobody then."""
        if not has_gap(situation.holds) or _rings(found, Failure()):
            return False
        if not has_gap(situation.holds & hours_of(self._plan, spec)):
            return False  # of a rota that these callers never come to
        skipped = (each for way in found.all.values() for each in way.position.skipped)
        return any(each.has_nobody_on_duty for each in skipped)


def _failures(found: Ways) -> list[Failure]:
    """Return what may be out of order, with people in groups of those who are rung at the same steps."""
    steps: defaultdict[str, set[Key]] = defaultdict(set)
    for key, way in found.all.items():
        for person in way.rings - {OUTSIDE}:
            steps[person].add(key)
    groups: defaultdict[frozenset[Key], set[str]] = defaultdict(set)
    for person, where in steps.items():
        groups[frozenset(where)].add(person)
    everybody = frozenset(steps)
    offline = {frozenset[str](), everybody}
    offline |= {frozenset(group) for group in groups.values()}
    offline |= {everybody - group for group in groups.values()}
    has_outside = any(OUTSIDE in way.rings for way in found.all.values())
    has_webhook = any(way.asks_outside for way in found.all.values())
    states = product(offline, (False, True)[: 1 + has_outside], (False, True)[: 1 + has_webhook])
    return [Failure(*state) for state in states]


def _walked(found: Ways, failure: Failure) -> Iterator[tuple[Way, frozenset[Outcome]]]:
    """Yield each place that callers come to while that is out of order, and how it can end there then."""
    todo, seen = [found.first], {found.first}
    while todo:
        way = found.all[todo.pop()]
        outcomes = frozenset(way.next)
        if way.rings:
            outcomes = outcomes - UNREACHED if failure.reaches(way) else UNREACHED
        yield way, outcomes
        following = [*way.choices, *(key for each in outcomes if (key := way.next[each]) is not None)]
        todo += [key for key in following if key not in seen]
        seen.update(following)


def _drops(situation: Situation, found: Ways) -> Iterator[tuple[str, str]]:
    """Yield after which step callers are let go whom nobody has served, and what must be amiss for that."""
    if not any(way.may_drop for way in found.all.values()):
        return
    for failure in _failures(found):
        for way, outcomes in _walked(found, failure):
            if way.may_drop and any(way.next[each] is None for each in outcomes):
                where = f"the caller is dropped after {way.position.key}"
                yield "dropped", f"{_moment(situation)}{_in_words(failure)}: {where}"
                return


def _rings(found: Ways, failure: Failure) -> bool:
    """Return whether somebody is rung on any way."""
    return any(failure.reaches(way) for way, _ in _walked(found, failure))


def _moment(situation: Situation) -> str:
    load = f", when {' and '.join(sorted(situation.load))}" if situation.load else ""
    return f"{DAYS[situation.at.weekday()]} {situation.at:%Y-%m-%d %H:%M}{load}"


def _in_words(failure: Failure) -> str:
    parts = []
    if failure.offline:
        parts.append(f"with the phones of {', '.join(sorted(failure.offline))} off")
    if failure.no_trunk:
        parts.append("with no trunk to call out")
    if failure.no_webhook:
        parts.append("with the webhook failing")
    return f", {' and '.join(parts)}" if parts else ""
