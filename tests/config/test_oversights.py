"""Rows F15 and F26: what was probably forgotten or mixed up is told, and a sane office hears nothing."""

from __future__ import annotations

import pytest

from tests.config.offices import PEOPLE, Says

OFFICE = (
    PEOPLE
    + """number = "+48221234567"

[hours.office]
mon-fri = "09:00-18:00"

[number."+48221234567"]
schedule = "office"
in-hours = "main"
off-hours = "night"

[queue.sales]
agents = ["anna", "piotr"]

[[scheme.main.step]]
queue = "sales"

[[scheme.main.step]]
ring = ["mobile of anna"]

[[scheme.main.step]]
voicemail = "sales"

[[scheme.night.step]]
voicemail = "sales"
"""
)
PHONE = 'extension = "101"\npassword = "secret"\n'
BY_ADDRESS = 'accepts-from = ["192.0.2.1"]\n'
WIDE = (
    "whoever calls from one of these {} addresses is taken for this provider; "
    'name its own networks, such as "198.51.100.0/28"'
)


def test_a_sane_office_hears_nothing(warnings: Says) -> None:
    assert warnings(OFFICE) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "[queue.sales]",
            '[hours.christmas]\n12-24 = "09:00-12:00"\n[queue.sales]',
            "hours.christmas: nothing uses it: was it to be named somewhere?",
        ),
        (
            'extension = "102"',
            'extension = "112"',
            "person.piotr.extension: is an emergency number in PL: who dials 112 here does not reach help; "
            "take another, such as 212",
        ),
        (
            "[queue.sales]",
            '[extension."999"]\nqueue = "sales"\n[queue.sales]',
            "extension.999: is an emergency number in PL: who dials 999 here does not reach help; "
            "take another, such as 299",
        ),
        (
            'off-hours = "night"',
            'off-hours = "night"\nholiday = "night"',
            'number."+48221234567".holiday: is never used: [hours.office] has no holidays; '
            'add some, such as holidays = ["12-25", "01-01"]',
        ),
        (
            "[queue.sales]",
            '[rota.duty]\nmembers = ["anna"]\n[queue.sales]',
            "rota.duty: nothing uses it: was it to be named somewhere?",
        ),
        (
            BY_ADDRESS,
            'accepts-from = ["192.0.2.1", "0.0.0.0/0"]\n',
            f"trunk.out.accepts-from.2: {WIDE.format(2**32)}",
        ),
        (
            BY_ADDRESS,
            "",
            "trunk.out.accepts-from: nobody can call the office: add the addresses that its calls come from",
        ),
        (
            'in-hours = "main"\noff-hours = "night"',
            'in-hours = "night"\noff-hours = "main"',
            'number."+48221234567".in-hours: rings nobody, but off-hours (main) does: '
            "are the two in each other's place?",
        ),
        (
            PHONE,
            'extension = "101"\n',
            "queue.sales.agents: anna has no password, so no phone: the queue never rings them",
        ),
        (
            "[[scheme.night.step]]\n",
            '[hours.party]\n2020-12-24 = "24h"\n'
            '[[scheme.night.step]]\nhours = "party"\nring = ["mobile of anna"]\n'
            "[[scheme.night.step]]\n",
            "hours.party: will never be open again: its last day is past",
        ),
    ],
)
def test_f15_what_was_probably_forgotten_is_told(warnings: Says, old: str, new: str, told: str) -> None:
    assert old in OFFICE
    assert warnings(OFFICE.replace(old, new, 1)) == [told]


@pytest.mark.parametrize(
    ("step", "is_told"),
    [
        ('ring = ["piotr", "mobile of anna"]', True),
        ('ring = ["piotr", "mobile of anna"]\nmode = "staggered"\nstagger = "5s"', True),
        ('ring = ["piotr", "mobile of anna"]\nmode = "in-turn"', False),
        ('ring = ["piotr", "mobile of anna"]\nconfirm = "voice"', False),
        ('ring = ["mobile of anna"]', False),
    ],
)
def test_d5_a_mobile_whose_voicemail_would_take_the_call_from_others_is_told(
    warnings: Says, step: str, is_told: bool
) -> None:
    found = warnings(OFFICE.replace('ring = ["mobile of anna"]', step))
    assert len(found) == is_told
    assert all("scheme.main.step.2.ring: a mobile that is off is answered by" in line for line in found)


def test_f15_an_option_of_a_menu_that_rings_nobody_is_told_as_a_step_is(warnings: Says) -> None:
    menu = (
        '[menu.m]\ngreeting = "welcome"\nno-input = { queue = "sales" }\ninvalid = { queue = "sales" }\n'
        'options = { 1 = { ring = ["eva"] } }\n[person.eva]\nextension = "103"\n'
        '[[scheme.night.step]]\nmenu = "m"\n'
    )
    office = OFFICE.replace("[[scheme.night.step]]\n", f"{menu}[[scheme.night.step]]\n")
    [told] = [line for line in warnings(office) if line.startswith("menu.m.options")]
    assert told == 'menu.m.options.1.ring: eva has no password, so no phone; did you mean "mobile of eva"?'


@pytest.mark.parametrize("network", ["10.0.0.0/8", "198.51.0.0/16", "127.0.0.0/8"])
def test_networks_that_a_provider_may_have_are_not_too_wide(warnings: Says, network: str) -> None:
    assert warnings(OFFICE.replace(BY_ADDRESS, f'accepts-from = ["{network}"]\n')) == []
