"""The proof against the walk: what the checker lets pass never runs out of steps, whatever fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from b2bua.config.dead_ends import failures, find_dead_ends
from b2bua.routing.destination import (
    Destination,
    Echo,
    Goto,
    Menu,
    Outcome,
    Person,
    Queue,
    Ring,
    Say,
    Voicemail,
)
from b2bua.routing.facts import Facts
from b2bua.routing.plan import MenuSpec, NumberSpec, Plan, Scheme, Step
from b2bua.routing.schedule import Schedule
from b2bua.routing.scheme import Position, choose, enter, follow
from tests.config.offices import schedule_of

MONDAY = datetime(2026, 3, 2, tzinfo=ZoneInfo("Europe/Warsaw"))
NUMBER = "+48221230001"
LOST = [outcome for outcome in Outcome if outcome not in (Outcome.ANSWERED, Outcome.MESSAGE)]


def _schedule(days: str, spans: str) -> Schedule:
    return schedule_of({days: spans})


HOURS = {"office": _schedule("mon-fri", "09:00-18:00"), "night": _schedule("daily", "20:00-08:00")}

RING = st.just(Ring((Person("anna"),)))


def destinations(*nested: Destination) -> st.SearchStrategy[Destination]:
    plain = [Queue("sales"), Voicemail("sales"), Say("goodbye")]
    return st.one_of(RING, st.sampled_from([*plain, *nested]))


def schemes(name: str, *nested: Destination) -> st.SearchStrategy[Scheme]:
    """Return schemes of any steps, of which every other ends well; some do not work at all hours."""
    step = st.builds(
        Step,
        destination=destinations(*nested),
        after=st.none() | st.frozensets(st.sampled_from(LOST), min_size=1),
        hours=st.none() | st.sampled_from(sorted(HOURS)),
    )
    ends = st.sampled_from([(), (Step(Voicemail("sales")),), (Step(Say("goodbye")),)])
    steps = st.tuples(st.lists(step, min_size=1, max_size=4), ends).map(lambda found: (*found[0], *found[1]))
    always = st.builds(Scheme, st.just(name), steps)
    others = [found.scheme for found in nested if isinstance(found, Goto)]
    otherwise = st.sampled_from([None, *others])
    sometimes = st.builds(
        Scheme, st.just(name), steps, works=st.sampled_from(list(HOURS.values())), otherwise=otherwise
    )
    return always | sometimes


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    drawn = [
        draw(schemes("a", Goto("b"), Goto("c"), *[Menu("menu")] * 8)),  # which is what is hardest to prove
        draw(schemes("b", Goto("c"))),
        draw(schemes("c")),
    ]
    choice = st.one_of(st.just(Ring((Person("anna"),))), st.just(Echo()), st.just(Goto("c")))
    menu = MenuSpec("menu", ("menu-demo",), {"1": draw(choice)}, no_input=draw(choice), invalid=draw(choice))
    return Plan(
        default_mailbox="last-resort",
        schemes={scheme.name: scheme for scheme in drawn},
        menus={"menu": menu},
        numbers={NUMBER: NumberSpec(NUMBER, "a")},
        hours=HOURS,
    )


@settings(max_examples=100)
@given(plan=plans(), hour=st.integers(0, 167), data=st.data())
def test_f15_what_the_checker_lets_pass_never_needs_the_last_resort(
    plan: Plan, hour: int, data: st.DataObject
) -> None:
    first = {"a", plan.schemes["a"].otherwise}
    first |= {plan.schemes[name].otherwise for name in first if name}
    assume(not [fault for fault in find_dead_ends(plan) if fault.path[1] in first])
    facts = Facts(MONDAY + timedelta(hours=hour))
    position: Position | None = enter(plan, NUMBER, facts)
    while position and not isinstance(position.destination, Voicemail | Echo):
        last = position
        position = _fail(plan, position, facts, data)
    if position is None:
        assert isinstance(last.destination, Say)
    else:
        assert position.destination != Voicemail("last-resort")


def _fail(plan: Plan, position: Position, facts: Facts, data: st.DataObject) -> Position | None:
    """Go on as if nobody took the call: press a key of a menu, or fail in one of the possible ways."""
    destination = position.destination
    if isinstance(destination, Menu):
        outcome = data.draw(st.sampled_from(["1", Outcome.NO_INPUT, Outcome.INVALID, Outcome.MAX_WAIT]))
        if outcome == "1":
            option = plan.menus["menu"].options["1"]
            assert isinstance(option, Destination)
            return choose(plan, position, option, facts)
        return follow(plan, position, Outcome(outcome), facts)
    return follow(plan, position, data.draw(st.sampled_from(sorted(failures(plan, destination)))), facts)
