"""The way of a call through schemes, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.destination import (
    Destination,
    Echo,
    External,
    Goto,
    Menu,
    Mobile,
    Outcome,
    Person,
    Queue,
    Ring,
    Say,
    Voicemail,
)
from b2bua.routing.facts import Facts
from b2bua.routing.plan import DialExtension, MenuSpec, NumberSpec, PersonSpec, Plan, Scheme, Step
from b2bua.routing.scheme import Position, choose, enter, enter_extension, follow
from tests.config.offices import schedule_of

WARSAW = ZoneInfo("Europe/Warsaw")
FRIDAY_NOON = Facts(datetime(2026, 3, 6, 12, tzinfo=WARSAW))
SATURDAY_NIGHT = Facts(datetime(2026, 3, 7, 21, tzinfo=WARSAW))
ANNA, PIOTR, IVAN = (Ring((Person(name),)) for name in ("anna", "piotr", "ivan"))
BACKUP = Ring((External("+48600999888"),), for_seconds=30)
SALES = Voicemail("sales")
OFFICE = Voicemail("office")
NUMBER = "+48221230001"
LOST = [Outcome.NO_ANSWER, Outcome.BUSY, Outcome.OFFLINE, Outcome.ERROR, Outcome.REJECTED]


def plan_of(*steps: Step | Destination, **others: Iterable[Step | Destination]) -> Plan:
    """Return a plan whose scheme ``main`` is that of the number; more schemes by keyword."""
    hours = schedule_of({"mon-fri": "09:00-18:00"})
    return Plan(
        default_scheme="main",
        schemes={
            name: Scheme(name, _steps(name, found)) for name, found in {"main": steps, **others}.items()
        },
        numbers={NUMBER: NumberSpec(NUMBER, "main")},
        menus={"menu": MENU},
        hours={"office": hours},
        people={
            "anna": PersonSpec("anna", "Anna", "101", mailbox="anna"),
            "piotr": PersonSpec("piotr", "Piotr"),
        },
        extensions={"101": ANNA, "102": PIOTR, "200": Goto("main")},
    )


def _steps(name: str, found: Iterable[Step | Destination]) -> tuple[Step, ...]:
    steps = (step if isinstance(step, Step) else Step(step) for step in found)
    return tuple(
        Step(step.destination, step.after, step.hours, key=f"{name}.{number}")
        for number, step in enumerate(steps, start=1)
    )


MENU = MenuSpec(
    name="menu",
    greeting=("menu-demo",),
    options={"1": ANNA, "2": Goto("night"), "3": DialExtension()},
    no_input=IVAN,
    invalid=PIOTR,
)


def walk(
    plan: Plan, outcomes: Mapping[Any, Outcome] | None = None, facts: Facts = FRIDAY_NOON
) -> list[Destination]:
    """Return the destinations of a call; steps end without an answer if nothing else is said."""
    found: list[Destination] = []
    position: Position | None = enter(plan, NUMBER, facts)
    while position:
        found.append(position.destination)
        position = follow(
            plan, position, (outcomes or {}).get(position.destination, Outcome.NO_ANSWER), facts
        )
    return found


def test_f5_f12_steps_follow_one_another_in_their_order_to_the_voicemail() -> None:
    assert walk(plan_of(ANNA, PIOTR, Ring((Mobile("anna"),)), SALES)) == [
        ANNA,
        PIOTR,
        Ring((Mobile("anna"),)),
        SALES,
        OFFICE,  # sales took no message
    ]


@pytest.mark.parametrize("outcome", LOST)
def test_f15_f17_whatever_keeps_one_from_answering_leads_to_the_next(outcome: Outcome) -> None:
    assert walk(plan_of(ANNA, PIOTR, SALES), {ANNA: outcome, SALES: Outcome.MESSAGE}) == [ANNA, PIOTR, SALES]


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.MESSAGE, Outcome.DONE])
def test_nothing_follows_once_the_caller_is_served(outcome: Outcome) -> None:
    assert walk(plan_of(ANNA, SALES), {ANNA: outcome}) == [ANNA]


def test_q17_a_step_after_offline_is_entered_only_then() -> None:
    queue = Queue("sales")
    plan = plan_of(queue, Step(BACKUP, after=frozenset({Outcome.OFFLINE})), SALES)
    ends = {SALES: Outcome.MESSAGE}
    assert walk(plan, {queue: Outcome.OFFLINE, **ends}) == [queue, BACKUP, SALES]
    assert walk(plan, {queue: Outcome.MAX_WAIT, **ends}) == [queue, SALES]


def test_after_looks_at_the_last_step_that_was_entered() -> None:
    offline_only = frozenset({Outcome.OFFLINE})
    plan = plan_of(ANNA, Step(PIOTR, after=offline_only), Step(BACKUP, after=offline_only), SALES)
    ends = {SALES: Outcome.MESSAGE}
    assert walk(plan, {ANNA: Outcome.OFFLINE, **ends}) == [ANNA, PIOTR, SALES]
    assert walk(plan, {ANNA: Outcome.OFFLINE, PIOTR: Outcome.OFFLINE, **ends}) == [ANNA, PIOTR, BACKUP, SALES]
    assert walk(plan, ends) == [ANNA, SALES]


def test_f24_a_step_outside_of_its_hours_is_passed_over() -> None:
    plan = plan_of(Step(ANNA, hours="office"), PIOTR, SALES)
    ends = {SALES: Outcome.MESSAGE}
    assert walk(plan, ends, FRIDAY_NOON) == [ANNA, PIOTR, SALES]
    assert walk(plan, ends, SATURDAY_NIGHT) == [PIOTR, SALES]
    assert [step.key for step in enter(plan, NUMBER, SATURDAY_NIGHT).skipped] == ["main.1"]


def test_a_step_after_off_hours_is_for_those_who_were_passed_over() -> None:
    plan = plan_of(Step(ANNA, hours="office"), Step(BACKUP, after=frozenset({Outcome.OFF_HOURS})), SALES)
    ends = {SALES: Outcome.MESSAGE}
    assert walk(plan, ends, FRIDAY_NOON) == [ANNA, SALES]
    assert walk(plan, ends, SATURDAY_NIGHT) == [BACKUP, SALES]


def test_a_nested_scheme_hands_back_to_the_outer_one() -> None:
    plan = plan_of(ANNA, Goto("night"), PIOTR, SALES, night=[BACKUP, Goto("deep")], deep=[IVAN])
    assert walk(plan, {SALES: Outcome.MESSAGE}) == [ANNA, BACKUP, IVAN, PIOTR, SALES]


def test_a_nested_scheme_that_is_closed_is_passed_over() -> None:
    plan = plan_of(Goto("night"), SALES, night=[Step(ANNA, hours="office")])
    assert walk(plan, {SALES: Outcome.MESSAGE}, SATURDAY_NIGHT) == [SALES]


def test_f15_a_scheme_that_runs_out_ends_in_the_mailbox_of_the_office_once() -> None:
    assert walk(plan_of(ANNA)) == [ANNA, OFFICE]
    assert walk(plan_of(ANNA, OFFICE)) == [ANNA, OFFICE]
    assert walk(plan_of(Step(ANNA, hours="office")), facts=SATURDAY_NIGHT) == [OFFICE]


def test_v8_whoever_says_nothing_to_a_mailbox_is_not_asked_by_the_one_of_the_office_again() -> None:
    assert walk(plan_of(ANNA, SALES), {SALES: Outcome.NO_INPUT}) == [ANNA, SALES]
    assert walk(plan_of(ANNA, SALES), {SALES: Outcome.ERROR}) == [ANNA, SALES, OFFICE]


def test_an_allowed_dead_end_is_the_end() -> None:
    plan = Plan(default_scheme="x", schemes={"x": Scheme("x", (Step(ANNA),), allows_dead_end=True)})
    assert walk(plan) == [ANNA]


def test_a_prompt_leads_on_and_as_the_last_step_hangs_up() -> None:
    said = {Say("connected"): Outcome.DONE, Say("goodbye"): Outcome.DONE, Echo(): Outcome.DONE}
    assert walk(plan_of(Say("connected"), Echo()), said) == [Say("connected"), Echo()]
    assert walk(plan_of(ANNA, Say("goodbye")), said) == [ANNA, Say("goodbye")]
    assert walk(plan_of(Say("goodbye")), {Say("goodbye"): Outcome.ERROR}) == [Say("goodbye"), OFFICE]


@pytest.mark.parametrize(("outcome", "edge"), [(Outcome.NO_INPUT, IVAN), (Outcome.INVALID, PIOTR)])
def test_i8_no_input_and_invalid_take_the_edges_of_the_menu_and_then_go_on(
    outcome: Outcome, edge: Ring
) -> None:
    plan = plan_of(Menu("menu"), SALES, night=[])
    assert walk(plan, {Menu("menu"): outcome, SALES: Outcome.MESSAGE}) == [Menu("menu"), edge, SALES]


def test_i4_a_menu_that_took_too_long_goes_on_with_the_next_step() -> None:
    plan = plan_of(Menu("menu"), SALES, night=[])
    ends = {Menu("menu"): Outcome.MAX_WAIT, SALES: Outcome.MESSAGE}
    assert walk(plan, ends) == [Menu("menu"), SALES]


def test_i1_a_choice_that_does_not_succeed_goes_on_after_the_menu() -> None:
    plan = plan_of(Menu("menu"), SALES, night=[])
    chosen = choose(plan, enter(plan, NUMBER, FRIDAY_NOON), ANNA, FRIDAY_NOON)
    assert (chosen.destination, chosen.key) == (ANNA, "main.1")
    after = follow(plan, chosen, Outcome.BUSY, FRIDAY_NOON)
    assert after is not None
    assert after.destination == SALES


def test_i1_a_choice_may_be_a_whole_scheme() -> None:
    plan = plan_of(Menu("menu"), SALES, night=[BACKUP, PIOTR])
    position: Position | None = choose(plan, enter(plan, NUMBER, FRIDAY_NOON), Goto("night"), FRIDAY_NOON)
    found = []
    while position:
        found.append(position.destination)
        outcome = Outcome.MESSAGE if position.destination == SALES else Outcome.NO_ANSWER
        position = follow(plan, position, outcome, FRIDAY_NOON)
    assert found == [BACKUP, PIOTR, SALES]


def test_a_choice_of_a_closed_scheme_without_anything_after_ends_in_the_mailbox() -> None:
    plan = plan_of(Menu("menu"), night=[Step(ANNA, hours="office")])
    chosen = choose(plan, enter(plan, NUMBER, SATURDAY_NIGHT), Goto("night"), SATURDAY_NIGHT)
    assert chosen.destination == OFFICE
    assert follow(plan, chosen, Outcome.ERROR, SATURDAY_NIGHT) is None


def test_f29_an_unknown_number_gets_the_default_scheme_or_the_mailbox() -> None:
    assert enter(plan_of(ANNA, SALES), "+48229999999", FRIDAY_NOON).destination == ANNA
    assert enter(Plan(), "+48229999999", FRIDAY_NOON).destination == OFFICE


@pytest.mark.parametrize("written", ["48221230001", "0048221230001", "221230001", "+48 22 123 00 01"])
def test_a_number_is_found_however_the_trunk_writes_it(written: str) -> None:
    plan = Plan(numbers={NUMBER: NumberSpec(NUMBER, "main")}, schemes={"main": Scheme("main", (Step(ANNA),))})
    assert enter(plan, written, FRIDAY_NOON).destination == ANNA


def test_f18_the_calendar_chooses_between_the_two_schemes_of_a_number() -> None:
    spec = NumberSpec(NUMBER, "main", off_hours="night", schedule="office")
    base = plan_of(ANNA, SALES, night=[BACKUP, SALES])
    plan = Plan(schemes=base.schemes, hours=base.hours, numbers={NUMBER: spec})
    assert enter(plan, NUMBER, FRIDAY_NOON).destination == ANNA
    assert enter(plan, NUMBER, SATURDAY_NIGHT).destination == BACKUP


def test_an_extension_ends_in_the_mailbox_of_its_person_or_of_the_office() -> None:
    plan = plan_of(SALES)
    for extension, mailbox in (("101", Voicemail("anna")), ("102", OFFICE)):
        position = enter_extension(plan, extension, FRIDAY_NOON)
        assert position is not None
        assert isinstance(position.destination, Ring)
        after = follow(plan, position, Outcome.NO_ANSWER, FRIDAY_NOON)
        assert after is not None
        assert after.destination == mailbox


def test_an_extension_may_be_a_scheme_and_an_unknown_one_is_nothing() -> None:
    plan = plan_of(SALES)
    position = enter_extension(plan, "200", FRIDAY_NOON)
    assert position is not None
    assert position.destination == SALES
    assert enter_extension(plan, "999", FRIDAY_NOON) is None


def sometimes(plan: Plan, name: str, otherwise: str | None = None) -> Plan:
    """Return the plan with a scheme that works in opening hours alone."""
    works = replace(plan.schemes[name], works=plan.hours["office"], works_on="office", otherwise=otherwise)
    return replace(plan, schemes={**plan.schemes, name: works})


def test_f27_outside_of_its_hours_another_scheme_is_in_force() -> None:
    plan = sometimes(plan_of(ANNA, SALES, weekend=[PIOTR, OFFICE]), "main", "weekend")
    assert enter(plan, NUMBER, FRIDAY_NOON).destination == ANNA
    assert enter(plan, NUMBER, SATURDAY_NIGHT).destination == PIOTR


def test_f27_without_another_scheme_a_number_leads_to_voicemail_then() -> None:
    plan = sometimes(plan_of(ANNA, SALES), "main")
    assert enter(plan, NUMBER, SATURDAY_NIGHT) == Position(OFFICE)


def test_f27_a_nested_scheme_that_does_not_work_is_passed_over() -> None:
    plan = plan_of(Goto("day"), Step(PIOTR, after=frozenset({Outcome.OFF_HOURS})), SALES, day=[ANNA])
    plan = sometimes(plan, "day")
    start = enter(plan, NUMBER, SATURDAY_NIGHT)
    assert start.destination == PIOTR
    assert [(step.key, step.hours) for step in start.skipped] == [("main.1", "office")]
    by_day = enter(plan, NUMBER, FRIDAY_NOON)
    assert by_day.destination == ANNA
    after = follow(plan, by_day, Outcome.NO_ANSWER, FRIDAY_NOON)
    assert after
    assert after.destination == SALES


def test_f27_whoever_is_in_a_scheme_when_its_hours_end_goes_on_there() -> None:
    plan = sometimes(plan_of(ANNA, PIOTR, SALES, weekend=[OFFICE]), "main", "weekend")
    start = enter(plan, NUMBER, FRIDAY_NOON)
    later = follow(plan, start, Outcome.NO_ANSWER, SATURDAY_NIGHT)
    assert later
    assert later.destination == PIOTR
