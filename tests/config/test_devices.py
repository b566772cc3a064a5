"""Row F7: devices in the configuration: what can be wrong with them, and what explain and timeline say."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.errors import ConfigError
from b2bua.routing.explain import explain
from b2bua.routing.facts import Facts
from b2bua.routing.timeline import timeline

OFFICE = """
[office]
timezone = "Europe/Warsaw"
default-scheme = "main"

[trunk.provider]
accepts-from = ["198.51.100.0/28"]
host = "198.51.100.3"

[person.anna]
name = "Anna Nowak"
extension = "101"
password = "long-enough"

[person.anna.device.desk]

[person.anna.device.car]
login = "anna-car"
password = "for-the-car"

[person.piotr]
extension = "102"
password = "long-enough"

[voicemail.office]
emails = ["office@office.example"]

[number."+48221234567"]
scheme = "main"

[[scheme.main.step]]
ring = ["desk of anna"]
for = "20s"

[[scheme.main.step]]
ring = ["102"]
for = "20s"

[[scheme.main.step]]
voicemail = "office"
"""
AT = datetime(2026, 11, 23, 11, 0, tzinfo=ZoneInfo("Europe/Warsaw"))


def problems(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Return what is wrong with the office after the changes."""
    text = OFFICE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "office.toml"
    path.write_text(text)
    try:
        return [str(problem) for problem in lint(load_config(path)) if not problem.is_warning]
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


def test_row_f7_a_device_is_fine(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("desk of anna", "dek of anna", "anna has no device 'dek'; did you mean 'desk'?"),
        ("desk of anna", "desk of ana", "there is no person 'ana'; did you mean 'anna'?"),
        ("desk of anna", "desk of piotr", "piotr has no devices; add [person.piotr.device.desk]"),
        ("desk of anna", "101-desc", "there is no person '101-desc'; did you mean '101-desk'?"),
        ('login = "anna-car"', 'login = "102"', "102 is already the extension of piotr"),
        ('login = "anna-car"', 'login = "101-desk"', "101-desk is already the login of desk of anna"),
        (
            "device.desk]",
            "device.mobile]",
            'no device can be called mobile: "mobile of anna" is another number',
        ),
        (
            'login = "anna-car"',
            'login = "anna car"',
            "expected letters, digits, dots, dashes and underscores",
        ),
    ],
)
def test_row_f7_what_is_wrong_with_a_device_is_told_in_words(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    found = problems(tmp_path, (old, new))
    assert any(why in problem for problem in found), found


def test_row_f7_a_device_without_any_password_is_an_error(tmp_path: Path) -> None:
    change = ('extension = "101"\npassword = "long-enough"\n', 'extension = "101"\n')
    found = problems(tmp_path, change)
    assert any("device desk has no password" in problem for problem in found), found


def test_row_f7_a_device_is_no_agent_of_a_queue(tmp_path: Path) -> None:
    group = '[group.sales]\nmembers = ["desk of anna"]\n[queue.sales]\nagents = ["sales"]\n[office]'
    found = problems(tmp_path, ("[office]", group))
    assert any("only people can be named here" in problem for problem in found), found


def test_row_f7_f16_another_phone_of_the_same_person_is_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text(OFFICE.replace('ring = ["102"]', 'ring = ["car of anna"]'))
    assert any("no backup" in str(problem) for problem in lint(load_config(path)))
    path.write_text(OFFICE)
    assert not any("no backup" in str(problem) for problem in lint(load_config(path)))


def test_row_f7_explain_and_timeline_name_the_device(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text(OFFICE)
    plan = load_config(path).plan()
    told = "\n".join(explain(plan, Facts(AT), "+48221234567", ""))
    assert "rings the desk of Anna Nowak (101-desk) for 20 s" in told
    told = "\n".join(explain(plan, Facts(AT, offline=frozenset({"desk of anna"})), "+48221234567", ""))
    assert "would ring the desk of Anna Nowak (101-desk), but no phone is online" in told
    assert "the desk of Anna Nowak" in str(timeline(plan, "+48221234567", Facts(AT), AT + timedelta(days=1)))
