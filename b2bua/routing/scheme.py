"""The walk through a scheme: which destination comes first, and which one after an outcome. Pure.

Who is offline does not change the walk: the step that rings an offline phone ends at once with ``OFFLINE``,
so that the journal can tell it. Opening hours do: a step outside of its hours is never entered, and one whose
conditions on the load do not hold is not either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from b2bua.routing.destination import (
    Destination,
    Goto,
    Menu,
    Outcome,
    Person,
    Ring,
    RingAgain,
    Say,
    Voicemail,
    Webhook,
)
from b2bua.routing.duty import at_duty
from b2bua.routing.facts import Facts
from b2bua.routing.load import held, in_words, is_met
from b2bua.routing.numbers import normalise
from b2bua.routing.override import OverrideKind
from b2bua.routing.plan import NumberSpec, Plan, Scheme, Step
from b2bua.routing.schedule import Schedule

__all__ = [
    "Facts",
    "Position",
    "choose",
    "enter",
    "enter_extension",
    "follow",
    "goes_round",
    "hours_of",
    "in_force",
    "is_closed",
    "number_spec",
    "scheme_for",
    "scheme_named",
    "within_number",
]

SERVED = frozenset({Outcome.ANSWERED, Outcome.MESSAGE, Outcome.DONE})
"""Nothing needs to follow."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How far one list of steps was walked."""

    steps: tuple[Step, ...]
    """The steps of a scheme."""
    following: int = 0
    """Index of the step to look at next."""
    because: str = ""
    """The conditions on the load for which it was entered, if any."""
    is_settled: bool = False
    """It is what is done outside of hours: those in it count as they are, though the office was closed."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that was passed over on the way to a position."""

    key: str
    """Where it stands in the configuration."""
    hours: str | None
    """The opening hours that are closed; None: it does not follow this outcome."""
    has_nobody_on_duty: bool = False
    """Instead of these: all whom it would ring are in a rota, and none of them is on duty."""
    load: str = ""
    """Instead of these: the conditions on the load of which none holds."""
    is_closed_by_hand: bool = False
    """These hours are closed because somebody has closed the office."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a caller stands."""

    destination: Destination
    """What to do now; never a ``Goto``."""
    key: str = ""
    """Where the step stands in the configuration, e.g. ``scheme.sales.step.2``."""
    frames: tuple[Frame, ...] = ()
    """What is left to walk, the innermost scheme last. Opaque to callers."""
    last_resort: Voicemail | None = None
    """Follows when the steps run out; None: the call ends then."""
    skipped: tuple[Skipped, ...] = ()
    """Steps passed over since the position before, for those who ask why."""
    because: str = ""
    """The conditions on the load that held, where the step or its scheme was entered for these."""
    is_settled: bool = False
    """As that of the frame it stands in."""


def number_spec(plan: Plan, number: str) -> NumberSpec | None:
    """Return what is configured for a number as a trunk sent it, None for unknown ones.

    A single number wins over the range in which it is. A range is found by how it is written, too.
    """
    if found := plan.numbers.get(number):
        return found
    normalised = normalise(number, country=plan.country)
    if found := plan.numbers.get(normalised):
        return found
    within = (spec for each, spec in plan.ranges.items() if each.holds(normalised) or spec.number == number)
    return next(within, None)


def scheme_for(plan: Plan, number: str, facts: Facts) -> Scheme | None:
    """Return the scheme that is in force for the number: an unknown number gets the default one."""
    name = scheme_named(plan, number, facts)
    return in_force(plan, name, within_number(plan, number, facts)) if name is not None else None


def within_number(plan: Plan, number: str, facts: Facts) -> Facts:
    """Return the facts by which the scheme goes that the number leads to."""
    spec = number_spec(plan, number)
    has_hours = spec is not None and spec.schedule is not None and spec.off_hours is not None
    return facts.settled() if has_hours else facts


def scheme_named(plan: Plan, number: str, facts: Facts) -> str | None:
    """Return which scheme the number leads to at that time, whether that works then or not."""
    if _goes_to_backup(plan, facts):
        return plan.backup_scheme
    spec = number_spec(plan, number)
    if spec is None:
        return plan.default_scheme
    schedule = plan.hours[spec.schedule] if spec.schedule else None
    if schedule is None or spec.off_hours is None:
        return spec.in_hours
    if schedule.is_open(facts.at):
        return spec.off_hours if facts.is_closed else spec.in_hours
    return spec.holiday if spec.holiday and schedule.is_holiday(facts.at.date()) else spec.off_hours


