"""Caller id toward providers, row D4: three policies, and what each INVITE then says."""

from __future__ import annotations

from dataclasses import replace

from b2bua.sip.diversion import Diversion
from b2bua.trunk.callerid import Caller, CallerIdentity, CallerIdPolicy, identify_caller

FORWARDED = Caller(number="+48600100200", display="Jan", dialled="+48221230001")


def identity(caller: Caller, policy: CallerIdPolicy) -> CallerIdentity:
    return identify_caller(
        caller, own_number="+48221230001", domain="provider.example", target="+48600999888", policy=policy
    )


def test_d4_own_shows_our_number_and_nothing_of_the_caller() -> None:
    shown = identity(FORWARDED, CallerIdPolicy.OWN)
    assert str(shown.from_) == "<sip:+48221230001@provider.example>"
    assert shown.headers == (("P-Asserted-Identity", "<sip:+48221230001@provider.example>"),)


def test_d4_caller_shows_the_caller_and_says_by_whom_and_whence_it_was_forwarded() -> None:
    shown = identity(FORWARDED, CallerIdPolicy.CALLER)
    assert str(shown.from_) == '"Jan" <sip:+48600100200@provider.example>'
    assert shown.headers == (
        ("P-Asserted-Identity", "<sip:+48221230001@provider.example>"),
        ("Diversion", "<sip:+48221230001@provider.example>;reason=unconditional;privacy=off;screen=no"),
        (
            "History-Info",
            "<sip:+48221230001@provider.example>;index=1, <sip:+48600999888@provider.example>;index=1.1;mp=1",
        ),
    )


def test_d4_asserted_lets_the_provider_choose() -> None:
    shown = identity(FORWARDED, CallerIdPolicy.ASSERTED)
    assert str(shown.from_) == "<sip:+48221230001@provider.example>"
    assert shown.headers == (("P-Asserted-Identity", '"Jan" <sip:+48600100200@provider.example>'),)


def test_rfc3323_a_caller_who_stays_unknown_does_so_and_we_vouch_for_the_call() -> None:
    hidden = Caller(number="+48600100200", display="Jan", dialled="+48221230001", is_private=True)
    shown = identity(hidden, CallerIdPolicy.CALLER)
    assert str(shown.from_) == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert ("Privacy", "id") in shown.headers
    assert "600100200" not in str(shown)


def test_rfc3325_9_3_an_asserted_number_that_is_private_is_marked_so() -> None:
    hidden = Caller(number="+48600100200", dialled="+48221230001", is_private=True)
    assert ("Privacy", "id") in identity(hidden, CallerIdPolicy.ASSERTED).headers
    unknown = Caller(dialled="+48221230001", is_private=True)
    assert identity(unknown, CallerIdPolicy.ASSERTED).headers == (("Privacy", "id"),)


def test_an_extension_means_nothing_outside_so_our_number_is_shown() -> None:
    for policy in CallerIdPolicy:
        shown = identity(Caller(number="101", display="Anna"), policy)
        assert str(shown.from_) == "<sip:+48221230001@provider.example>"


def test_a_call_that_was_not_forwarded_says_nothing_of_forwarding() -> None:
    shown = identity(Caller(number="+48600100200"), CallerIdPolicy.CALLER)
    assert [name for name, _ in shown.headers] == ["P-Asserted-Identity"]


def test_rfc5806_rfc7044_who_had_sent_the_call_to_us_is_told_after_us_without_their_network() -> None:
    before = (Diversion("+48600100201", "no-answer"), Diversion("", "away"), Diversion("+48221112233"))
    shown = identity(replace(FORWARDED, diversions=before), CallerIdPolicy.CALLER)
    assert [value for name, value in shown.headers if name == "Diversion"] == [
        "<sip:+48221230001@provider.example>;reason=unconditional;privacy=off;screen=no",
        "<sip:+48600100201@provider.example>;reason=no-answer;privacy=off;screen=no",
        "<sip:anonymous@anonymous.invalid>;reason=away;privacy=full;screen=no",
        "<sip:+48221112233@provider.example>;reason=unknown;privacy=off;screen=no",
    ]
    (history,) = [value for name, value in shown.headers if name == "History-Info"]
    assert history.split(", ") == [
        "<sip:+48221112233@provider.example>;index=1",
        "<sip:anonymous@anonymous.invalid?Privacy=history>;index=1.1;mp=1",
        "<sip:+48600100201@provider.example>;index=1.1.1;mp=1.1",
        "<sip:+48221230001@provider.example;cause=408>;index=1.1.1.1;mp=1.1.1",
        "<sip:+48600999888@provider.example>;index=1.1.1.1.1;mp=1.1.1.1",
    ]
    for policy in (CallerIdPolicy.OWN, CallerIdPolicy.ASSERTED):
        assert "600100201" not in str(identity(replace(FORWARDED, diversions=before), policy))
