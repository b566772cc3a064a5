"""Opening hours as they are written: days, holidays of countries, and what is wrong with them."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.public_holidays import public_holidays
from b2bua.config.ukraine import ukrainian_holidays
from b2bua.routing.calendar import Calendar, Event
from b2bua.routing.schedule import Schedule
from tests.config.offices import PEOPLE, Reads, Says

WARSAW = ZoneInfo("Europe/Warsaw")


def hours(read: Reads, lines: str) -> Schedule:
    return read(f"{PEOPLE}[hours.office]\n{lines}\n{MAIN}").plan().hours["office"]


MAIN = '[[scheme.main.step]]\nvoicemail = "sales"\n'


def is_open(schedule: Schedule, moment: str) -> bool:
    return schedule.is_open(datetime.fromisoformat(moment).replace(tzinfo=WARSAW))


def open_days(schedule: Schedule, first: str, last: str) -> list[str]:
    day, found = date.fromisoformat(first), []
    while day <= date.fromisoformat(last):
        found += [f"{day:%m-%d}"] if schedule.spans_on(day) else []
        day += timedelta(days=1)
    return found


def test_s1_the_public_holidays_of_a_country_are_closed(read: Reads) -> None:
    office = hours(read, 'mon-fri = "09:00-18:00"\nholidays = "PL"')
    assert open_days(office, "2026-12-21", "2027-01-08") == [
        *("12-21", "12-22", "12-23", "12-28", "12-29", "12-30", "12-31"),
        *("01-04", "01-05", "01-07", "01-08"),
    ]
    assert office.holiday(date(2026, 12, 24)) == "Christmas Eve"
    assert office.holiday(date(2027, 3, 29)) == "Easter Monday"
    assert office.holiday(date(2026, 12, 23)) is None


def test_f18_own_days_and_days_worked_all_the_same_go_with_a_country(read: Reads) -> None:
    office = hours(
        read, 'mon-fri = "09:00-18:00"\nholidays = ["PL", "12-28..12-31", "!01-06", "!2026-12-29"]'
    )
    assert open_days(office, "2026-12-21", "2027-01-08") == [
        *("12-21", "12-22", "12-23", "12-29", "01-04", "01-05", "01-06", "01-07", "01-08")
    ]
    assert office.holiday(date(2026, 12, 28)) == "a holiday"
    assert [office.is_holiday(date(2027, 1, day)) for day in (1, 4, 6)] == [True, False, False]


def test_s1_a_part_of_a_country_has_its_own_holidays(read: Reads) -> None:
    epiphany = date(2027, 1, 6)
    assert hours(read, 'holidays = "DE-BY"').holiday(epiphany) == "Epiphany"
    assert hours(read, 'holidays = "DE-BE"').holiday(epiphany) is None


def test_s1_a_saturday_that_is_worked_has_the_hours_of_the_day_off_it_stands_for(read: Reads) -> None:
    office = hours(read, 'mon-thu = "08:00-16:00"\nfri = "08:00-12:00"\nholidays = "HU"')
    assert office.holiday(date(2026, 8, 21)) is not None  # the Friday after the State Foundation Day
    worked = ["2026-08-08 09:00", "2026-08-08 13:00", "2026-08-15 09:00"]
    assert [is_open(office, moment) for moment in worked] == [True, False, False]


def test_f18_half_days_come_once_or_every_year(read: Reads) -> None:
    office = hours(
        read, 'mon-fri = "09:00-18:00"\n12-24 = "09:00-13:00"\n2027-12-24 = "closed"\nholidays = "PL"'
    )
    moments = ["2026-12-24 12:59", "2026-12-24 13:00", "2027-12-24 10:00", "2028-12-24 10:00"]
    assert [is_open(office, moment) for moment in moments] == [True, False, False, True]
    assert office.is_holiday(date(2026, 12, 24))  # also in its opening hours: those are asked first


def test_a_day_closed_by_a_line_of_its_own_is_a_holiday_too(read: Reads) -> None:
    office = hours(read, 'daily = "09:00-18:00"\n2026-11-30 = "closed"\n2026-12-01 = "09:00-10:00"')
    assert [office.is_holiday(date(2026, 11, 30)), office.is_holiday(date(2026, 12, 1))] == [True, False]


def test_s1_ukraine_has_the_holidays_of_its_labour_code_and_easter_by_the_julian_calendar(
    read: Reads,
) -> None:
    office = hours(read, 'mon-fri = "09:00-18:00"\nholidays = "UA"')
    assert office.is_holiday(date(2026, 1, 1))
    found = {day: name for day, name in office.public[0].names.items() if day.year == 2026}
    assert {f"{day:%m-%d}": name for day, name in sorted(found.items())} == {
        "01-01": "New Year's Day",
        "03-08": "International Women's Day",
        "03-09": "International Women's Day (day off instead)",
        "04-12": "Easter",
        "04-13": "Easter (day off instead)",
        "05-01": "Labour Day",
        "05-08": "Day of Remembrance and Victory over Nazism",
        "05-31": "Trinity",
        "06-01": "Trinity (day off instead)",
        "06-28": "Constitution Day",
        "06-29": "Constitution Day (day off instead)",
        "07-15": "Statehood Day",
        "08-24": "Independence Day",
        "10-01": "Defenders' Day",
        "12-25": "Christmas Day",
    }
    assert is_open(office, "2027-01-07 12:00")  # Christmas until 2023


def test_s1_the_ukrainian_days_are_those_that_the_package_knows_as_suspended() -> None:
    import holidays

    years = range(2024, 2036)
    suspended = holidays.country_holidays("UA", years=years, categories=("workday",))
    ours = ukrainian_holidays(years)
    assert {day for day, name in ours.items() if "instead" not in name} == set(suspended)


def test_two_holidays_at_one_weekend_are_followed_by_two_days_off() -> None:
    found = ukrainian_holidays([2032])  # Easter on Sunday 2 May, Labour Day on the Saturday before
    assert [f"{day:%a %d}" for day in sorted(found) if day.month == 5][:4] == [
        *("Sat 01", "Sun 02", "Mon 03", "Tue 04")
    ]


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ('mon = "9-18"', "mon", "'9' is no time of day, expected for example 09:00"),
        ('mon = "09:00"', "mon", "'09:00' is no span of time, expected for example \"09:00-18:00\""),
        ('mon = "18:00-18:00"', "mon", "'18:00-18:00' ends when it begins; for the whole day write \"24h\""),
        ('mon = "24:00-00:00"', "mon", "'24:00-00:00' ends when it begins"),
        ('mon = "25:00-26:00"', "mon", "'25:00' is no time of day"),
        ('mond = "09:00-18:00"', "mond", "'mond' is no day of the week"),
        ("mon = 9", "mon", 'expected times such as "09:00-18:00", "24h" or "closed"'),
        ('2026-02-30 = "09:00-18:00"', "2026-02-30", "'2026-02-30' is no day"),
        ('13-01 = "09:00-18:00"', "13-01", "'13-01' is no day"),
        (
            "holidays = 7",
            "holidays",
            'expected a country or a list of days, for example "PL" or ["PL", "12-24"]',
        ),
        ('holidays = "Polska"', "holidays.1", "'Polska' is no day"),
        ('holidays = ["PL", "XX"]', "holidays.2", "the holidays of 'XX' are not known"),
        ('holidays = ["DE-by"]', "holidays.1", "DE has no part 'by'; did you mean \"DE-BY\"?"),
        ('holidays = ["UA-30"]', "holidays.1", "UA has the same holidays everywhere"),
        ('holidays = ["!02-30"]', "holidays.1", "'02-30' is no day"),
        ('holidays = ["2026-12-26..2026-12-24"]', "holidays.1", "ends before it starts"),
        ('holidays = ["2026-12-24..01-02"]', "holidays.1", "give a year on both sides"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line(errors: Says, line: str, key: str, why: str) -> None:
    (error,) = errors(f"{MAIN}[voicemail.sales]\n[hours.office]\n{line}\n")
    assert error.startswith(f"5 hours.office.{key}: ")
    assert why in error


def test_hours_that_are_no_table(errors: Says) -> None:
    assert errors('[hours]\noffice = "always"\n') == ["2 hours.office: expected a table, found 'always'"]


def test_who_names_no_country_does_not_have_the_package_in_memory() -> None:
    program = "import sys, b2bua.config.load; print({'holidays', 'dateutil'} & set(sys.modules))"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.strip() == b"set()"


@pytest.mark.parametrize("country", ["PL", "UA", "CN"])
def test_s1_holidays_are_known_in_whatever_year_the_clock_shows_when_it_was_set(country: str) -> None:
    found = public_holidays(country)
    for year in (1970, 2016, 2026, 2027, 2060):
        assert date(year, 1, 1) in found.names
        assert date(year, 7, 7) not in found.names
    assert date(2026, 7, 7) not in found.workdays


WEEKEND = """
[scheme.main]
days = "mon-fri"
otherwise = "weekend"
[[scheme.main.step]]
ring = ["101", "mobile of anna"]
[[scheme.main.step]]
voicemail = "sales"
[[scheme.weekend.step]]
voicemail = "sales"
"""


def test_f27_a_scheme_works_on_the_days_of_the_week_that_it_names(read: Reads) -> None:
    scheme = read(PEOPLE + WEEKEND).plan().schemes["main"]
    assert scheme.works is not None
    monday = datetime(2026, 11, 30, 12, tzinfo=WARSAW)
    works = [scheme.works.is_open(monday + timedelta(days=day)) for day in range(7)]
    assert works == [True] * 5 + [False] * 2
    some = read(PEOPLE + WEEKEND.replace('"mon-fri"', '["mon", "wed-thu"]')).plan().schemes["main"]
    assert some.works is not None
    assert [some.works.is_open(monday + timedelta(days=day)) for day in range(4)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"mon-fri"', '"mond"', "scheme.main.days.1: 'mond' is no day of the week"),
        ('days = "mon-fri"', 'hours = "offise"', "scheme.main.hours: there is no hours table 'offise'"),
        ('days = "mon-fri"\n', "", "scheme.main: otherwise belongs to days, hours or when"),
        ("otherwise", 'hours = "office"\notherwise', "scheme.main: give either days or hours"),
        ('"weekend"', '"weekand"', "scheme.main.otherwise: there is no scheme 'weekand'; did you mean"),
        ('"weekend"', '"main"', "scheme.main: leads back into itself: scheme main -> scheme main"),
        ('otherwise = "weekend"\n', "", "scheme.main: dead end: outside of mon-fri, nothing follows"),
    ],
)
def test_f27_what_is_wrong_with_the_days_of_a_scheme(
    errors: Says, before: str, after: str, said: str
) -> None:
    (error,) = errors(PEOPLE + WEEKEND.replace(before, after))
    assert said in error


def test_f15_a_scheme_in_place_of_another_may_not_run_out_either(errors: Says) -> None:
    text = WEEKEND.replace('[[scheme.weekend.step]]\nvoicemail = "sales"', "[[scheme.weekend.step]]\n" + RING)
    (error,) = errors(PEOPLE + text)
    assert "scheme.weekend.step.1: dead end" in error


RING = 'ring = ["101"]\n'


CALENDAR = '[calendar.team]\nurl = "https://calendar.example/team.ics"\n[hours.office]\n'


def test_s1_hours_name_the_calendars_that_open_and_close_them(read: Reads, errors: Says) -> None:
    office = read(f'{CALENDAR}closed-by = "team"\nopen-by = ["team"]\n').plan().hours["office"]
    assert office.calendars == {"team"}
    assert errors(f'{CALENDAR}closed-by = ["team", "taem"]\n') == [
        "4 hours.office.closed-by.2: there is no calendar 'taem'; did you mean 'team'?"
    ]


def test_s1_whole_days_of_a_calendar_are_holidays_with_their_name(read: Reads) -> None:
    office = read(f'{CALENDAR}daily = "09:00-18:00"\nclosed-by = "team"\n').plan().hours["office"]
    trip = Event(
        datetime(2026, 11, 30, tzinfo=WARSAW), datetime(2026, 12, 1, tzinfo=WARSAW), "Trip", is_all_day=True
    )
    hour = Event(
        datetime(2026, 12, 2, 10, tzinfo=WARSAW), datetime(2026, 12, 2, 11, tzinfo=WARSAW), "Meeting"
    )
    office = office.with_calendars({"team": Calendar.of("team", [trip, hour])})
    assert office.holiday(date(2026, 11, 30)) == "Trip"
    assert [office.is_holiday(date(2026, 12, day)) for day in (1, 2)] == [False, False]
    assert [is_open(office, f"2026-12-02 {time}") for time in ("09:59", "10:00", "11:00")] == [
        *(True, False, True)
    ]


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("", "", "a calendar needs either url or file"),
        ('url = "https://a.example/x"\nfile = "x.ics"', "", "a calendar needs either url or file"),
        ('url = "calendar.example/x.ics"', "", "url: expected an address such as https://"),
        ('url = "https://"', "", "url: expected an address such as https://"),
        ('file = "x.ics"\nrefresh = "5s"', ".refresh", "expected at least 30 s, found '5s'"),
    ],
)
def test_what_is_wrong_with_a_calendar(errors: Says, line: str, key: str, why: str) -> None:
    (error,) = errors(f"[calendar.team]\n{line}\n")
    assert f"calendar.team{key}: " in error
    assert why in error


def test_a_calendar_at_webcal_is_asked_over_https(read: Reads) -> None:
    calendars = read(
        '[calendar.a]\nurl = "webcal://a.example/x.ics"\n[calendar.b]\nfile = "b.ics"\n'
    ).calendars
    assert calendars["a"].address == "https://a.example/x.ics"
    assert [calendars[name].every_s for name in "ab"] == [900.0, 60.0]
