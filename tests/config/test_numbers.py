"""Rows F29, F18, R5: what a number and a group of numbers may say, and what is said about wrong ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from b2bua.cli.timeline import lines_of
from b2bua.config.difference import difference
from b2bua.config.proof import prove
from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from b2bua.routing.number_ranges import NumberRange
from b2bua.routing.plan import NumberSpec
from b2bua.routing.scheme import number_spec
from tests.config.offices import Reads, Says

SCHEMES = """
[office]
timezone = "Europe/Warsaw"
[voicemail.sales]
emails = ["a@b.example"]
[hours.office]
mon-fri = "09:00-18:00"
holidays = ["01-01"]
[[scheme.day.step]]
voicemail = "sales"
[[scheme.night.step]]
voicemail = "sales"
"""
GROUP = """
[number-group.south]
numbers = ["+48 22 124 00 01", "22 124 00 02"]
"""


def test_row_f29_a_group_says_the_same_of_each_of_its_numbers(read: Reads) -> None:
    plan = read(SCHEMES + GROUP + 'scheme = "day"\nsource = "google"\nlabel = "South"\n').plan()
    assert list(plan.numbers) == ["+48221240001", "+48221240002"]
    assert plan.numbers["+48221240002"] == NumberSpec("+48221240002", "day", source="google", label="South")


def test_row_f29_a_number_in_two_places_is_an_error_at_the_second(errors: Says) -> None:
    alone = '[number."+48221240002"]\nscheme = "day"\n'
    [error] = errors(SCHEMES + alone + GROUP + 'scheme = "day"\n')
    twice = '+48221240002 is configured twice; it is in [number."+48221240002"] already'
    assert error.endswith(f"number-group.south.numbers.2: {twice}")


def test_row_f29_what_a_group_names_and_is_not_there_is_said_once(errors: Says) -> None:
    [error] = errors(SCHEMES + GROUP + 'scheme = "dya"\n')
    assert error.endswith("number-group.south.scheme: there is no scheme 'dya'; did you mean 'day'?")


def test_row_f18_a_scheme_for_holidays_needs_hours(errors: Says) -> None:
    [error] = errors(SCHEMES + GROUP + 'scheme = "day"\nholiday = "night"\n')
    assert error.endswith("give either scheme, or schedule with in-hours and off-hours")


def test_row_f18_explain_tells_that_it_is_a_holiday(read: Reads) -> None:
    hours = 'schedule = "office"\nin-hours = "day"\noff-hours = "day"\nholiday = "night"\n'
    new_year = Facts(datetime(2027, 1, 1, 12, 0, tzinfo=ZoneInfo("Europe/Warsaw")))
    told = explain(read(SCHEMES + GROUP + hours).plan(), new_year, "+48221240001", "")
    assert told[1] == "scheme night, because office is closed then: it is a holiday"


def test_row_f29_a_changed_group_is_told(read: Reads) -> None:
    before = read(SCHEMES + GROUP + 'scheme = "day"\n')
    after = read(SCHEMES + GROUP + 'scheme = "night"\n')
    assert difference(before, after).changes == ("1 group of numbers changed (south)",)


def test_row_f16_a_group_whose_phones_have_no_backup_is_warned_of_once(warnings: Says) -> None:
    person = '[person.anna]\nextension = "101"\npassword = "secret-101"\n'
    scheme = '[[scheme.phone.step]]\nring = ["anna"]\n[[scheme.phone.step]]\nvoicemail = "sales"\n'
    said = warnings(SCHEMES + person + scheme + GROUP + 'scheme = "phone"\n')
    assert len([line for line in said if line.startswith("number-group.south: no backup")]) == 1


def test_row_r5_a_number_shows_its_source_where_it_has_no_label(read: Reads) -> None:
    plan = read(SCHEMES + '[number."+48221240007"]\nscheme = "day"\nsource = "google"\n').plan()
    assert (plan.numbers["+48221240007"].source, plan.numbers["+48221240007"].label) == ("google", "google")


RANGE = """
[number-group.west]
numbers = ["+48221235000-29"]
scheme = "day"
"""
NOON = Facts(datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Warsaw")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+48221235000-29", ("+48221235000", "+48221235029")),
        ("+48 22 123 50 00-29", ("+48221235000", "+48221235029")),
        ("22 123 50 00 – 29", ("+48221235000", "+48221235029")),
        ("+48221235000..29", ("+48221235000", "+48221235029")),
        ("+48221235000..+48221235129", ("+48221235000", "+48221235129")),
        ("+48221235000-+48221235129", ("+48221235000", "+48221235129")),
        ("+482212350xx", ("+48221235000", "+48221235099")),
        ("22 123 50 0X", ("+48221235000", "+48221235009")),
        ("+48221235998-9", ("+48221235998", "+48221235999")),
    ],
)
def test_row_f29_a_range_is_written_as_providers_write_it(text: str, expected: tuple[str, str]) -> None:
    assert NumberRange.parse(text, country="PL") == NumberRange(*expected)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+48 22 123-50-00", "PL"),
        ("22-123-50-00", "PL"),
        ("+48221235000", "PL"),
        ("030 123456-78", "DE"),  # a number with an extension, as it is written there
        ("112", "PL"),
        ("sales", "PL"),
    ],
)
def test_row_f29_dashes_between_the_digits_of_one_number_are_no_range(text: str, country: str) -> None:
    assert NumberRange.parse(text, country=country) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+48221235029-00", "ends before it begins"),
        ("+48221235000..+4822123502", "ends before it begins"),
        ("+4822xxxxxxx", "are more than 10000 numbers"),
        ("+4822x123500", "x stands for the last digits of a number"),
        ("101..29", "is no range of numbers, expected for example"),
    ],
)
def test_row_f29_a_range_that_cannot_be_is_an_error_at_its_line(errors: Says, text: str, why: str) -> None:
    [error] = errors(SCHEMES + f'[number-group.west]\nnumbers = ["{text}"]\nscheme = "day"\n')
    assert "number-group.west.numbers.1: " in error
    assert why in error


def test_row_f29_a_single_number_wins_over_its_range_wherever_it_stands(read: Reads) -> None:
    alone = '[number."+48221235007"]\nscheme = "night"\nsource = "google"\n'
    for text in (RANGE + alone, alone + RANGE):
        plan = read(SCHEMES + text).plan()
        assert number_spec(plan, "+48221235007") == NumberSpec(
            "+48221235007", "night", source="google", label="google"
        )
        in_range = [number_spec(plan, f"+482212350{last:02}") for last in range(30)]
        assert [spec.in_hours for spec in in_range if spec] == ["day"] * 7 + ["night"] + ["day"] * 22
        assert number_spec(plan, "+48221235030") is None
        assert number_spec(plan, "+482212350071") is None
        assert number_spec(plan, "22 123 50 29") is not None


def test_row_f29_two_ranges_that_overlap_are_an_error_with_both_lines(errors: Says) -> None:
    other = '[number."+482212350xx"]\nscheme = "night"\n'
    text = SCHEMES + RANGE + other
    lines = text.splitlines()
    here, there = lines.index('[number."+482212350xx"]') + 1, lines.index('numbers = ["+48221235000-29"]') + 1
    found = errors(text)
    assert len(found) == 1
    assert str(here) in found[0]
    assert str(there) in found[0]
    assert "overlaps" in found[0]


def test_row_f29_explain_and_timeline_know_of_which_range_a_number_is(read: Reads) -> None:
    plan = read(SCHEMES + RANGE).plan()
    assert (
        explain(plan, NOON, "+48221235012", "")[1] == "scheme day, at any time (for all of +48221235000-29)"
    )
    assert explain(plan, NOON, "22 123 50 12", "")[1].endswith("(for all of +48221235000-29)")
    [line] = lines_of(plan, [spec.number for spec in plan.listed], NOON, NOON.at + timedelta(days=1))
    assert line.numbers == ("+48221235000-29",)
    assert line.stretches[0].scheme == "day"


def test_row_f29_the_checker_walks_a_range_and_warns_of_it_once(warnings: Says, read: Reads) -> None:
    person = '[person.anna]\nextension = "101"\npassword = "secret-101"\n'
    scheme = '[[scheme.phone.step]]\nring = ["anna"]\n[[scheme.phone.step]]\nvoicemail = "sales"\n'
    text = SCHEMES + person + scheme + RANGE.replace('"day"', '"phone"')
    said = warnings(text)
    assert len([line for line in said if line.startswith("number-group.west: no backup")]) == 1
    config = read(text)
    assert prove(config, config.plan(), NOON.at).entries == 1


def test_row_f29_a_recording_may_name_a_number_of_a_range(read: Reads, errors: Says) -> None:
    recording = '[recording]\nnumbers = ["+48221235012"]\n'
    assert read(SCHEMES + RANGE + recording).recording.is_on
    [error] = errors(SCHEMES + RANGE + recording.replace("012", "042"))
    assert "there is no number '+48221235042'" in error
