"""For how long servers that are asked over HTTP want to be left alone."""

from __future__ import annotations

import pytest

from b2bua.http.failures import Fault, of_status

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "Mon, 23 Nov 2026 12:02:00 GMT", "date": NOON}, 120),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT", "date": NOON}, 0),
        ({"retry-after": "Mon, 23 Nov 2026 12:02:00 GMT"}, 0),
        ({"retry-after": "Mon, 23 Nov 2026 12:02:00 -0000", "date": NOON}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "٣"}, 0),
        ({}, 0),
    ],
)
def test_rfc9110_10_2_3_retry_after_is_seconds_or_a_moment_of_the_servers_clock(
    headers: dict[str, str], seconds: float
) -> None:
    assert of_status(503, headers).again_after_s == seconds


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_work_later_is_no_refusal(status: int) -> None:
    assert of_status(status, {}).fault is Fault.DOWN
