"""Records are filled as their templates say."""

from __future__ import annotations

from b2bua.crm.template import fill

VALUES = {"caller": "+48500600700", "source": "", "contact": "17"}


def test_names_are_replaced_at_any_depth_and_other_values_stay() -> None:
    template = {"title": "Call from {caller}", "links": [{"id": "{contact}"}], "stage": 3, "is_new": True}
    assert fill(template, VALUES) == {
        "title": "Call from +48500600700",
        "links": [{"id": "17"}],
        "stage": 3,
        "is_new": True,
    }


def test_a_field_of_something_that_is_not_known_is_left_out() -> None:
    template = {"source": "{source}", "note": "from {source}", "tags": ["{source}", "phone"]}
    assert fill(template, VALUES) == {"note": "from ", "tags": ["phone"]}


def test_braces_of_a_caller_are_only_text() -> None:
    assert fill("{caller}", {"caller": "{contact}", "contact": "17"}) == "{contact}"
