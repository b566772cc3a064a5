"""Row D5: how a configuration says who has to press a key, and what is said about one that is wrong."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from b2bua.routing.destination import Confirm, External, Mobile, Person, Ring, SipAddress
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
            Mobile("anna", confirm=Confirm.KEY),
            External("+48600999888", confirm=Confirm.KEY),
            SipAddress("sip:sales@pbx.example", confirm=Confirm.KEY),
        ),
        confirm_seconds=10.0,
    )


KEY, VOICE = Confirm.KEY, Confirm.VOICE


@pytest.mark.parametrize(
    ("wants", "said", "at_mobile", "at_number"),
    [
        ("true", "", KEY, None),
        ('"voice"', "", VOICE, None),
        ("true", "confirm = false", None, None),
        ("true", 'confirm = "voice"', VOICE, VOICE),
        ("false", "", None, None),
        ("false", "confirm = true", KEY, KEY),
        ('"voice"', 'confirm = "key"', KEY, KEY),
    ],
)
def test_row_d5_the_step_has_the_last_word_on_a_mobile(
    read: Reads, wants: str, said: str, at_mobile: Confirm | None, at_number: Confirm | None
) -> None:
    plan = read(step(f'ring = ["mobile of anna", "+48600999888"]\n{said}', wants=wants)).plan()
    destination = plan.schemes["main"].steps[0].destination
    assert isinstance(destination, Ring)
    assert destination.targets[0] == Mobile("anna", confirm=at_mobile)
    assert destination.targets[1] == External("+48600999888", confirm=at_number)


@pytest.mark.parametrize("value", ['"yes"', "1", '"keys"', '["voice"]'])
def test_row_d5_what_is_no_way_to_confirm_is_told_with_those_there_are(errors: Says, value: str) -> None:
    [error] = errors(step(f'ring = ["mobile of anna"]\nconfirm = {value}'))
    assert (
        'scheme.main.step.1.confirm: expected true or "key" (they press 1), "voice" (they say hello)' in error
    )
    [error] = errors(step('ring = ["mobile of anna"]', wants=value))
    assert 'person.anna.mobile-confirm: expected true or "key" (they press 1), "voice"' in error


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


@pytest.mark.parametrize(
    ("wants", "how"),
    [
        ("true", "who has to press 1 to take it"),
        ('"voice"', "who takes it by saying hello, or has to press 1 if that is not clear"),
    ],
)
def test_row_d5_explain_tells_how_it_is_taken(read: Reads, wants: str, how: str) -> None:
    plan = read(step('ring = ["mobile of anna"]', wants=wants)).plan()
    noon = Facts(datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Warsaw")))
    told = explain(plan, noon, "+48221230001", "+48500600700")
    assert told[2] == f" 0:00 rings the mobile of Anna ({how}) for 20 s  [scheme.main.step.1]"
