"""The conformance table: which test shows which section of which RFC, and whether it passed.

A pytest plugin. ``pytest --conformance`` writes the results of the tests that run into ``CONFORMANCE.md``.
What a test shows is read from its name (``test_rfc3261_17_2_1_…``, ``test_row_d2_…``), so no row is made by
hand. Rows of tests that did not run stay as they are; rows of tests that are gone leave.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = TESTS / "CONFORMANCE.md"
RULE = re.compile(r"rfc(\d{3,5})((?:_\d+(?=_|$))*)")
BEHAVIOUR = re.compile(
    r"(?:^test_(?:row_)?|_row_|(?<=\d)_)([fqivoscdr]\d{1,2})(?=_|$)|_([fqivoscdr]\d{1,2})$"
)
ROW = re.compile(r"^\| .* \| `(test_\w+)` \| \[.*\]\((.+)\) \| (.+) \|$", re.MULTILINE)
INTRODUCTION = """# Conformance

Which test shows which rule, and what came of it when the tests last ran for this table. Made by
`make conformance` out of the names of the tests and their results, never by hand; `test_conformance.py` sees
that no test is missing. A test that stands for several rules has several rows. A number behind *pass* is how
many cases a test has.
"""


@dataclass(frozen=True, slots=True, order=True)
class NamedTest:
    """One test, whatever cases it has."""

    path: str
    """File, from ``tests/``."""
    name: str
    """``test_…``"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One rule that a test stands for."""

    document: str
    """``RFC 3261``, or ``Behaviours``."""
    section: str
    """``17.2.1``; empty: the document as a whole. For a behaviour its letter and number."""


def claims_of(name: str) -> list[Claim]:
    """Return what the name of a test says that it shows."""
    rules = [
        Claim(f"RFC {number}", section.strip("_").replace("_", ".")) for number, section in RULE.findall(name)
    ]
    behaviours = {(one or other).upper() for one, other in BEHAVIOUR.findall(RULE.sub("rfc", name))}
    return [*rules, *(Claim("Behaviours", each) for each in sorted(behaviours))]


def tests_with_claims() -> Iterator[NamedTest]:
    """Return every test function that claims something, read from the sources without running them."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                test = NamedTest(path.relative_to(TESTS).as_posix(), node.name)
                if claims_of(test.name):
                    yield test


def read_table(text: str) -> dict[NamedTest, str]:
    """Return the result of each test as the table has it."""
    return {NamedTest(path, name): result for name, path, result in ROW.findall(text)}


def table_of(results: Mapping[NamedTest, str]) -> str:
    """Return the table: RFCs by number, in each the sections in order, the office's behaviours last."""
    sections: dict[str, list[tuple[str, NamedTest]]] = defaultdict(list)
    for test in results:
        for claim in claims_of(test.name):
            sections[claim.document].append((claim.section, test))
    parts = [INTRODUCTION]
    for document in sorted(sections, key=_in_order):
        parts.append(
            f"\n## {document}\n\n| {_heading(document)} | test | file | result |\n|---|---|---|---|\n"
        )
        rows = sorted(sections[document], key=lambda row: (_in_order(row[0]), row[1]))
        parts.extend(_row(section, test, results[test]) for section, test in rows)
    return "".join(parts)


def _heading(document: str) -> str:
    return "section" if document.startswith("RFC") else "behaviour"


def _row(section: str, test: NamedTest, result: str) -> str:
    shown = f"§{section}" if section[:1].isdigit() else section or "whole"
    return f"| {shown} | `{test.name}` | [{test.path}]({test.path}) | {result} |\n"


def _in_order(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts 9 before 13, and RFCs before behaviours."""
    parts = re.findall(r"\d+|[A-Za-z]+", text.replace("RFC", ""))
    return tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)


class Results:
    """Collects what comes of the tests that run and merges it into the table."""

    def __init__(self) -> None:
        self._outcomes: dict[NamedTest, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one result, of a second try where there was one; skipped is skipped in whichever phase."""
        if report.outcome in ("failed", "skipped") or (report.when == "call" and report.passed):
            path, _, name = report.nodeid.partition("::")
            test = NamedTest(path.removeprefix("tests/"), name.split("::")[-1].partition("[")[0])
            if claims_of(test.name):
                self._outcomes[test].append(report.outcome)

    def pytest_sessionfinish(self) -> None:
        """Write the table."""
        known = read_table(TABLE.read_text("utf-8")) if TABLE.exists() else {}
        known |= {test: in_words(outcomes) for test, outcomes in self._outcomes.items()}
        existing = set(tests_with_claims())
        TABLE.write_text(table_of({test: known[test] for test in known if test in existing}), "utf-8")


def in_words(outcomes: Iterable[str]) -> str:
    """Return ``pass``, ``pass (12)``, ``skipped`` or ``FAIL`` for all cases of a test together."""
    each = list(outcomes)
    if "failed" in each:
        return "FAIL"
    passed = each.count("passed")
    if not passed:
        return "skipped"
    return "pass" if len(each) == 1 else f"pass ({passed})"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--conformance``."""
    parser.addoption("--conformance", action="store_true", help="write results into tests/CONFORMANCE.md")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the results when asked to."""
    if config.getoption("--conformance"):
        config.pluginmanager.register(Results(), "conformance-results")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run only the tests that have a row, when the table is made."""
    if config.getoption("--conformance"):
        chosen = [item for item in items if claims_of(item.name.partition("[")[0])]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
