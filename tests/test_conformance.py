"""The conformance table is whole, true and made by the tests."""

from __future__ import annotations

import pytest

from tests import conformance
from tests.conformance import TABLE, Claim, NamedTest, claims_of, in_words, read_table, table_of


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("test_rfc3261_17_2_1_busy_is_repeated", [Claim("RFC 3261", "17.2.1")]),
        ("test_rfc3515_a_transferor_is_told", [Claim("RFC 3515", "")]),
        ("test_rfc3551_4_5_2_g722_is_g722", [Claim("RFC 3551", "4.5.2")]),
        (
            "test_row_d1_rfc3261_13_3_1_1_a_1xx_every_60_s",
            [Claim("RFC 3261", "13.3.1.1"), Claim("Behaviours", "D1")],
        ),
        ("test_row_v7_d12_kill_9", [Claim("Behaviours", "D12"), Claim("Behaviours", "V7")]),
        ("test_rfc3261_9_1_given_up_d2", [Claim("RFC 3261", "9.1"), Claim("Behaviours", "D2")]),
        ("test_d11_waits_grow", [Claim("Behaviours", "D11")]),
        ("test_row_r6_r8_rings_30_s", [Claim("Behaviours", "R6"), Claim("Behaviours", "R8")]),
        ("test_g711_sounds_the_same", []),
        ("test_two_of_i2c", []),
    ],
)
def test_what_a_test_shows_is_in_its_name(name: str, claims: list[Claim]) -> None:
    assert claims_of(name) == claims


def test_every_test_with_a_rule_in_its_name_is_in_the_table_and_passed() -> None:
    table = read_table(TABLE.read_text("utf-8"))
    assert set(conformance.tests_with_claims()) - set(table) == set(), "run `make conformance`"
    assert not [test for test, result in table.items() if not result.startswith("pass")]


def test_the_table_is_what_its_own_rows_make() -> None:
    text = TABLE.read_text("utf-8")
    assert table_of(read_table(text)) == text


def test_sections_are_in_the_order_of_the_document_and_behaviours_come_last() -> None:
    names = ("test_rfc3261_13_2_b", "test_row_f5_c", "test_rfc3261_9_1_a", "test_rfc768_d")
    table = table_of({NamedTest("test_x.py", name): "pass" for name in names})
    assert [line.split(" |")[0] for line in table.splitlines() if line.startswith(("## ", "| §", "| F"))] == [
        "## RFC 768",
        "## RFC 3261",
        "| §9.1",
        "| §13.2",
        "## Behaviours",
        "| F5",
    ]


def test_the_cases_of_a_test_are_one_result() -> None:
    assert in_words(["passed"]) == "pass"
    assert in_words(["passed", "passed", "skipped"]) == "pass (2)"
    assert in_words(["passed", "failed"]) == "FAIL"
    assert in_words(["skipped"]) == "skipped"
