"""Rows F29, F18, R5: what a number and a group of numbers may say, and what is said about wrong ones."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from b2bua.config.difference import difference
from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from b2bua.routing.plan import NumberSpec
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
