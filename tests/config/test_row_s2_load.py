"""Row S2: what happens by the load, as a configuration says it, the check proves it and explain tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.proof import prove
from b2bua.routing.explain import explain
from b2bua.routing.facts import Absence, Facts
from b2bua.routing.load import Condition
from b2bua.routing.scheme import enter
from tests.config.offices import PEOPLE, Reads, Says

OFFICE = (
    PEOPLE.replace(
        "[voicemail.sales]", '[person.olena]\nextension = "103"\npassword = "secret"\n[voicemail.sales]'
    )
    + """
[number."+48221230001"]
scheme = "main"
[queue.sales]
agents = ["anna", "piotr", "olena"]
[queue.support]
agents = ["olena"]
[group.two]
members = ["anna", "piotr"]
"""
)
LAST = '[[scheme.main.step]]\nqueue = "sales"\n[[scheme.main.step]]\nvoicemail = "sales"\n'
NOON = Facts(datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Warsaw")))
NUMBER = "+48221230001"


def overflow(when: str, *, last: str = LAST) -> str:
    return OFFICE + f'[[scheme.main.step]]\nring = ["+48600999888"]\nwhen = {when}\n{last}'


def condition(read: Reads, text: str) -> Condition:
    [found] = read(overflow(f'"{text}"')).plan().schemes["main"].steps[0].when
    return found


@pytest.mark.parametrize(
    ("text", "facts", "holds"),
    [
        ("free in sales < 2", {}, False),
        ("free in sales < 2", {"busy": {"anna", "piotr"}}, True),
        ("free in sales < 2", {"busy": {"anna"}}, False),
        ("free in sales < 2", {"busy": {"anna"}, "reserved": {"piotr"}}, True),
        ("free in sales < 2", {"busy": {"anna"}, "offline": {"piotr"}}, True),
        ("free in sales >= 3", {}, True),
        ("free in two <= 1", {"busy": {"olena"}}, False),
        ("free in two <= 1", {"busy": {"anna"}}, True),
        ("free in anna < 1", {"busy": {"anna"}}, True),
        ("free in 101 < 1", {"busy": {"anna"}}, True),
        ("free < 2", {"busy": {"anna", "piotr"}}, True),
        ("waiting in sales > 2", {"waiting": {"sales": 2, "support": 9}}, False),
        ("waiting in sales > 2", {"waiting": {"sales": 3}}, True),
        ("waiting >= 4", {"waiting": {"sales": 2, "support": 2}}, True),
        ("talking in sales >= 80%", {"busy": {"anna", "piotr"}}, False),
        ("talking in sales >= 80%", {"busy": {"anna", "piotr", "olena"}}, True),
        ("talking in sales >= 80%", {"busy": {"anna", "piotr"}, "offline": {"olena"}}, True),
        ("talking in sales > 1", {"busy": {"anna", "piotr"}}, True),
        ("talking >= 80%", {"offline": {"anna", "piotr", "olena"}}, True),
        ("free in sales < 50%", {"offline": {"anna", "piotr", "olena"}}, True),
        ("free in sales < 50%", {"busy": {"anna"}}, False),
    ],
)
def test_row_s2_a_condition_counts_who_is_free_talks_or_waits(
    read: Reads, text: str, facts: dict[str, object], holds: bool
) -> None:
    given = {key: value if isinstance(value, dict) else frozenset(value) for key, value in facts.items()}  # type: ignore[call-overload]
    assert condition(read, text).holds(replace(NOON, **given)) is holds


def test_row_s2_who_says_that_they_are_away_is_not_free(read: Reads) -> None:
    away = {"anna": Absence("away"), "piotr": Absence("away")}
    assert condition(read, "free in sales < 2").holds(replace(NOON, absences=away))


def test_row_s2_a_step_is_entered_while_one_of_its_conditions_holds_and_passed_over_otherwise(
    read: Reads,
) -> None:
    plan = read(overflow('["waiting in sales > 2", "free in sales < 1"]')).plan()
    assert plan.asks_load
    calm, crowd = NOON, replace(NOON, waiting={"sales": 3})
    nobody = replace(NOON, busy=frozenset({"anna", "piotr", "olena"}))
    keys = [enter(plan, NUMBER, facts).key for facts in (calm, crowd, nobody)]
    assert keys == ["scheme.main.step.2", "scheme.main.step.1", "scheme.main.step.1"]


def test_row_s2_a_scheme_works_while_its_condition_holds_and_another_one_otherwise(read: Reads) -> None:
    crowded = '[scheme.main]\nwhen = "waiting in sales <= 2"\notherwise = "crowd"\n' + LAST
    plan = read(OFFICE + crowded + '[[scheme.crowd.step]]\nvoicemail = "sales"\n').plan()
    assert enter(plan, NUMBER, replace(NOON, waiting={"sales": 2})).key == "scheme.main.step.1"
    assert enter(plan, NUMBER, replace(NOON, waiting={"sales": 3})).key == "scheme.crowd.step.1"


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("sales is full", 'is no condition on the load, expected for example "free in sales < 2"'),
        ("free in sale < 2", "there is no queue, group or person 'sale'; did you mean 'sales'?"),
        ("waiting in two > 2", "there is no queue 'two'"),
        ("waiting in sales > 50%", "expected a number without %"),
        ("free in sales > 3", "free in sales > 3 is never so, there being 3"),
        ("free in sales >= 0", "free in sales >= 0 is always so, there being 3"),
        ("talking in sales > 100%", "talking in sales > 100% is never so"),
        ("waiting in sales < 0", "waiting in sales < 0 is never so"),
    ],
)
def test_row_s2_what_is_no_condition_is_told_with_the_key(errors: Says, when: str, why: str) -> None:
    [error] = errors(overflow(f'"{when}"'))
    assert "scheme.main.step.1.when" in error
    assert why in error


def test_row_s2_a_last_step_that_the_load_may_skip_is_a_dead_end(errors: Says) -> None:
    [error, *_] = errors(overflow('"free in sales < 2"', last=""))
    assert "scheme.main: dead end: outside of the hours and conditions of its steps" in error
    [error] = errors(
        OFFICE + '[[scheme.main.step]]\nring = ["anna"]\n[[scheme.main.step]]\nvoicemail = "sales"\n'
        'when = "waiting in sales > 2"\n'
    )
    assert "scheme.main.step.1: dead end: when this step ends with" in error


def test_row_s2_a_scheme_that_may_not_work_needs_another_one(errors: Says) -> None:
    [error] = errors(OFFICE + '[scheme.main]\nwhen = "free in sales > 1"\n' + LAST)
    assert (
        "dead end: when it does not work (while free in sales > 1), nothing follows; add otherwise" in error
    )


def test_row_s2_the_proof_walks_each_condition_both_ways(read: Reads) -> None:
    rings = '[[scheme.main.step]]\nring = ["anna"]\nwhen = "free in sales > 0"\n'
    config = read(
        OFFICE + rings + '[[scheme.main.step]]\nsay = "goodbye"\nwhen = "free in sales < 1"\n' + LAST
    )
    once = prove(read(OFFICE + LAST), read(OFFICE + LAST).plan(), NOON.at)
    both = prove(config, config.plan(), NOON.at)
    assert both.cases > 2 * once.cases
    assert both.drops_nobody


def test_row_s2_the_proof_tells_by_example_at_which_load_callers_are_dropped(read: Reads) -> None:
    config = read(
        OFFICE + "[scheme.main]\nallow-dead-end = true\n"
        '[[scheme.main.step]]\nring = ["anna"]\n'
        '[[scheme.main.step]]\nvoicemail = "sales"\nwhen = "waiting in sales > 2"\n'
    )
    proof = prove(config, config.plan(), NOON.at)
    assert not proof.drops_nobody
    config = read(overflow('"waiting in sales > 2"', last="[[scheme.main.step]]\necho = true\n"))
    assert prove(config, config.plan(), NOON.at).drops_nobody


def test_row_s2_explain_tells_why_a_step_is_passed_over_and_what_follows_at_another_load(read: Reads) -> None:
    plan = read(overflow('"waiting in sales > 2"')).plan()
    calm = explain(plan, NOON, NUMBER, "+48500600700")
    assert calm[2] == "      skips scheme.main.step.1: it is not so that waiting in sales > 2"
    assert "waits in queue sales" in calm[3]
    crowd = explain(plan, replace(NOON, waiting={"sales": 4}), NUMBER, "+48500600700")
    assert crowd[2] == "      as waiting in sales > 2:"
    assert crowd[3].startswith(" 0:00 rings +48600999888 for 20 s")


def test_row_s2_explain_tells_for_which_load_a_scheme_was_entered(read: Reads) -> None:
    step = '[[scheme.main.step]]\nscheme = "crowd"\nwhen = ["waiting in sales > 2", "free in sales < 1"]\n'
    crowd = '[[scheme.crowd.step]]\nring = ["+48600999888"]\n[[scheme.crowd.step]]\nring = ["anna"]\n'
    plan = read(OFFICE + step + LAST + crowd).plan()
    told = explain(plan, replace(NOON, waiting={"sales": 3}), NUMBER, "+48500600700")
    assert [line for line in told if "as waiting" in line] == ["      as waiting in sales > 2:"]


def test_row_s2_explain_tells_which_scheme_is_in_force_at_that_load(read: Reads) -> None:
    crowded = '[scheme.main]\nwhen = "waiting in sales <= 2"\notherwise = "crowd"\n' + LAST
    plan = read(OFFICE + crowded + '[[scheme.crowd.step]]\nvoicemail = "sales"\n').plan()
    told = explain(plan, replace(NOON, waiting={"sales": 3}), NUMBER, "+48500600700")
    assert told[1] == "scheme main, which works while waiting in sales <= 2: scheme crowd instead"
