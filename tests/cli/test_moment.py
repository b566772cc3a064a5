"""Row S1: moments as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from b2bua.cli.moment import parse_moment

NOW = datetime(2026, 11, 27, 16, 40, tzinfo=UTC)
"""A Friday."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("9:05", datetime(2026, 11, 27, 9, 5, tzinfo=UTC)),
        ("today 21:00", datetime(2026, 11, 27, 21, 0, tzinfo=UTC)),
        ("tomorrow 9:00", datetime(2026, 11, 28, 9, 0, tzinfo=UTC)),
        ("monday 9:00", datetime(2026, 11, 30, 9, 0, tzinfo=UTC)),
        ("fri 21:00", datetime(2026, 11, 27, 21, 0, tzinfo=UTC)),
        ("2028-02-29 12:00", datetime(2028, 2, 29, 12, 0, tzinfo=UTC)),
    ],
)
def test_row_s1_a_moment_is_read_as_people_say_it(text: str, expected: datetime) -> None:
    assert parse_moment(text, now=NOW) == expected


def test_row_s1_a_day_that_is_none_is_told_as_it_was_written() -> None:
    with pytest.raises(ValueError, match=r"'yesterday' is no day; use mon, tue, .*, today or tomorrow"):
        parse_moment("yesterday 9:00", now=NOW)
