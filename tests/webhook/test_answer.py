"""Row R10: what a handler may answer, as text or JSON, and what is no answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from b2bua.http.client import LARGEST_ANSWER, Answer
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.routing.destination import (
    Destination,
    External,
    Goto,
    Person,
    Queue,
    Ring,
    SipAddress,
)
from b2bua.routing.plan import NumberSpec, PersonSpec, Plan, Scheme
from b2bua.webhook.answer import destination_of, in_words

PLAN = Plan(
    people={"anna": PersonSpec("anna", "Anna Nowak", "101"), "sales": PersonSpec("sales", "Sales")},
    schemes={name: Scheme(name, ()) for name in ("warsaw", "sales")},
    extensions={"101": Ring((Person("anna"),)), "205": Queue("support")},
)


def text(said: str, content_type: str = "text/plain") -> Answer:
    return Answer(200, content_type, said.encode())


def read(answer: Answer) -> Destination:
    return destination_of(answer, PLAN, for_seconds=45.0)


def rings(target: Any) -> Ring:
    return Ring((target,), for_seconds=45.0)


ANNA, MOBILE = rings(Person("anna")), rings(External("+48600100200"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("+48600100200", MOBILE),
        ("  600 100 200\r\n", MOBILE),
        ("\ufeff+48600100200", MOBILE),
        ("tel:+48600100200,55", rings(External("+48600100200", ",55"))),
        ("number:+48600100200", MOBILE),
        ("101", ANNA),
        ("sip:101", ANNA),
        ("anna", ANNA),
        ("person: anna", ANNA),
        ("205", Queue("support")),
        ("sip:1001@pbx.example", rings(SipAddress("sip:1001@pbx.example"))),
        ("warsaw", Goto("warsaw")),
        ("scheme:sales", Goto("sales")),
        ("person:sales", rings(Person("sales"))),
    ],
)
def test_row_r10_plain_text_names_a_number_a_login_a_person_or_a_scheme(
    said: str, expected: Destination
) -> None:
    assert read(text(said)) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"number": "+48600100200"}, MOBILE),
        ({"number": 48600100200}, MOBILE),
        ({"sip": "101", "scheme": None, "note": "his region"}, ANNA),
        ({"sip": "sip:1001@pbx.example"}, rings(SipAddress("sip:1001@pbx.example"))),
        ({"person": "anna"}, ANNA),
        ({"person": "Anna"}, ANNA),
        ({"person": 101}, ANNA),
        ({"person": "Anna Nowak"}, ANNA),
        ({"scheme": "warsaw"}, Goto("warsaw")),
        ("anna", ANNA),
        ("person:anna", ANNA),
        (101, ANNA),
    ],
)
def test_row_r10_json_names_them_too(said: Any, expected: Destination) -> None:
    assert read(text(json.dumps(said), "application/json")) == expected
    if not isinstance(said, int):
        assert read(text(json.dumps(said))) == expected, "by what it looks like"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (text(""), "named nobody"),
        (text("null", "application/json"), "named nobody"),
        (text("{}"), "named nobody"),
        (text('{"number": null}'), "named nobody"),
        (
            text('{"login": "101", "for": 30}'),
            "sent for, login in JSON, without any of number, sip, person, scheme",
        ),
        (text("[1]"), "sent JSON without any of number, sip, person, scheme"),
        (text('{"number": {}}'), "sent a number that is no text"),
        (text('{"number": true}', "application/json"), "named 'True', which is no telephone number"),
        (text("true", "application/json"), "sent JSON without any of number, sip, person, scheme"),
        (text('{"number": "+48600100200"'), "sent JSON that cannot be read"),
        (text("[" * 20000), "sent JSON that cannot be read"),
        (text("<html>500 Oops</html>"), "which is no number, extension, person or scheme"),
        (text("piotr"), "named 'piotr', which is no number, extension, person or scheme"),
        (text("scheme:krakow"), "named 'krakow', which is no scheme of this office"),
        (text('{"person": "warsaw"}'), "named 'warsaw', which is no person of this office"),
        (text('{"number": "112"}'), "named '112', which is no telephone number"),
        (text('{"sip": "999"}'), "named '999', which is no extension and no SIP address"),
        (text('{"sip": "sip:a b@c"}'), "no extension and no SIP address"),
        (text('{"number": "+48600100200", "person": "anna"}'), "named number and person; expected one"),
        (text("sales"), "means more than one thing here; expected person:sales or scheme:sales"),
        (text("x" * 201), "sent what is no name"),
        (text("anna\r\nVia: x"), "sent what is no name"),
        (Answer(200, "text/plain", b"\xff\xfe\x00"), "sent what is neither text nor JSON"),
    ],
)
def test_row_r10_what_is_malformed_or_names_what_is_not_there_is_a_bad_answer(
    answer: Answer, why: str
) -> None:
    with pytest.raises(NoAnswerError) as caught:
        read(answer)
    assert why in caught.value.why
    assert caught.value.fault is Fault.BAD


def test_who_was_named_is_told_as_people_of_the_office_say_it() -> None:
    told = [in_words(PLAN, each) for each in (ANNA, MOBILE, Goto("warsaw"), Queue("support"))]
    assert told == ["Anna Nowak", "+48600100200", "the scheme warsaw", "the queue support"]
    assert LARGEST_ANSWER == 65536


@pytest.mark.parametrize("said", ["+48221234567", '{"number": "22 123 45 67"}', "tel:+48221234567,55"])
def test_row_r10_a_number_of_the_office_itself_sends_nobody_round(said: str) -> None:
    plan = replace(PLAN, numbers={"+48221234567": NumberSpec("+48221234567", "warsaw")})
    with pytest.raises(NoAnswerError) as caught:
        destination_of(text(said), plan, for_seconds=45.0)
    assert (
        caught.value.why
        == "named +48221234567, a number of this office; expected the scheme that it leads to"
    )
    assert destination_of(text("+48221234568"), plan, for_seconds=45.0) == rings(External("+48221234568"))
