"""One number, written in every way in which trunks and people write it, is one number."""

from __future__ import annotations

import random

import phonenumbers
import pytest

from b2bua.routing.numbers import is_emergency, normalise, part_post_dial


@pytest.mark.parametrize(
    "written",
    [
        "+48221230001",
        "48221230001",
        "0048221230001",
        "221230001",
        "22 123 00 01",
        "+48 (22) 123-00-01",
        "+48.22.123.0001",
        "+48\u00a022\u2013123\u20130001",
    ],
)
def test_all_spellings_of_a_polish_number_are_one(written: str) -> None:
    assert normalise(written, country="PL") == "+48221230001"


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("0441234567", "UA", "+380441234567"),
        ("380441234567", "UA", "+380441234567"),
        ("8 495 123-45-67", "RU", "+74951234567"),
        ("2025550123", "US", "+12025550123"),
        ("12025550123", "US", "+12025550123"),
        ("011 48 22 123 00 01", "US", "+48221230001"),
        ("0048221230001", "US", "+48221230001"),
        ("49301234567", "PL", "+49301234567"),
        ("0049301234567", "PL", "+49301234567"),
    ],
)
def test_numbers_are_read_as_those_of_the_country(written: str, country: str, number: str) -> None:
    assert normalise(written, country=country) == number


@pytest.mark.parametrize("written", ["112", "999", "997", "116123", "19115", "19 115"])
def test_short_and_emergency_numbers_come_first(written: str) -> None:
    assert normalise(written, country="PL") == written.replace(" ", "")


@pytest.mark.parametrize("written", ["101", "205", "5550", "sales", "anonymous", "", "*45", "1#"])
def test_extensions_and_what_is_no_number_stay_as_they_are(written: str) -> None:
    assert normalise(written, country="PL") == written


def test_a_number_that_the_tables_do_not_know_yet_is_the_same_in_both_spellings() -> None:
    assert normalise("48990000001", country="PL") == normalise("+48990000001", country="PL")
    assert normalise("990000001", country="PL") == "+48990000001"


def test_global_numbers_of_all_countries_are_read_as_the_library_reads_them() -> None:
    dice = random.Random(7)
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        for _ in range(8):
            number = f"+{code}{dice.randrange(10 ** dice.randint(1, 14))}"
            try:
                parsed = phonenumbers.parse(number, None)
            except phonenumbers.NumberParseException:
                expected = number
            else:
                written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
                is_known = written == number or phonenumbers.is_valid_number(parsed)
                expected = written if is_known else number
            assert normalise(number, country="PL") == expected


@pytest.mark.parametrize("written", ["+44 (0)20 7031 3000", "+44 020 7031 3000"])
def test_the_trunk_prefix_of_another_country_is_left_out_of_a_global_number(written: str) -> None:
    assert normalise(written, country="PL") == "+442070313000"


def test_normalising_twice_changes_nothing() -> None:
    for written in ("0048221230001", "112", "sales", "+1234", "123456789012345678"):
        once = normalise(written, country="PL")
        assert normalise(once, country="PL") == once


def test_emergency_numbers_are_those_of_the_country() -> None:
    assert is_emergency("112", country="PL")
    assert is_emergency("911", country="US")
    assert not is_emergency("101", country="PL")


@pytest.mark.parametrize(
    ("text", "number", "post_dial"),
    [
        ("+48600100200,555", "+48600100200", ",555"),
        ("600 100 200 pP 5-5 5#", "600 100 200", ",,555#"),
        ("+48600100200W1", "+48600100200", "w1"),
        ("tel:+48600100200;postd=p1,2", "+48600100200", ",1,2"),
        ("tel:+48-600-100-200;ext=12-3", "+48-600-100-200", ",123"),
        ("+48600100200", "+48600100200", ""),
        ("101", "101", ""),
        ("anna", "anna", ""),
        ("piotr,5", "piotr,5", ""),
        ("+48600100200,five", "+48600100200,five", ""),
        ("tel:112;phone-context=+48", "tel:112;phone-context=+48", ""),
        ("", "", ""),
    ],
)
def test_rfc3966_5_3_a_number_is_parted_from_what_is_pressed_behind_it(
    text: str, number: str, post_dial: str
) -> None:
    assert part_post_dial(text) == (number, post_dial)
