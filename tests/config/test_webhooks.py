"""`[webhook.x]` and the steps that ask one."""

from __future__ import annotations

import pytest

from tests.config.offices import PEOPLE, Reads, Says

OFFICE = (
    PEOPLE
    + """
[[scheme.main.step]]
webhook = "region"
[[scheme.main.step]]
voicemail = "sales"
[webhook.region]
url = "https://office.example/go"
"""
)
VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n'


def test_row_r11_what_is_named_rings_45_s_and_the_server_has_1_5_s(read: Reads) -> None:
    spec = read(OFFICE).plan().webhooks["region"]
    assert (spec.budget_s, spec.for_seconds, spec.method, spec.caches) == (1.5, 45.0, "POST", False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('url = "ftp://office.example"', "'ftp://office.example' is no web address, expected for example"),
        ('url = "office.example/go"', "is no web address"),
        ('url = "https://office.example:99999"', "is no web address"),
        ('url = "https://office.example/ go"', "is no web address"),
        ('url = "https://a"\nmethod = "PUT"', "'PUT' is not one of 'GET' or 'POST'"),
        ('url = "https://a"\nbudget = "20s"', "expected at most 10 s, found 20 s"),
        ('url = "https://a"\nsecret = "env:NOT_SET"', "the environment variable NOT_SET is not set"),
        ('url = "https://a"\nbuget = 1', "unknown key; did you mean 'budget'?"),
        ("", "webhook.region.url: is missing: the address to ask"),
    ],
)
def test_mistakes_are_told_with_their_key(errors: Says, line: str, message: str) -> None:
    [said] = errors(OFFICE.replace('url = "https://office.example/go"', line))
    assert message in said
    assert "webhook.region" in said


def test_a_step_asks_a_webhook_that_there_is(errors: Says) -> None:
    [said] = errors(OFFICE.replace('webhook = "region"', 'webhook = "regoin"'))
    assert "scheme.main.step.1.webhook: there is no webhook 'regoin'; did you mean 'region'?" in said


def test_row_r12_a_webhook_without_a_next_step_is_a_dead_end(errors: Says) -> None:
    [said] = errors(OFFICE.replace(VOICEMAIL, ""))
    assert "scheme.main.step.1: dead end: when this step ends with" in said
    assert "error" in said


def test_row_r10_a_scheme_that_only_a_webhook_can_name_may_run_out_of_steps(read: Reads) -> None:
    city = '[[scheme.warsaw.step]]\nring = ["101"]\n'
    assert "warsaw" in read(OFFICE + city).plan().schemes


def test_an_office_without_mistakes_is_left_alone(warnings: Says) -> None:
    assert not [said for said in warnings(OFFICE) if said.startswith("webhook")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('for = "20s"', "webhook.region.for: 20 s is unusual, 30 to 60 s are recommended"),
        ('budget = "4s"', "webhook.region.budget: callers hear ringing for 4 s in which nobody is rung"),
        ("[webhook.other]\nurl = 'https://a'", "webhook.other: no step asks it"),
        ("[webhook.other]\nurl = 'http://office.example'", "webhook.other.url: is not encrypted"),
    ],
)
def test_what_is_unwise_is_told(warnings: Says, line: str, message: str) -> None:
    said = warnings(OFFICE + line + "\n")
    assert any(each.startswith(message) for each in said), said


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "192.168.1.5", "crm", "crm.local", "[::1]"])
def test_a_server_nearby_may_be_asked_without_encryption(warnings: Says, host: str) -> None:
    said = warnings(OFFICE.replace("https://office.example", f"http://{host}"))
    assert not [each for each in said if each.startswith("webhook")]
