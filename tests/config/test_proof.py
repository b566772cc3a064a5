"""The walk of every way of every caller: rows F15, F16, F18, F24 and S1 before the first call."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.check import lint
from b2bua.config.dead_ends import NOT_CHOSEN, NOT_QUEUED, NOT_RUNG
from b2bua.config.load import load_config
from b2bua.config.proof import Proof, prove
from b2bua.config.situations import situations
from b2bua.config.ways import ways
from b2bua.routing.destination import Menu, Outcome, Queue, Ring, Say
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import Position, choose, enter, follow
from bench.routing import large_office, routed
from tests.config.offices import CONFIGS, PEOPLE, Reads
from tests.harness.effort import calls_of

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
HOURS = """
[hours.office]
mon-fri = "09:00-18:00"
holidays = ["12-25"]
[hours.duty]
daily = "18:00-22:00"
"""
NUMBER = '[number."+48221230001"]\nschedule = "office"\nin-hours = "main"\noff-hours = "night"\n'
NIGHT = '[[scheme.night.step]]\nvoicemail = "sales"\n'
RING = '[[scheme.main.step]]\nring = ["101"]\n'
BACKUP = '[[scheme.main.step]]\nring = ["+48600999888"]\n'
VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n'


def proof(read: Reads, text: str) -> Proof:
    config = read(PEOPLE + text)
    return prove(config, config.plan(), NOW)


def said(found: Proof) -> list[str]:
    return [fault.message for fault in found.faults]


def test_every_state_of_the_hours_is_found_with_its_first_moment(read: Reads) -> None:
    plan = read(PEOPLE + HOURS + RING + VOICEMAIL).plan()
    found = {each.holds: f"{each.at:%a %d.%m. %H:%M}" for each in situations(plan, NOW)}
    assert found == {
        frozenset[str](): "Mon 23.11. 00:00",
        frozenset({"office"}): "Mon 23.11. 09:00",
        frozenset({"duty"}): "Mon 23.11. 18:00",
    }


def test_a_day_of_its_own_and_two_hours_that_meet_once_a_year_are_states_too(read: Reads) -> None:
    text = HOURS.replace("[hours.duty]", '2026-12-24 = "09:00-19:00"\n[hours.duty]')
    plan = read(PEOPLE + text + RING + VOICEMAIL).plan()
    both = [each for each in situations(plan, NOW) if len(each.holds) == 2]
    assert [f"{each.at:%Y-%m-%d %H:%M}" for each in both] == ["2026-12-24 18:00"]


def test_f18_holidays_with_a_scheme_of_their_own_are_states_too(read: Reads) -> None:
    text = HOURS + NUMBER + 'holiday = "feast"\n' + RING + BACKUP + VOICEMAIL + NIGHT
    found = proof(
        read, text + '[scheme.feast]\nallow-dead-end = true\n[[scheme.feast.step]]\nring = ["102"]\n'
    )
    assert found.situations == 5  # closed or on duty on a holiday, besides
    assert said(found) == ["fri 2026-12-25 00:00: the caller is dropped after scheme.feast.step.1"]


def test_f27_a_scheme_of_some_days_and_the_one_in_its_place_are_walked(read: Reads) -> None:
    text = (
        '[number."+48221230001"]\nscheme = "main"\n[scheme.main]\ndays = "mon-fri"\notherwise = "rest"\n'
        + RING
    )
    text += VOICEMAIL + '[scheme.rest]\nallow-dead-end = true\n[[scheme.rest.step]]\nring = ["102"]\n'
    assert "sat 2026-11-28 00:00: the caller is dropped after scheme.rest.step.1" in said(proof(read, text))


def test_f15_an_office_that_loses_nobody_is_proven_so(read: Reads) -> None:
    found = proof(read, HOURS + NUMBER + RING + BACKUP + VOICEMAIL + NIGHT)
    assert found.drops_nobody
    assert found.faults == ()
    assert (found.entries, found.situations) == (2, 3)
    # the number: all phones on or off, trunk up or down, while open, and nothing that can fail while closed;
    # the default scheme, with which no hours are concerned: the same four
    assert found.cases == 4 + 1 + 4


def test_f15_who_may_be_dropped_is_told_with_an_example(read: Reads) -> None:
    text = HOURS + NUMBER + "[scheme.main]\nallow-dead-end = true\n" + RING + NIGHT
    found = proof(read, text)
    assert not found.drops_nobody
    assert "mon 2026-11-23 09:00: the caller is dropped after scheme.main.step.1" in said(found)


def test_f24_open_hours_in_which_nobody_is_rung_are_told(read: Reads) -> None:
    text = HOURS + NUMBER + RING + 'hours = "duty"\n' + VOICEMAIL + NIGHT
    assert said(proof(read, text)) == [
        "nobody is rung at mon 2026-11-23 09:00, although it is open then: only voicemail is left"
    ]


def test_r12_a_webhook_with_nothing_but_voicemail_behind_it_is_told(read: Reads) -> None:
    hook = '[webhook.city]\nurl = "https://example.com/where"\n[[scheme.main.step]]\nwebhook = "city"\n'
    assert said(proof(read, HOURS + NUMBER + hook + VOICEMAIL + NIGHT))[0].startswith(
        "while the webhook or the CRM fails nobody is rung"
    )
    assert said(proof(read, HOURS + NUMBER + hook + BACKUP + VOICEMAIL + NIGHT)) == []


def test_the_shipped_offices_lose_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMTP", "PROVIDER", "ANNA", "PIOTR"):
        monkeypatch.setenv(f"{name}_PASSWORD", "correct horse")
    for name in ("demo", "example"):
        config = load_config(CONFIGS / f"{name}.toml")
        found = prove(config, config.plan(), NOW)
        assert found.drops_nobody
        assert found.faults == ()


def test_a_large_office_is_looked_over_and_walked_within_a_second_and_a_call_routed_in_a_millisecond(
    read: Reads,
) -> None:
    """200 people and 50 schemes, counted in functions called; `make bench` has the seconds.

    A core of ours calls some 10 million of them in a second.
    """
    config = read(large_office())
    plan = config.plan()
    found = prove(config, plan, NOW)
    assert found.drops_nobody
    assert found.cases > 3000
    assert calls_of(lambda: (lint(config), prove(config, plan, NOW))) < 1_600_000
    assert calls_of(lambda: routed(plan, 200)) / 200 < 500


def test_the_graph_holds_every_way_that_routing_goes(read: Reads) -> None:
    """A caller led at random by routing itself is never anywhere that the graph does not know."""
    config = read((CONFIGS / "demo.toml").read_text())
    plan, facts = config.plan(), Facts(NOW.astimezone(WARSAW))
    rng = random.Random(1)
    for number in plan.numbers:
        known = ways(plan, number, facts)
        for _ in range(200):
            position: Position | None = enter(plan, number, facts)
            while position is not None:
                assert any(_is_same(way.position, position) for way in known.all.values())
                position = _led(rng, position, plan, facts)


def _is_same(one: Position, other: Position) -> bool:
    return (one.key, one.destination) == (other.key, other.destination)


def _led(rng: random.Random, position: Position, plan: Plan, facts: Facts) -> Position | None:
    match position.destination:
        case Ring():
            outcomes = NOT_RUNG
        case Queue():
            outcomes = NOT_QUEUED
        case Menu(name):
            options = [each for each in plan.menus[name].options.values() if isinstance(each, Ring | Queue)]
            if rng.random() < 0.5:
                return choose(plan, position, rng.choice(options), facts)
            outcomes = NOT_CHOSEN | {Outcome.NO_INPUT, Outcome.INVALID}
        case Say():
            outcomes = frozenset({Outcome.DONE})
        case _:
            return None
    return follow(plan, position, rng.choice(sorted(outcomes)), facts)
