"""Row D5: how a configuration says who has to press a key, and what is said about one that is wrong."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.destination import External, Mobile, Person, Ring, SipAddress
from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from tests.config.offices import Reads, Says

ANNA = """
[person.anna]
extension = "101"
password = "secret-101"
mobile = "+48600100200"
mobile-confirm = {wants}
[trunk.out]
host = "sip.example"
[number."+48221230001"]
scheme = "main"
"""
VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n[voicemail.sales]\nemails = ["a@b.example"]\n'


def step(text: str, *, wants: str = "false") -> str:
    return ANNA.format(wants=wants) + f"[[scheme.main.step]]\n{text}\n" + VOICEMAIL


def test_row_d5_a_step_asks_whoever_is_outside_and_no_phone_of_ours(read: Reads) -> None:
    targets = '["anna", "mobile of anna", "+48600999888", "sip:sales@pbx.example"]'
    ring = read(step(f'ring = {targets}\nconfirm = true\nconfirm-within = "10s"')).plan()
    assert ring.schemes["main"].steps[0].destination == Ring(
        (
            Person("anna"),
            Mobile("anna", must_confirm=True),
            External("+48600999888", must_confirm=True),
            SipAddress("sip:sales@pbx.example", must_confirm=True),
        ),
        confirm_seconds=10.0,
    )


@pytest.mark.parametrize(
    ("wants", "said", "must"),
    [
        ("true", "", True),
        ("true", "confirm = false", False),
        ("false", "", False),
        ("false", "confirm = true", True),
    ],
)
def test_row_d5_the_step_has_the_last_word_on_a_mobile(
    read: Reads, wants: str, said: str, must: bool
) -> None:
    plan = read(step(f'ring = ["mobile of anna", "+48600999888"]\n{said}', wants=wants)).plan()
    destination = plan.schemes["main"].steps[0].destination
    assert isinstance(destination, Ring)
    assert destination.targets[0] == Mobile("anna", must_confirm=must)
    assert destination.targets[1] == External("+48600999888", must_confirm=said == "confirm = true")


def test_row_d5_a_step_that_can_ask_nobody_is_an_error(errors: Says) -> None:
    [error] = errors(step('ring = ["anna"]\nconfirm = true'))
    assert error.endswith("scheme.main.step.1.confirm: nobody to ask: phones of the office have no voicemail")


def test_row_d5_confirm_and_music_belong_to_ring(errors: Says) -> None:
    for key in ("confirm = true", 'confirm-within = "10s"', 'music = "calm"'):
        [error] = errors(step(f'queue = "q"\n{key}') + '[queue.q]\nagents = ["anna"]\n')
        assert error.endswith(
            "scheme.main.step.1: confirm, confirm-within, caller-id, music, whisper and backup belong to ring"
        )


def test_row_d5_a_person_without_a_mobile_has_nothing_to_confirm(errors: Says) -> None:
    [error] = errors(ANNA.format(wants="true").replace('mobile = "+48600100200"\n', "") + VOICEMAIL)
    assert error.endswith("person.anna: mobile-confirm needs a mobile")


def test_row_d5_explain_tells_who_has_to_press_1(read: Reads) -> None:
    plan = read(step('ring = ["mobile of anna"]', wants="true")).plan()
    noon = Facts(datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Warsaw")))
    told = explain(plan, noon, "+48221230001", "+48500600700")
    assert (
        told[2] == " 0:00 rings the mobile of Anna (who has to press 1 to take it) for 20 s  "
        "[scheme.main.step.1]"
    )
