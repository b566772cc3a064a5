"""What somebody decided for all calls, against hours and schemes: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.load import load_config
from b2bua.routing.destination import Destination, Echo, Ring, RingAgain, Voicemail
from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from b2bua.routing.override import (
    Override,
    OverrideKind,
    decision,
    next_opening_day,
    why_impossible,
)
from b2bua.routing.plan import NumberSpec, Plan, Scheme, Step
from b2bua.routing.scheme import enter, enter_scheme, is_closed, scheme_for
from tests.config.offices import schedule_of

WARSAW = ZoneInfo("Europe/Warsaw")
NUMBER, ALWAYS, UNLISTED = "+48221234567", "+48221234568", "+48221234569"
HOURS = schedule_of({"mon-fri": "09:00-18:00", "holidays": ["2026-12-25", "2026-12-26"]})
PLAN = Plan(
    timezone="Europe/Warsaw",
    default_scheme="default",
    backup_scheme="backup",
    schemes={
        name: Scheme(name, (Step(Echo(), key=f"scheme.{name}.step.1"),))
        for name in ("day", "night", "holiday", "default", "backup")
    },
    numbers={
        NUMBER: NumberSpec(NUMBER, "day", "night", "holiday", "office"),
        ALWAYS: NumberSpec(ALWAYS, "day"),
    },
    hours={"office": HOURS},
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


def scheme(text: str, override: Override, number: str = NUMBER, plan: Plan = PLAN) -> str:
    found = scheme_for(plan, number, Facts(at(text), override=override))
    assert found is not None
    return found.name


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-11-23 12:00", "2026-11-24 00:00"),
        ("2026-11-23 07:00", "2026-11-24 00:00"),
        ("2026-11-27 17:59", "2026-11-30 00:00"),
        ("2026-11-28 12:00", "2026-11-30 00:00"),
        ("2026-12-24 12:00", "2026-12-28 00:00"),
        ("2026-10-24 12:00", "2026-10-26 00:00"),
    ],
)
def test_s1_a_decision_ends_with_the_next_opening_day(now: str, ends: str) -> None:
    assert next_opening_day(PLAN, at(now)) == at(ends)


def test_s1_an_office_without_hours_ends_it_at_midnight() -> None:
    never = replace(PLAN, hours={"office": schedule_of({"mon": "closed"})})
    for plan in (never, Plan()):
        assert next_opening_day(plan, at("2026-11-23 12:00")) == at("2026-11-24 00:00")


def test_s1_closed_puts_off_hours_in_force_until_the_next_opening_day() -> None:
    closed = decision(PLAN, OverrideKind.CLOSED, at("2026-11-27 12:00"))
    assert scheme("2026-11-27 12:00", closed) == "night"
    assert scheme("2026-11-29 23:59", closed) == "night"
    assert scheme("2026-11-30 08:59", closed) == "night", "by its hours"
    assert scheme("2026-11-30 09:00", closed) == "day"
    assert scheme("2026-12-25 12:00", closed) == "holiday"
    assert scheme("2026-11-27 12:00", closed, ALWAYS) == "day"
    assert scheme("2026-11-27 12:00", closed, UNLISTED) == "default"


def test_s1_backup_takes_every_call_of_every_number() -> None:
    backup = decision(PLAN, OverrideKind.BACKUP, at("2026-11-27 12:00"), at("2026-11-27 14:00"))
    for number in (NUMBER, ALWAYS, UNLISTED):
        assert scheme("2026-11-27 13:59", backup, number) == "backup"
        assert scheme("2026-11-27 14:00", backup, number) != "backup"
    assert scheme("2026-11-27 13:59", backup, plan=replace(PLAN, backup_scheme=None)) == "day"


def test_s1_normal_holds_no_longer_than_it_takes_to_say() -> None:
    normal = decision(PLAN, OverrideKind.NORMAL, at("2026-11-27 12:00"))
    assert normal.until is None
    assert not normal.holds(at("2026-11-27 12:00"))
    assert scheme("2026-11-27 12:00", normal) == "day"


def test_s1_what_an_office_has_no_scheme_for_cannot_be_decided() -> None:
    assert [why_impossible(PLAN, kind) for kind in OverrideKind] == ["", "", ""]
    bare = [why_impossible(Plan(), kind) for kind in OverrideKind]
    assert bare == [
        "",
        "neither numbers nor schemes have hours outside of which it could be",
        "[office] has no backup-scheme",
    ]


def test_s1_a_call_that_outlives_a_decision_goes_on_by_the_hours() -> None:
    closed = Override(OverrideKind.CLOSED, at("2026-11-27 12:00"))
    facts = Facts(at("2026-11-27 11:59"), override=closed)
    assert facts.decided is OverrideKind.CLOSED
    assert facts.after(timedelta(minutes=1).total_seconds()).decided is OverrideKind.NORMAL


def test_s1_explain_tells_who_rules() -> None:
    facts = Facts(
        at("2026-11-27 12:00"), override=decision(PLAN, OverrideKind.CLOSED, at("2026-11-27 12:00"))
    )
    told = explain(PLAN, facts, NUMBER, "")
    assert told[1] == "scheme night, because somebody has closed the office until mon 2026-11-30 00:00"
    facts = replace(facts, override=Override(OverrideKind.BACKUP, at("2026-11-27 14:00")))
    told = explain(PLAN, facts, UNLISTED, "")
    assert (
        told[1] == "scheme backup, because somebody sends all calls to the backup until fri 2026-11-27 14:00"
    )
    facts = replace(facts, at=at("2026-11-28 12:00"))
    assert "because office is closed then" in explain(PLAN, facts, NUMBER, "")[1]


def test_s1_r1_while_all_calls_go_to_the_backup_nobody_who_talked_today_rings_first() -> None:
    sticky = replace(PLAN.numbers[ALWAYS], sticky_seconds=20.0)
    plan = replace(PLAN, numbers={ALWAYS: sticky})
    backup = Override(OverrideKind.BACKUP, None)
    noon = at("2026-11-23 12:00")
    assert isinstance(enter(plan, ALWAYS, Facts(noon)).destination, RingAgain)
    assert enter(plan, ALWAYS, Facts(noon, override=backup)).destination == Echo()


SHOP, DESK, ROUND_THE_CLOCK = "+48221234570", "+48221234571", "+48221234572"
BY_SCHEMES = f"""[office]
data = "data"
[person.anna]
extension = "101"
password = "secret"
[voicemail.sales]
emails = ["sales@office.example"]
[trunk.out]
accepts-from = ["192.0.2.1"]
host = "192.0.2.1"
[hours.office]
mon-fri = "09:00-18:00"
[hours.evening]
mon-sun = "18:00-22:00"
[number."{SHOP}"]
scheme = "shop"
sticky = "today"
[number."{DESK}"]
scheme = "desk"
[number."{ROUND_THE_CLOCK}"]
scheme = "always"
[scheme.shop]
days = "mon-fri"
otherwise = "duty"
[[scheme.shop.step]]
ring = ["101"]
[[scheme.shop.step]]
voicemail = "sales"
[[scheme.duty.step]]
ring = ["+48600999888"]
hours = "evening"
[[scheme.duty.step]]
voicemail = "sales"
[[scheme.desk.step]]
ring = ["101"]
hours = "office"
[[scheme.desk.step]]
scheme = "weekly"
[[scheme.desk.step]]
voicemail = "sales"
[scheme.weekly]
hours = "office"
[[scheme.weekly.step]]
ring = ["101"]
[[scheme.weekly.step]]
voicemail = "sales"
[[scheme.always.step]]
ring = ["101"]
[[scheme.always.step]]
voicemail = "sales"
"""


@pytest.fixture
def by_schemes(tmp_path: Path) -> Plan:
    """Return an office whose hours are those of schemes and steps."""
    path = tmp_path / "office.toml"
    path.write_text(BY_SCHEMES)
    return load_config(path).plan()


@pytest.mark.parametrize(
    ("number", "now", "does"),
    [
        (SHOP, "2026-11-27 12:00", Voicemail),
        (SHOP, "2026-11-27 20:00", Ring),  # by the evening of what is done instead
        (DESK, "2026-11-27 12:00", Voicemail),
        (ROUND_THE_CLOCK, "2026-11-27 12:00", Ring),
    ],
)
def test_s1_closed_closes_schemes_and_steps_that_have_hours_of_their_own(
    by_schemes: Plan, number: str, now: str, does: type[Destination]
) -> None:
    closed = decision(by_schemes, OverrideKind.CLOSED, at("2026-11-27 11:00"))
    assert closed.until == at("2026-11-30 00:00"), "the evening is none of opening hours"
    assert isinstance(enter(by_schemes, number, Facts(at(now), override=closed)).destination, does)
    is_open = Facts(at("2026-11-27 12:00"))
    assert isinstance(enter(by_schemes, number, is_open).destination, Ring | RingAgain)
    told = Facts(at(now), override=closed)
    assert is_closed(by_schemes, number, told) is (number == SHOP)


def test_s1_what_is_done_instead_of_a_number_goes_by_its_own_hours() -> None:
    steps = (Step(Echo(), hours="office", key="scheme.night.step.1"),)
    plan = replace(PLAN, schemes={**PLAN.schemes, "night": Scheme("night", steps)})
    closed = Facts(at("2026-11-27 12:00"), override=Override(OverrideKind.CLOSED, None))
    assert enter_scheme(plan, "night", closed) is None
    inside = enter_scheme(plan, "night", closed, number=NUMBER)
    assert inside is not None
    assert inside.destination == enter(plan, NUMBER, closed).destination == Echo()


def test_s1_explain_tells_that_a_scheme_was_closed_by_somebody(by_schemes: Plan) -> None:
    closed = Override(OverrideKind.CLOSED, at("2026-11-28 00:00"))
    told = explain(by_schemes, Facts(at("2026-11-27 12:00"), override=closed), SHOP, "")
    assert told[1] == (
        "scheme shop, which works mon-fri, but somebody has closed the office until sat 2026-11-28 00:00: "
        "scheme duty instead"
    )
    told = explain(by_schemes, Facts(at("2026-11-27 12:00"), override=closed), DESK, "")
    assert told[2].strip() == "skips scheme.desk.step.1: somebody has closed the office"