def _goes_to_backup(plan: Plan, facts: Facts) -> bool:
    return facts.decided is OverrideKind.BACKUP and plan.backup_scheme is not None


def in_force(plan: Plan, name: str, facts: Facts) -> Scheme:
    """Return the scheme or, when it does not work at that time, the one in its place, or it without steps."""
    return _in_force(plan, name, facts)[0]


def _in_force(plan: Plan, name: str, facts: Facts) -> tuple[Scheme, bool]:
    """Return that scheme, and whether it is in force because somebody closed the office."""
    scheme = plan.schemes[name]
    closes = scheme.works is not None and facts.is_closed
    is_open = scheme.works is None or (not closes and scheme.works.is_open(facts.at))
    if is_open and is_met(scheme.when, facts):
        return scheme, False
    if not scheme.otherwise:
        return replace(scheme, steps=()), closes
    found, is_settled = _in_force(plan, scheme.otherwise, facts.settled() if closes else facts)
    return found, closes or is_settled


def is_closed(plan: Plan, number: str, facts: Facts) -> bool:
    """Return whether callers of the number come while nobody is expected to answer.

    That is outside of its opening hours or, where it has none, of those of its scheme, and when somebody has
    closed the office.
    """
    schedule = hours_of(plan, number, facts)
    return schedule is not None and (facts.is_closed or not schedule.is_open(facts.at))


def hours_of(plan: Plan, number: str, facts: Facts) -> Schedule | None:
    """Return the opening hours of the number, else those of its scheme; None: neither has any."""
    spec = number_spec(plan, number)
    if spec is not None and spec.schedule is not None:
        return plan.hours[spec.schedule]
    name = scheme_named(plan, number, facts)
    return plan.schemes[name].works if name is not None else None


def enter(plan: Plan, number: str, facts: Facts) -> Position:
    """Return where a caller of the number starts; never nowhere (without any step: the default mailbox)."""
    mailbox = Voicemail(plan.default_mailbox)
    name = scheme_named(plan, number, facts)
    if name is None:
        return Position(mailbox)
    here = within_number(plan, number, facts)
    scheme, is_settled = _in_force(plan, name, here)
    frame = Frame(scheme.steps, is_settled=is_settled or here is not facts)
    first = _seek(plan, [frame], frozenset(), facts)
    last_resort = None if first is not None and scheme.allows_dead_end else mailbox
    spec = number_spec(plan, number)
    by_hours = not _goes_to_backup(plan, facts) and not (facts.is_closed and is_closed(plan, number, facts))
    if spec is not None and spec.sticky_seconds is not None and by_hours:
        again = RingAgain(spec.sticky_seconds)
        return Position(again, f"{spec.key}.sticky", (frame,), last_resort)
    return Position(mailbox) if first is None else replace(first, last_resort=last_resort)


def enter_scheme(plan: Plan, name: str, facts: Facts, *, number: str = "") -> Position | None:
    """Return the first step that the scheme takes then; None: it takes none.

    Of a ``number`` it is the one that this leads to.
    """
    here = within_number(plan, number, facts) if number else facts
    scheme, is_settled = _in_force(plan, name, here)
    frame = Frame(scheme.steps, is_settled=is_settled or here is not facts)
    return _seek(plan, [frame], frozenset(), facts)


def enter_extension(plan: Plan, extension: str, facts: Facts) -> Position | None:
    """Return where a call to an extension starts, None for an unknown one.

    What does not succeed ends in the mailbox of the person, or of the office.
    """
    destination = plan.extensions.get(extension)
    if destination is None:
        return None
    last_resort = Voicemail(_mailbox_of(plan, destination))
    first = _seek(plan, [Frame((Step(destination, key=f"extension.{extension}"),))], frozenset(), facts)
    return replace(first, last_resort=last_resort) if first else Position(last_resort)


