"""Row R1: whoever talked with the caller today comes before the scheme, which begins as it always does."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.destination import Outcome, Person, Ring, RingAgain, Voicemail
from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from b2bua.routing.plan import NumberSpec, PersonSpec, Plan, Scheme, Step
from b2bua.routing.scheme import enter, follow
from b2bua.routing.told import Assumed

NUMBER = "+48221230001"
NOON = Facts(datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Warsaw")))
FIRST, LAST = Ring((Person("anna"),)), Voicemail("office")


def plan(*steps: Step, sticky_seconds: float | None = 20.0) -> Plan:
    return Plan(
        people={"anna": PersonSpec("anna", "Anna", mobile="+48600100200")},
        schemes={"main": Scheme("main", steps)},
        numbers={NUMBER: NumberSpec(NUMBER, "main", sticky_seconds=sticky_seconds, key="number-group.shop")},
    )


@pytest.mark.parametrize("outcome", [Outcome.OFFLINE, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.ERROR])
def test_row_r1_the_scheme_begins_whatever_came_of_them(outcome: Outcome) -> None:
    office = plan(Step(LAST, frozenset({outcome})), Step(FIRST), Step(LAST))
    start = enter(office, NUMBER, NOON)
    assert (start.destination, start.key) == (RingAgain(20.0), "number-group.shop.sticky")
    position = follow(office, start, outcome, NOON)
    assert position is not None
    assert position.destination == FIRST  # not what follows that outcome of a step of the scheme's own


def test_row_r1_a_talk_is_the_end_and_a_scheme_of_which_no_step_is_open_the_mailbox() -> None:
    office = plan(Step(LAST, frozenset({Outcome.BUSY})))
    start = enter(office, NUMBER, NOON)
    assert follow(office, start, Outcome.ANSWERED, NOON) is None
    position = follow(office, start, Outcome.BUSY, NOON)
    assert position is not None
    assert position.destination == LAST


def test_row_r1_a_number_without_it_begins_with_its_scheme() -> None:
    assert enter(plan(Step(FIRST), sticky_seconds=None), NUMBER, NOON).destination == FIRST


def test_row_r1_explain_tells_it() -> None:
    told = explain(plan(Step(FIRST), Step(LAST)), NOON, NUMBER, "+48500600700")
    assert told[2] == (
        " 0:00 rings whoever talked with the caller today, for 20 s; nobody, if they are new today: "
        "goes on at once  [number-group.shop.sticky]"
    )
    assert told[3].startswith(" 0:00 rings Anna for 20 s")


@pytest.mark.parametrize(
    ("party", "line", "more"),
    [
        (
            "anna",
            " 0:00 rings Anna for 20 s  [number-group.shop.sticky]",
            "who talked with the caller that day",
        ),
        (
            "mobile of anna",
            " 0:00 rings the mobile of Anna (who has to press 1",
            "who talked with the caller",
        ),
        ("", " 0:00 rings whoever talked with the caller today, for 20 s; nobody of ours has, that day", ""),
        ("eva", " 0:00 rings whoever talked with the caller today, for 20 s; nobody of ours has", ""),
    ],
)
def test_row_r1_explain_names_who_talked_with_that_caller(party: str, line: str, more: str) -> None:
    told = explain(plan(Step(FIRST), Step(LAST)), NOON, NUMBER, "+48500600700", assumed=Assumed(party=party))
    assert told[2].startswith(line)
    assert told[3].strip().startswith(more or "0:00 rings Anna")
    assert (" 0:20 rings Anna" in "\n".join(told)) == bool(more), "nobody new costs no time"
