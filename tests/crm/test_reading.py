"""What stands where in an answer."""

from __future__ import annotations

from typing import Any

import pytest

from b2bua.crm.reading import at, list_at, read_json, text_at
from b2bua.http.client import Answer
from b2bua.http.failures import Fault, NoAnswerError

FOUND = {"items": [{"owner": {"email": " anna@office.example ", "id": 7, "is_here": True}}, {"1": "one"}]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("items.0.owner.email", "anna@office.example"),
        ("items.0.owner.id", "7"),
        ("items.1.1", "one"),
        ("items.0.owner", ""),
        ("items.0.owner.is_here", ""),
        ("items.2.owner", ""),
        ("items.-1", ""),
        ("items.first", ""),
        ("items.0.owner.email.0", ""),
        ("nothing", ""),
        ("", ""),
    ],
)
def test_a_dotted_path_leads_to_a_text_or_a_number_or_to_nothing(path: str, expected: str) -> None:
    assert text_at(path, FOUND) == expected


@pytest.mark.parametrize("found", [None, [], {}, "text", 7])
def test_a_path_into_nothing_is_nothing(found: Any) -> None:
    assert at("a.0", found) is None


def test_an_empty_answer_is_nothing_and_a_broken_one_is_told() -> None:
    assert read_json(Answer(204, "", b"")) is None
    with pytest.raises(NoAnswerError) as caught:
        read_json(Answer(200, "text/html", b"<html>"))
    assert (caught.value.why, caught.value.fault) == ("sent what is no JSON", Fault.BAD)


@pytest.mark.parametrize("found", [None, 5, "text", {"data": 5}, {"data": {"a": 1}}, {"data": "text"}])
def test_a_list_is_only_what_is_one(found: Any) -> None:
    assert list(list_at("data", found)) == []