def follow(plan: Plan, position: Position, outcome: Outcome, facts: Facts) -> Position | None:
    """Return what comes after the outcome of a position, or None when the call is over.

    None comes after success (answered, message left, echo done), after a mailbox into which nothing was said
    (the caller has heard goodbye), after a ``say`` that is the last step, and after the last resort. A menu's
    ``NO_INPUT`` and ``INVALID`` take the edges of that menu.
    """
    destination = position.destination
    has_said = isinstance(destination, Say) and outcome is Outcome.DONE
    is_silent = isinstance(destination, Voicemail) and outcome is Outcome.NO_INPUT
    if is_silent or (outcome in SERVED and not has_said):
        return None
    if isinstance(destination, Menu) and outcome in (Outcome.NO_INPUT, Outcome.INVALID):
        menu = plan.menus[destination.name]
        return choose(plan, position, menu.no_input if outcome is Outcome.NO_INPUT else menu.invalid, facts)
    # who was rung before the scheme is no step of it: it begins as it would have begun without them
    causes = frozenset[Outcome]() if isinstance(destination, RingAgain) else frozenset({outcome})
    found = _seek(plan, position.frames, causes, facts)
    if found:
        return replace(found, last_resort=position.last_resort)
    if has_said or position.last_resort in (None, destination):
        return None
    return Position(position.last_resort)


def choose(plan: Plan, position: Position, destination: Destination, facts: Facts) -> Position:
    """Return where a menu's choice leads; without success there the step after the menu comes next."""
    chosen = Frame((Step(destination, key=position.key),), is_settled=position.is_settled)
    found = _seek(plan, [*position.frames, chosen], frozenset(), facts)
    if found:
        return replace(found, last_resort=position.last_resort)
    return Position(position.last_resort or Voicemail(plan.default_mailbox))


def goes_round(plan: Plan, position: Position, destination: Destination, facts: Facts) -> bool:
    """Return whether a webhook sends the caller into a scheme or to a menu or webhook they come from."""
    if not isinstance(position.destination, Webhook):
        return False
    if isinstance(destination, Goto):
        here = facts.settled() if position.is_settled else facts
        steps = in_force(plan, destination.scheme, here).steps
        return any(frame.steps == steps for frame in position.frames)
    entered = (step.destination for frame in position.frames for step in frame.steps[: frame.following])
    return isinstance(destination, Menu | Webhook) and destination in entered


def _seek(plan: Plan, frames: Iterable[Frame], causes: frozenset[Outcome], facts: Facts) -> Position | None:
    """Walk to the next step that is to be entered, into nested schemes and out of exhausted ones."""
    stack = list(frames)
    skipped: list[Skipped] = []
    while stack:
        frame = stack.pop()
        if frame.following >= len(frame.steps):
            continue
        step = frame.steps[frame.following]
        here = facts.settled() if frame.is_settled else facts
        because = held(step.when, facts) or (frame.because if frame.following == 0 else "")
        stack.append(replace(frame, following=frame.following + 1))
        if passed_over := _passed_over(plan, step, causes, here):
            skipped.append(passed_over)
            causes |= {Outcome.OFF_HOURS} if passed_over.hours else set()
        elif isinstance(step.destination, Goto):
            scheme, is_settled = _in_force(plan, step.destination.scheme, here)
            is_settled = is_settled or frame.is_settled
            stack.append(Frame(scheme.steps, because=because, is_settled=is_settled))
            if not scheme.steps:
                causes |= {Outcome.OFF_HOURS}
                skipped.append(_not_in_force(step, scheme, here))
        elif (destination := at_duty(plan, step.destination, facts.at)) is not None:
            return Position(
                destination,
                step.key,
                tuple(stack),
                skipped=tuple(skipped),
                because=because,
                is_settled=frame.is_settled,
            )
        else:
            causes |= {Outcome.OFFLINE}
            skipped.append(Skipped(step.key, None, has_nobody_on_duty=True))
    return None


def _passed_over(plan: Plan, step: Step, causes: frozenset[Outcome], facts: Facts) -> Skipped | None:
    """Return why a step is not entered whatever it does; None: it is."""
    if not step.follows(causes):
        return Skipped(step.key, None)
    if step.hours and (facts.is_closed or not plan.hours[step.hours].is_open(facts.at)):
        return Skipped(step.key, step.hours, is_closed_by_hand=facts.is_closed)
    if not is_met(step.when, facts):
        return Skipped(step.key, None, load=in_words(step.when))
    return None


def _not_in_force(step: Step, scheme: Scheme, facts: Facts) -> Skipped:
    """Return why a step is skipped that leads to a scheme which does not work then."""
    if is_met(scheme.when, facts):
        return Skipped(step.key, scheme.works_on, is_closed_by_hand=facts.is_closed)
    return Skipped(step.key, None, load=in_words(scheme.when))


def _mailbox_of(plan: Plan, destination: Destination) -> str:
    if isinstance(destination, Ring):
        for target in destination.targets:
            if isinstance(target, Person) and (mailbox := plan.people[target.name].mailbox):
                return mailbox
    return plan.default_mailbox
