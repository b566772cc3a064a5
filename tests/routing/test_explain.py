"""The way of a call in words."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.load import load_config
from b2bua.routing.destination import (
    Confirm,
    External,
    Goto,
    Mobile,
    Outcome,
    Person,
    Queue,
    Ring,
    RingMode,
    Say,
    SipAddress,
    Voicemail,
    Webhook,
)
from b2bua.routing.explain import explain, gist
from b2bua.routing.facts import Facts
from b2bua.routing.plan import NumberSpec, PersonSpec, Plan, QueueSpec, Scheme, Step, WebhookSpec
from b2bua.routing.told import Ask, Assumed
from tests.config.offices import schedule_of

CONFIGS = Path(__file__).parents[2] / "config"
WARSAW = ZoneInfo("Europe/Warsaw")
CALLER = "+48600555666"


def at(text: str, *offline: str) -> Facts:
    return Facts(datetime.fromisoformat(text).replace(tzinfo=WARSAW), frozenset(offline))


@pytest.fixture(scope="module")
def demo() -> Plan:
    return load_config(CONFIGS / "demo.toml").plan()


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Plan:
    for name in ("SMTP", "PROVIDER", "ANNA", "PIOTR"):
        monkeypatch.setenv(f"{name}_PASSWORD", "x")
    return load_config(CONFIGS / "example.toml").plan()


def test_steps_are_told_with_their_times_and_keys(demo: Plan) -> None:
    assert explain(demo, at("2026-03-06 12:00"), "48221230001", CALLER) == [
        "fri 2026-03-06 12:00, +48600555666 calls 48221230001",
        "scheme in-turn, at any time",
        " 0:00 rings Anna Nowak (101) for 20 s  [scheme.in-turn.step.1]",
        " 0:20 rings Piotr Zieliński (102) for 20 s  [scheme.in-turn.step.2]",
        " 0:40 rings the mobile of Anna Nowak for 20 s  [scheme.in-turn.step.3]",
        " 1:00 takes a message for mailbox sales  [scheme.in-turn.step.4]",
    ]


def test_f13_who_is_offline_costs_no_time(demo: Plan) -> None:
    told = explain(demo, at("2026-03-06 12:00", "anna"), "+48221230001", CALLER)
    assert told[2:4] == [
        " 0:00 would ring Anna Nowak (101), but no phone is online: goes on at once  [scheme.in-turn.step.1]",
        " 0:00 rings Piotr Zieliński (102) for 20 s  [scheme.in-turn.step.2]",
    ]
    told = explain(demo, at("2026-03-06 12:00", "anna"), "+48221230002", CALLER)
    assert told[2:4] == [
        " 0:00 rings Piotr Zieliński (102) and Olena Kovalenko (103) together for 20 s"
        "  [scheme.together.step.1]",
        "      Anna Nowak (101) is offline and is skipped",
    ]


def test_q17_the_backup_of_a_queue_is_told_only_when_all_are_offline(demo: Plan) -> None:
    told = explain(demo, at("2026-03-06 12:00", "anna"), "+48221230004", CALLER)
    assert told[3:] == [
        "      skips scheme.queue.step.2: it does not follow this outcome",
        " 1:00 takes a message for mailbox sales  [scheme.queue.step.3]",
    ]
    told = explain(demo, at("2026-03-06 12:00", "anna", "piotr", "olena"), "+48221230004", CALLER)
    assert told[2:] == [
        " 0:00 queue sales: all its agents are offline, goes on at once  [scheme.queue.step.1]",
        " 0:00 rings +48600999888 for 30 s  [scheme.queue.step.2]",
        " 0:30 takes a message for mailbox sales  [scheme.queue.step.3]",
    ]


def test_a_menu_is_told_with_all_its_options(demo: Plan) -> None:
    assert explain(demo, at("2026-03-06 12:00"), "+48221230003", "")[2:] == [
        " 0:00 menu main, played 2 times at most  [scheme.menu.step.1]",
        "      1: rings Anna Nowak (101) for 20 s",
        "      2: queue sales",
        "      3: asks for an extension",
        "      0: takes a message for mailbox sales",
        "      extensions can be dialled at once: 101, 102, 103, 104",
        "      invalid: rings Ivan Petrov (104) for 20 s",
        "      nothing pressed: rings Ivan Petrov (104) for 20 s, as follows",
        " 0:10 rings Ivan Petrov (104) for 20 s  [scheme.menu.step.1]",
        " 0:30 takes a message for mailbox sales  [scheme.menu.step.2]",
    ]


def test_f18_why_the_night_scheme_is_in_force_and_what_it_skips(example: Plan) -> None:
    assert explain(example, at("2026-03-07 21:00"), "+48221234567", CALLER) == [
        "sat 2026-03-07 21:00, +48600555666 calls +48221234567",
        "scheme night, because office is closed then",
        "      skips scheme.night.step.1: duty is closed then",
        " 0:00 takes a message for mailbox night  [scheme.night.step.2]",
    ]
    assert explain(example, at("2026-03-06 12:00"), "+48221234567", CALLER)[1] == (
        "scheme day, because office is open then"
    )


def test_hours_that_end_while_a_caller_waits_are_respected(example: Plan) -> None:
    night = Scheme("night", (Step(Ring((Person("anna"),), for_seconds=60)), *example.schemes["night"].steps))
    plan = Plan(default_scheme="night", schemes={"night": night}, people=example.people, hours=example.hours)
    told = explain(plan, at("2026-03-07 15:59"), "1", "")
    assert "      skips scheme.night.step.1: duty is closed then" in told


def test_unknown_numbers_and_last_resorts_are_told(demo: Plan) -> None:
    assert explain(demo, at("2026-03-06 12:00"), "555", "")[:2] == [
        "fri 2026-03-06 12:00, somebody calls 555",
        "this number is not listed: default scheme default",
    ]
    assert explain(Plan(), at("2026-03-06 12:00"), "555", "")[1:] == [
        "this number is not listed and there is no default scheme: voicemail",
        " 0:00 takes a message for mailbox office  [last resort]",
    ]


def test_every_way_of_ringing_and_every_step_has_words() -> None:
    everybody = (Person("anna"), SipAddress("sip:sales@pbx.example"))
    steps = (
        Ring(everybody, RingMode.IN_TURN, for_seconds=90),
        Ring(everybody, RingMode.STAGGERED, for_seconds=60, stagger_seconds=10),
        Queue("q", for_seconds=120),
        Goto("more"),
    )
    plan = Plan(
        default_scheme="x",
        schemes={
            "x": Scheme("x", tuple(Step(step) for step in steps)),
            "more": Scheme("more", (Step(Say("closed")), Step(Voicemail("v")))),
        },
        queues={"q": QueueSpec("q", ("anna",))},
        people={"anna": PersonSpec("anna", "Anna")},
    )
    assert [line.partition("  [")[0] for line in explain(plan, at("2026-03-06 12:00"), "1", "")[2:]] == [
        " 0:00 rings Anna, then sip:sales@pbx.example, each for 1 min 30 s",
        " 3:00 rings Anna, then also sip:sales@pbx.example, one more every 10 s, 1 min in all",
        " 4:00 waits in queue q for Anna, 2 min at most",
        " 6:00 says 'closed'",
        " 6:00 takes a message for mailbox v",
    ]


def test_q8_it_is_told_that_agents_hear_how_long_the_caller_has_waited(example: Plan) -> None:
    lines = explain(example, at("2026-03-06 12:00"), "+48221234567", CALLER)
    assert sum("is told first how long the caller has waited" in line for line in lines) == 1


WEBHOOK = Plan(
    schemes={
        "main": Scheme(
            "main",
            (
                Step(Webhook("region"), key="scheme.main.step.1"),
                Step(Ring((External("+48600999888"),), for_seconds=30), key="scheme.main.step.2"),
            ),
        )
    },
    webhooks={"region": WebhookSpec("region", "https://office.example/go")},
    default_scheme="main",
)


def test_row_r10_a_webhook_is_told_and_not_asked() -> None:
    assert explain(WEBHOOK, at("2026-03-06 12:00"), "+48221230001", CALLER)[2:] == [
        " 0:00 asks the webhook region at office.example, for 1.5 s at most  [scheme.main.step.1]",
        "      whoever it names rings for 45 s; below is what follows without an answer",
        " 0:01 rings +48600999888 for 30 s  [scheme.main.step.2]",
        " 0:31 takes a message for mailbox office  [last resort]",
    ]


def test_row_r10_an_answer_that_was_asked_for_is_followed() -> None:
    named = Ring((External("+48600111222"),), for_seconds=45)
    told = asking(lambda _: named)
    assert told[3:6] == [
        "      asked now, it says: rings +48600111222 for 45 s",
        " 0:00 rings +48600111222 for 45 s  [scheme.main.step.1]",
        " 0:45 rings +48600999888 for 30 s  [scheme.main.step.2]",
    ]
    told = asking(lambda _: "answered 500")
    assert told[3] == "      asked now, it answered 500"
    told = asking(lambda _: Goto("main"))
    assert told[4].startswith(" 0:00 rings +48600999888"), "a circle is cut"


def test_row_f8_a_number_that_is_named_twice_is_told_once_the_way_that_has_to_be_confirmed() -> None:
    anna = PersonSpec("anna", "Anna", mobile="+48600100200")
    ring = Ring((External("+48600100200"), Mobile("anna", confirm=Confirm.KEY), Person("anna")))
    told = lines_of(ring, people={"anna": anna})
    assert (
        told[2] == " 0:00 rings the mobile of Anna (who has to press 1 to take it) and Anna together for 20 s"
    )


def test_row_f30_who_would_join_after_the_end_is_told_as_that() -> None:
    targets = tuple(External(f"+4860010020{last}") for last in "123")
    told = lines_of(Ring(targets, mode=RingMode.STAGGERED, for_seconds=10.0))
    assert told[2] == (" 0:00 rings +48600100201, then also +48600100202, one more every 5 s, 10 s in all")
    assert told[3] == "      +48600100203 would join when the step is over already"


def lines_of(ring: Ring, *, people: dict[str, PersonSpec] | None = None) -> list[str]:
    plan = Plan(people=people or {}, schemes={"s": Scheme("s", (Step(ring),))}, default_scheme="s")
    lines = explain(plan, at("2026-03-06 12:00"), "48221230001", CALLER)
    return [line.partition("  [")[0] for line in lines]


def asking(ask: Ask) -> list[str]:
    facts = at("2026-03-06 12:00")
    return explain(WEBHOOK, facts, "+48221230001", CALLER, assumed=Assumed(ask=ask))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", " 0:28 rings Ivan"),
        ("1", " 0:08 rings Anna"),
        ("103", " 0:08 rings Olena"),
        ("3,102", " 0:11 rings Piotr"),
        ("7", " 0:20 rings Ivan"),
        ("3,999", " 0:26 rings Ivan"),
        ("7,1", " 0:18 rings Anna"),
        ("3,999,103", " 0:21 rings Olena"),
        ("7,7,1", "      no menu is left in which to press 1"),
        ("3", " 0:34 rings Ivan"),
    ],
)
def test_i2_what_follows_is_told_for_who_presses_something_in_a_menu_with_its_time(
    demo: Plan, keys: str, told: str
) -> None:
    lengths = {"menu-demo": 8.0, "no-input": 1.0, "invalid": 2.0, "enter-extension": 3.0}
    lengths["extension-unknown"] = 2.0
    assumed = Assumed(seconds_of=lengths.__getitem__, keys=deque(filter(None, keys.split(","))))
    lines = explain(demo, at("2026-03-06 12:00"), "+48221230003", CALLER, assumed=assumed)
    assert any(line.startswith(told) for line in lines), lines
    assert explain(demo, at("2026-03-06 12:00"), "+48221230003", CALLER, assumed=assumed) == lines


def test_f5_an_announcement_takes_as_long_as_its_prompt() -> None:
    steps = (Step(Say("welcome")), Step(Ring((External("+48600100200"),))))
    plan = Plan(schemes={"s": Scheme("s", steps)}, default_scheme="s")
    lines = explain(plan, at("2026-03-06 12:00"), "1", CALLER, assumed=Assumed(seconds_of=lambda _: 4.0))
    assert lines[3].startswith(" 0:04 rings")


def test_f24_a_step_is_read_back_with_what_it_depends_on() -> None:
    step = Step(Voicemail("sales"), after=frozenset({Outcome.BUSY}), hours="evening")
    told = gist(Plan(), step, at("2026-03-06 12:00"))
    assert told == "takes a message for mailbox sales (only after busy) (only while evening is open)"


def test_f27_a_scheme_with_days_of_its_own_is_told_with_them() -> None:
    scheme = Scheme("s", (Step(Queue("q", 90.0)),), works=schedule_of({"fri": "24h"}), works_on="fri")
    plan = Plan(schemes={"s": scheme}, default_scheme="s", numbers={"1": NumberSpec("1", "s")})
    assert explain(plan, at("2026-03-07 12:00"), "1", "")[1] == "scheme s, which works fri: voicemail"
    assert gist(plan, scheme.steps[0], at("2026-03-06 12:00")) == "queue q for 1 min 30 s"
    ringing = replace(scheme, steps=(Step(Voicemail("sales")),))
    told = explain(replace(plan, schemes={"s": ringing}), at("2026-03-06 12:00"), "1", "")
    assert told[1] == "scheme s, which works fri"


def test_f9_who_calls_from_a_number_does_not_have_it_rung() -> None:
    plan = Plan(schemes={"s": Scheme("s", (Step(Ring((External(CALLER), External("+48600100200")))),))})
    plan = replace(plan, default_scheme="s")
    lines = explain(plan, at("2026-03-06 12:00"), "1", "600 555 666")
    assert lines[2].startswith(" 0:00 rings +48600100200 for 20 s")
    assert lines[3] == f"      {CALLER} is the one that calls and is skipped"


def test_who_is_busy_keeps_their_turn_in_a_staggered_step_and_who_is_offline_does_not() -> None:
    names = ("anna", "piotr", "olena", "ivan")
    people = {name: PersonSpec(name, name.capitalize()) for name in names}
    ring = Ring(tuple(map(Person, people)), RingMode.STAGGERED, for_seconds=15, stagger_seconds=5)
    plan = Plan(default_scheme="x", schemes={"x": Scheme("x", (Step(ring),))}, people=people)

    def told(*, busy: str = "", offline: str = "") -> list[str]:
        facts = replace(at("2026-03-06 12:00"), busy=frozenset({busy}), offline=frozenset({offline}))
        return [line.partition("  [")[0].strip() for line in explain(plan, facts, "1", "")[2:4]]

    late = "Ivan would join when the step is over already"
    assert told() == [
        "0:00 rings Anna, then also Piotr, then also Olena, one more every 5 s, 15 s in all",
        late,
    ]
    gone = "0:00 rings Piotr, then also Olena, then also Ivan, one more every 5 s, 15 s in all"
    assert told(offline="anna") == [gone, "Anna is offline and is skipped"]
    # the next one starts at once where nobody rings, the others when they would have in any case
    assert told(busy="anna")[0] == "0:00 rings Piotr, then also Olena after 10 s, 15 s in all"
    assert told(busy="piotr")[0] == "0:00 rings Anna, then also Olena after 10 s, 15 s in all"
