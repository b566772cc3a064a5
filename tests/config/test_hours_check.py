"""Row S1: two lines of one table of hours that contradict each other are told, with both places."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.config.offices import PEOPLE, Reads, Says

OFFICE = (
    PEOPLE
    + """[number."+48221234567"]
schedule = "shop"
in-hours = "main"
off-hours = "main"
[[scheme.main.step]]
voicemail = "sales"
"""
)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            'fri = "09:00-16:00"\nmon-fri = "09:00-18:00"',
            "hours.shop.mon-fri: says 09:00-18:00 for fri, but fri in line {first} says 09:00-16:00: "
            "this line counts, being below; write exceptions last, or leave fri out of one",
        ),
        ('mon-wed = "09:00-18:00"\nwed-fri = "closed"', "says closed for wed, but mon-wed in line {first}"),
        ('mon = "08:00-12:00"\nmon-mon = "08:00-13:00"', "hours.shop.mon-mon: says 08:00-13:00 for mon"),
        ('12-24 = "closed"\n"12-20..12-26" = "24h"', "says 00:00-24:00 for 12-24, but 12-24 in line {first}"),
        (
            '"2026-12-20..2026-12-26" = "closed"\n"2026-12-24..2026-12-31" = "24h"',
            "says 00:00-24:00 for 2026-12-24",
        ),
        ('"12-30..01-02" = "closed"\n"01-01..01-06" = "24h"', "says 00:00-24:00 for 01-01"),
        ('mon-fri = "09:00-18:00"\nfri = "09:00-16:00"', ""),
        ('"12-20..12-26" = "24h"\n12-24 = "closed"', ""),
        ('mon-fri = "09:00-18:00"\nwed-sat = "09:00-18:00"', ""),
        ('12-24 = "closed"\n2026-12-24 = "09:00-12:00"\nthu = "09:00-18:00"', ""),
    ],
)
def test_row_s1_hours_that_contradict_each_other_are_warned_of(lines: str, told: str, warnings: Says) -> None:
    text = OFFICE + f"[hours.shop]\n{lines}\n"
    first = text.splitlines().index("[hours.shop]") + 2
    found = [line for line in warnings(text) if "hours.shop." in line]
    assert len(found) == bool(told), found
    assert all(told.format(first=first) in line for line in found), found


def test_row_s1_of_two_dates_the_lower_line_counts_as_of_two_days(read: Reads) -> None:
    text = OFFICE + '[hours.shop]\n"12-20..12-26" = "24h"\n12-24 = "closed"\n'
    hours = read(text).plan().hours["shop"]
    assert hours.is_open(datetime(2026, 12, 23, 12, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 12, 24, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('mon-fri = "09:00-13:00, 12:00-18:00"', "mon-fri: 09:00-13:00 and 12:00-18:00 overlap"),
        ('daily = "22:00-06:00, 23:00-24:00"', "daily: 22:00-06:00 and 23:00-24:00 overlap"),
        ('mon-fri = "09:00-13:00, 13:00-18:00"', ""),
        ('mon-fri = "14:00-18:00, 09:00-13:00"', ""),
        ('mon-fri = "closed"', ": is never open; say when it is"),
        ('holidays = ["12-24"]', ": is never open; say when it is"),
        ('2099-12-24 = "09:00-12:00"', ""),
    ],
)
def test_row_s1_times_that_nobody_can_have_meant_are_warned_of(lines: str, told: str, warnings: Says) -> None:
    found = [line for line in warnings(OFFICE + f"[hours.shop]\n{lines}\n") if line.startswith("hours.shop")]
    assert len(found) == bool(told), found
    assert all(told in line for line in found), found
