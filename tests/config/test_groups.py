"""Rows F7, F8, I2, D4: groups wherever somebody can be rung, and whose number a step shows outside."""

from __future__ import annotations

import pytest

from b2bua.routing.destination import External, Mobile, Person, Ring, SipAddress
from tests.config.offices import PEOPLE, Reads, Says

GROUP = '[group.sales]\nmembers = ["anna", "102", "+48600999888"]\n'
STAFF = '[group.staff]\nmembers = ["102", "anna"]\n'
VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n'


def step(text: str) -> str:
    return f"[[scheme.main.step]]\n{text}\n"


def first(read: Reads, text: str) -> object:
    return read(PEOPLE + GROUP + STAFF + step(text) + VOICEMAIL).plan().schemes["main"].steps[0].destination


def test_row_f7_a_group_is_rung_as_its_members_in_their_order_and_nobody_twice(read: Reads) -> None:
    everyone = (Person("anna"), Person("piotr"), External("+48600999888"))
    assert first(read, 'ring = "sales"') == Ring(everyone)
    assert first(read, 'ring = ["101", "sales", "staff"]') == Ring(everyone)


def test_row_f8_the_mobiles_of_a_group_are_those_of_its_people(read: Reads) -> None:
    assert first(read, 'ring = "mobiles of staff"') == Ring((Mobile("anna"),))  # piotr has none
    text = step('ring = "sales"') + step('ring = "mobiles of step 1"')
    plan = read(PEOPLE + GROUP + text + VOICEMAIL).plan()
    assert plan.schemes["main"].steps[1].destination == Ring((Mobile("anna"),))


def test_row_i2_an_extension_and_a_queue_may_be_those_of_a_group(read: Reads) -> None:
    more = '[extension."300"]\nring = "staff"\n[queue.help]\nagents = ["staff"]\n'
    plan = read(PEOPLE + STAFF + more + VOICEMAIL).plan()
    assert plan.extensions["300"] == Ring((Person("piotr"), Person("anna")))
    assert plan.queues["help"].agents == ("piotr", "anna")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            '[group.anna]\nmembers = ["102"]',
            "group.anna: anna is a person as well; give the group another name",
        ),
        (
            '[group.a]\nmembers = ["ann"]',
            "group.a.members.1: there is no person or group 'ann'; did you mean 'anna'?",
        ),
        (
            '[group.a]\nmembers = ["b"]\n[group.b]\nmembers = ["anna"]\n' + step('ring = "a"'),
            "scheme.main.step.1.ring.1: b is a group; name its members in [group.a]",
        ),
        (
            step('ring = "mobiles of salse"'),
            "scheme.main.step.1.ring.1: there is no group 'salse'; did you mean 'sales'?",
        ),
        (
            '[group.c]\nmembers = ["102"]\n' + step('ring = "mobiles of c"'),
            "scheme.main.step.1.ring.1: nobody in c has a mobile",
        ),
        (
            '[queue.q]\nagents = "sales"\n',
            "queue.q.agents.1: only people can be named here; sales has others",
        ),
        (step('queue = "q"\ncaller-id = "own"'), "scheme.main.step.1: confirm, confirm-within, caller-id"),
    ],
)
def test_row_f7_what_is_wrong_with_a_group_is_named(errors: Says, text: str, error: str) -> None:
    said = errors(PEOPLE + GROUP + text + ("\n" + VOICEMAIL if "[[scheme" in text else ""))
    assert any(error in line for line in said), said


def test_row_d4_a_step_says_whose_number_is_shown_outside(read: Reads) -> None:
    text = 'ring = ["anna", "mobile of anna", "+48600999888", "sip:a@pbx.example"]\ncaller-id = "caller"'
    assert first(read, text) == Ring(
        (
            Person("anna"),
            Mobile("anna", shows="caller"),
            External("+48600999888", shows="caller"),
            SipAddress("sip:a@pbx.example"),
        )
    )
