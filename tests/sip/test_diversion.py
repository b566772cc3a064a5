"""Whom a call was for before it came here: Diversion (RFC 5806) and History-Info (RFC 7044, RFC 7544)."""

from __future__ import annotations

import pytest

from b2bua.sip.diversion import Diversion, diversions_of
from b2bua.sip.message import Headers, Request


def read(*lines: tuple[str, str]) -> list[tuple[str, str]]:
    found = diversions_of(Request("INVITE", "sip:+48221230001@office.example", Headers(list(lines))))
    return [(each.user, each.reason) for each in found]


def test_rfc5806_5_the_latest_is_on_top_with_its_reason_on_one_line_or_on_many() -> None:
    one = '"Jan" <sip:+48600100200@a.example;user=phone>;reason=no-answer;counter=1;screen=no;privacy=off'
    two = '<tel:+48221112233>;reason="user-busy"'
    expected = [("+48600100200", "no-answer"), ("+48221112233", "user-busy")]
    assert read(("Diversion", one), ("Diversion", two)) == expected
    assert read(("Diversion", f"{one}, {two}")) == expected
    assert read(("Diversion", "<sip:jan@a.example>;reason=because")) == [("jan", "unknown")]


@pytest.mark.parametrize("privacy", ["full", "name", "uri", '"full"'])
def test_rfc5806_who_wants_privacy_is_counted_and_not_named(privacy: str) -> None:
    hidden = f"<sip:+48600100200@a.example>;reason=away;privacy={privacy}"
    assert read(("Diversion", hidden)) == [("", "away")]


def test_rfc7544_entries_of_history_info_that_say_why_are_diversions() -> None:
    history = (
        "<sip:+48221112233@a.example?Reason=SIP%3Bcause%3D486>;index=1, "
        "<sip:+48600100200@a.example;cause=486>;index=1.1;mp=1, "
        "<sip:+48221230001@b.example;cause=302>;index=1.1.1;mp=1.1"
    )
    expected = [("+48600100200", "unconditional"), ("+48221112233", "user-busy")]
    assert read(("History-Info", history)) == expected
    assert read(("History-Info", history), ("Privacy", "history")) == [("", reason) for _, reason in expected]
    private = history.replace("?Reason", "?Privacy=history&Reason")
    assert read(("History-Info", private))[1] == ("", "user-busy")
    plain = "<sip:+48221230001@a.example>;index=1, <sip:+48221230001@b.example>;index=1.1;rc=1"
    assert read(("History-Info", plain)) == []  # routed, and not sent on


def test_of_many_the_latest_and_the_first_are_kept_and_what_cannot_be_read_says_nothing() -> None:
    many = ", ".join(f"<sip:{number}@a.example>;reason=unconditional" for number in range(200, 230))
    assert [user for user, _ in read(("Diversion", many))] == ["200", "201", "202", "203", "229"]
    assert read(("Diversion", "<sip:1@a.example")) == []
    assert read(("History-Info", "nobody;;index")) == []
    assert diversions_of(Request("INVITE", "sip:a@b")) == ()
    assert Diversion("1").reason == "unknown"
