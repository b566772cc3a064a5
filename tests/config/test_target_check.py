"""Rows F9 and F15: numbers that cannot be right or lead back into the office, and steps that never come."""

from __future__ import annotations

import pytest

from tests.config.offices import PEOPLE, Says

VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n'
NIGHT = '[[scheme.night.step]]\nvoicemail = "sales"\n'
OWN = '[number."+48221234567"]\nscheme = "{scheme}"\n'
ODD = "{} is no number that its country gives out: is there a digit too few or too many?"


def ring(target: str, **keys: str) -> str:
    """Return a step of the main scheme."""
    more = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'[[scheme.main.step]]\nring = ["{target}"]\n{more}'


def about_steps(said: list[str]) -> list[str]:
    """Return what is said of steps of the main scheme."""
    return [line for line in said if line.startswith("scheme.main.")]


@pytest.mark.parametrize("number", ["+4860099988", "+486009998881", "+4860099"])
def test_row_f9_a_backup_with_a_digit_too_few_or_too_many_is_told(number: str, warnings: Says) -> None:
    assert about_steps(warnings(PEOPLE + ring(number) + VOICEMAIL)) == [
        f"scheme.main.step.1.ring: {ODD.format(number)}"
    ]


def test_row_f9_a_mobile_that_lacks_a_digit_is_told_where_it_stands(warnings: Says) -> None:
    office = PEOPLE.replace("+48600100200", "+4860010020") + ring("mobile of anna") + VOICEMAIL
    assert f"person.anna.mobile: {ODD.format('+4860010020')}" in warnings(office)


@pytest.mark.parametrize("number", ["+48600999888", "600 999 888", "19115", "+48600999888,55"])
def test_row_f9_whole_and_short_numbers_are_not(number: str, warnings: Says) -> None:
    assert about_steps(warnings(PEOPLE + ring(number) + VOICEMAIL)) == []


def test_row_f9_a_scheme_that_rings_the_emergency_services_is_told(warnings: Says) -> None:
    assert about_steps(warnings(PEOPLE + ring("112") + VOICEMAIL)) == [
        "scheme.main.step.1.ring: rings 112: callers of the office would be given to the emergency services"
    ]


@pytest.mark.parametrize("target", ["+48221234567", "22 123 45 67", "mobile of anna"])
@pytest.mark.parametrize("between", ["", '[[scheme.hall.step]]\nscheme = "main"\n'])
def test_row_f15_a_number_of_the_office_that_leads_round_is_an_error(
    errors: Says, target: str, between: str
) -> None:
    office = PEOPLE.replace("+48600100200", "+48221234567") + ring(target) + VOICEMAIL + between
    own = OWN.format(scheme="hall" if between else "main")
    [error] = errors(office + own)
    assert " scheme.main.step.1.ring: rings a number of this office" in error
    assert "comes in again, to this place; callers would go round for ever" in error


def test_row_f15_so_is_the_number_of_the_trunk_when_it_is_not_listed(errors: Says) -> None:
    office = PEOPLE + 'number = "+48 22 123 45 67"\n' + ring("+48221234567") + VOICEMAIL
    [error] = errors(office)
    assert "callers would go round for ever" in error


def test_row_f15_one_in_a_range_that_leads_elsewhere_is_told_with_the_scheme(warnings: Says) -> None:
    office = PEOPLE + ring("+48221234599") + VOICEMAIL + NIGHT
    own = '[number-group.west]\nnumbers = ["+482212345xx"]\nscheme = "night"\n'
    [told] = about_steps(warnings(office + own))
    assert told.startswith("scheme.main.step.1.ring: rings a number of this office")
    assert told.endswith('name what it leads to, such as scheme = "night"')


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            ring("101") + ring("+48600999888", after='["max-wait"]') + VOICEMAIL,
            "scheme.main.step.2.after: nobody comes here: what is before it ends only with busy, error, "
            "no-answer, offline, rejected",
        ),
        (
            ring("101", after='["offline"]') + VOICEMAIL,
            "scheme.main.step.1.after: nobody comes here: what is before it ends with nothing, "
            "for there is none",
        ),
        (
            VOICEMAIL + ring("101") + VOICEMAIL,
            "scheme.main.step.2: nobody comes here: a step before it takes every caller",
        ),
        (ring("101") + ring("+48600999888", after='["max-wait", "offline"]') + VOICEMAIL, ""),
        (ring("101", hours='"day"') + ring("102", after='["off-hours"]') + VOICEMAIL, ""),
        ('[[scheme.main.step]]\nscheme = "night"\n' + VOICEMAIL, ""),
    ],
)
def test_row_f15_a_step_that_nobody_comes_to_is_told(steps: str, told: str, warnings: Says) -> None:
    hours = '[hours.day]\nmon-fri = "09:00-18:00"\n'
    said = about_steps(warnings(PEOPLE + hours + steps + NIGHT))
    assert [line for line in said if "nobody comes here" in line][:1] == ([told] if told else [])


def test_row_f15_an_extension_that_rings_a_number_of_the_office_is_told(errors: Says, warnings: Says) -> None:
    extension = '[extension."205"]\nring = ["+48221234567"]\n'
    round_ = PEOPLE + '[[scheme.main.step]]\nextension = "205"\n' + VOICEMAIL + extension
    assert any(
        "extension.205.ring: rings a number of this office" in error and "go round for ever" in error
        for error in errors(round_ + OWN.format(scheme="main"))
    )
    beside = PEOPLE + VOICEMAIL + NIGHT + extension + OWN.format(scheme="night")
    [told] = [line for line in warnings(beside) if line.startswith("extension")]
    assert told.endswith('on two channels; name what it leads to, such as scheme = "night"')


def test_row_f7_who_writes_a_full_name_is_told_the_key(errors: Says) -> None:
    office = PEOPLE.replace("[person.piotr]", '[person.piotr]\nname = "Piotr Zieliński"')
    [error] = errors(office + ring("Piotr Zielinski") + VOICEMAIL)
    assert error.endswith("there is no person 'Piotr Zielinski'; did you mean 'piotr'?")


def test_row_f15_so_is_one_that_an_option_of_a_menu_rings(errors: Says) -> None:
    menu = (
        '[menu.m]\ngreeting = "welcome"\nno-input = { ring = ["101"] }\ninvalid = { ring = ["101"] }\n'
        'options = { 1 = { ring = ["+48221234567"] } }\n[[scheme.main.step]]\nmenu = "m"\n'
    )
    [error] = errors(PEOPLE + menu + VOICEMAIL + OWN.format(scheme="main"))
    assert "menu.m.options.1.ring: rings a number of this office" in error
    assert "callers would go round for ever" in error
