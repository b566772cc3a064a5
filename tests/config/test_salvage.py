"""What is wrong in a file is told in one go: values, names that refer to nothing, missing prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from b2bua.cli.app import app
from tests.config.offices import PEOPLE

WRONG = (
    PEOPLE
    + """
[queue.help]
agents = ["anna"]
max-wait = "soon"
[menu.main]
greeting = "welcom"
no-input = { queue = "help" }
invalid = { voicemail = "sales" }
options = { 1 = { queue = "hlep" } }
[hours.shop]
mon-fri = "18:00-18:00"
[[scheme.main.step]]
ring = ["ana"]
colour = "red"
[[scheme.main.step]]
menu = "main"
[[scheme.main.step]]
ring = ["anna"]
queue = "help"
[[scheme.night.step]]
voicemail = "salse"
[[scheme.night.step]]
say = "goodbyee"
"""
)


def told(folder: Path, text: str) -> list[str]:
    path = folder / "office.toml"
    path.write_text(text)
    done = CliRunner().invoke(app, ["check", str(path)])
    assert done.exit_code == 2
    return [line.removeprefix(f"{path}:") for line in done.output.splitlines()]


def test_wrong_values_wrong_names_and_missing_prompts_are_told_together(tmp_path: Path) -> None:
    lines = told(tmp_path, WRONG)
    keys = [line.split(": ")[2] for line in lines]
    assert keys == [
        "queue.help.max-wait",
        "menu.main.greeting",
        "menu.main.options.1.queue",
        "hours.shop.mon-fri",
        "scheme.main.step.1.colour",
        "scheme.main.step.3",
        "scheme.night.step.1.voicemail",
        "scheme.night.step.2.say",
    ], lines
    assert "there is no queue 'hlep'; did you mean 'help'?" in lines[2]


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ('[queue.help]\nagents = ["anna"]\ncolour = 1\n[extension."205"]\nqueue = "help"\n', "colour"),
        ('[queue.help]\nagents = []\n[extension."205"]\nqueue = "help"\n', "agents"),
        ('[extension."205"]\nqueue = "help"\nring = ["anna"]\n[menu.m]\n', "extension.205"),
        ('[person.eva]\nextension = "1"\n[group.all]\nmembers = ["eva"]\n', "extension"),
        ('[person.eva]\nname = 5\nextension = "106"\n[group.all]\nmembers = ["106", "eva"]\n', "name"),
        ('[office]\nlanguage = "xx"\n', "office"),
        ('[recording]\nall = "maybe"\nnumbers = 5\n', "recording"),
        ("[rates]\nx = 5\n", "rates.x"),
    ],
)
def test_what_names_something_that_is_wrong_itself_is_not_blamed(tmp_path: Path, part: str, key: str) -> None:
    table = "[office]\n"
    text = PEOPLE.replace(table, part) if part.startswith(table) else PEOPLE + part
    lines = told(tmp_path, text + '[[scheme.main.step]]\nvoicemail = "sales"\n')
    assert lines
    assert all(key in line for line in lines if "menu.m" not in line), lines
