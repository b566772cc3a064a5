"""``b2bua timeline``: for people, and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from b2bua.cli.app import app

OFFICE = """
[office]
timezone = "Europe/Warsaw"
data = "{folder}/data"
[person.anna]
extension = "101"
password = "correct horse"
[voicemail.sales]
[hours.office]
mon-fri = "09:00-18:00"
holidays = "PL"
[number."+48221230001"]
schedule = "office"
in-hours = "day"
off-hours = "night"
source = "website"
[number."+48221230002"]
schedule = "office"
in-hours = "day"
off-hours = "night"
[number."+48221230003"]
scheme = "day"
[[scheme.day.step]]
ring = ["anna"]
[[scheme.day.step]]
voicemail = "sales"
[[scheme.night.step]]
voicemail = "sales"
"""
CHRISTMAS = ("--from", "2026-12-23 08:00", "--days", "3")


def says(folder: Path, *arguments: str, text: str = OFFICE) -> str:
    path = folder / "office.toml"
    path.write_text(text.format(folder=folder))
    result = CliRunner().invoke(app, ["timeline", str(path), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_each_number_has_its_ranges_and_gaps_are_marked(tmp_path: Path) -> None:
    lines = [" ".join(line.split()) for line in says(tmp_path, *CHRISTMAS).splitlines()]
    assert lines == [
        "+48221230001 (website), +48221230002",
        "from until scheme who takes a call",
        "wed 2026-12-23 08:00 09:00 night nobody: voicemail sales",
        "wed 2026-12-23 09:00 18:00 day Anna → voicemail sales",
        "wed 2026-12-23 18:00 sat 00:00 night nobody: voicemail sales",
        "nobody can answer for 55 h of 64 h",
        "",
        "+48221230003",
        "from until scheme who takes a call",
        "wed 2026-12-23 08:00 sat 00:00 day Anna → voicemail sales",
        "somebody can answer at any time",
        "",
    ]


def test_no_line_is_wider_than_a_terminal_or_ends_in_spaces(tmp_path: Path) -> None:
    names = "".join(f'[person.p{n}]\nname = "Somebody With A Long Name {n}"\n' for n in range(6))
    ring = ", ".join(f'"p{n}"' for n in range(6))
    text = OFFICE.replace('ring = ["anna"]', f"ring = [{ring}]") + names
    for line in says(tmp_path, "--from", "2026-12-23 08:00", "--days", "30", text=text).splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


def test_one_number_as_json(tmp_path: Path) -> None:
    (line,) = json.loads(says(tmp_path, *CHRISTMAS, "--json", "--to", "+48221230001"))
    assert line["numbers"] == ["+48221230001"]
    assert line["stretches"][1] == {
        "from": "2026-12-23T09:00:00+01:00",
        "until": "2026-12-23T18:00:00+01:00",
        "scheme": "day",
        "gap": False,
        "steps": [{"what": "ring", "people": ["Anna"]}, {"what": "voicemail sales", "people": []}],
    }
    assert [each["gap"] for each in line["stretches"]] == [True, False, True]


def test_fourteen_days_from_now_without_any_number(tmp_path: Path) -> None:
    text = OFFICE.replace("[number", "[scheme.day]\n#[number").split("#[number")[0]
    office = text + '[[scheme.day.step]]\nvoicemail = "sales"\n'
    assert says(tmp_path, text=office) == "No number is configured.\n"


def test_a_moment_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text(OFFICE.format(folder=tmp_path))
    result = CliRunner().invoke(app, ["timeline", str(path), "--from", "yesterday"])
    assert result.exit_code == 2
    assert "is no moment" in result.output
