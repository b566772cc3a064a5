"""Row F28: `b2bua new` writes an office out of a recipe, by flags or by questions."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from b2bua.cli import new as new_command
from b2bua.cli.app import app
from b2bua.config.load import load_config
from b2bua.recipes.recipe import recipes
from b2bua.routing.destination import Confirm

OFFICE = (
    *("--number", "+48 22 123 45 67", "--backup", "600 999 888", "--email", "office@office.example"),
    *(
        "--person",
        "Łukasz Żak, 600 100 200, l@office.example",
        "--person",
        "Anna Nowak",
        "--person",
        "Anna Bąk",
    ),
    *("--provider", "127.0.0.1:5090", "--address", "127.0.0.1"),
)
BLANKS = {
    "webhook": ("--url", "https://handler.example/where"),
    "crm": ("--url", "https://me.pipedrive.com", "--token", "t0ken"),
    "other-pbx": (
        "--pbx",
        "192.0.2.9",
        "--pbx-user",
        "me",
        "--pbx-password",
        "secret",
        "--pbx-number",
        "300",
    ),
}


def run(*arguments: str, stdin: str = "", exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, ["new", *arguments], input=stdin, env={"COLUMNS": "300"})
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output


def test_f28_without_a_name_all_recipes_are_listed() -> None:
    listed = run().splitlines()
    assert [line.split()[0] for line in listed[:9]] == [each.name for each in recipes()]
    assert listed[-1] == "b2bua new RECIPE asks what it needs to know and writes office.toml"


@pytest.mark.parametrize("name", [each.name for each in recipes()])
def test_f28_every_recipe_is_written_by_flags_alone_and_passes_check(tmp_path: Path, name: str) -> None:
    path = tmp_path / "office.toml"
    said = run(name, str(path), *OFFICE, *BLANKS.get(name, ()))
    assert f"{path}: no errors, no warnings" in said
    assert said.splitlines()[-1] == f"Now: b2bua run {path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = load_config(path)
    people = {key: (each.title, each.extension, each.mobile) for key, each in config.people.items()}
    assert people == {
        "lukasz": ("Łukasz Żak", "201", "+48600100200"),
        "anna": ("Anna Nowak", "202", None),
        "anna203": ("Anna Bąk", "203", None),
    }
    for person in config.people.values():
        assert f"{person.title}: user name {person.extension}, password {person.sip_password}" in said
    assert config.office.timezone == "Europe/Warsaw"
    assert config.office.language == "pl"
    assert "+48221234567" in config.numbers


def test_f28_what_is_not_given_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_command, "own_address", lambda: "127.0.0.1")
    monkeypatch.setattr("b2bua.cli.new_command.has_terminal", lambda: True)
    path = tmp_path / "office.toml"
    answers = [
        "+380442345678",
        "Olena",
        "067 123 45 67",
        "Ivan",
        "",
        "",
        "me",
        "sip.provider.example",
        "secret",
    ]
    answers += ["067 999 88 77", "office@office.example", "08:00-16:00", ""]
    said = run("all-at-once", str(path), stdin="".join(f"{each}\n" for each in answers))
    assert "Name of who takes calls (empty: that is all)" in said
    config = load_config(path)
    assert (config.office.country, config.office.language) == ("UA", "uk")
    assert config.people["olena"].mobile == "+380671234567"
    assert config.trunks["provider"].registrar == "sip.provider.example"
    assert config.trunks["provider"].username == "me"
    assert config.groups["backup"].members == ("+380679998877",)
    assert config.emails_of("office") == ("office@office.example",)
    assert 'mon-fri = "08:00-16:00"' in path.read_text()
    assert "Mails become files in data/outbox: there is no [smtp] to send them" in said


def test_f28_who_answers_what_cannot_be_is_told_why_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_command, "own_address", lambda: "127.0.0.1")
    monkeypatch.setattr("b2bua.cli.new_command.has_terminal", lambda: True)
    path = tmp_path / "office.toml"
    answers = ["22 123 45 67", "+48221234567", "anna@office.example", "Anna, 600 100 200", "Anna", "home"]
    answers += ["+48 22 123 45 67", "600 100 200", "48221234567", "", ""]
    answers += ["sip.provider.example", "198.51.100.0/28", "198.51.100.3", "office", "office@office.example"]
    answers += ["8-16", "", "perhaps", "voice"]
    said = run("flagship", str(path), stdin="".join(f"{each}\n" for each in answers))
    for mistake in ("'22 123 45 67' is no telephone number", "'home' is no telephone number"):
        assert mistake in said
    for mistake in ("anna@office.example", "Anna, 600 100 200", "48221234567"):
        assert f"'{mistake}' is no name, expected for example Anna Nowak" in said
    assert "+48 22 123 45 67 is the number of the office itself" in said
    for mistake in ("'sip.provider.example' is no address", "'198.51.100.0/28' is no address"):
        assert mistake in said
    assert "'office' is no e-mail address" in said
    assert "'8' is no time of day, expected for example 09:00" in said
    assert '\'perhaps\' is neither "key" nor "voice"' in said
    config = load_config(path)
    assert config.trunks["provider"].host == "198.51.100.3"
    mobiles = config.schemes["day"].steps[2]
    assert (mobiles.ring, mobiles.confirm) == (("mobiles of sales",), Confirm.VOICE)
    assert "backup" not in config.groups  # nobody would ring it: it is not asked for


@pytest.mark.parametrize(("options", "confirm"), [((), "key"), (("--confirm", "voice"), "voice")])
def test_f28_d5_without_a_terminal_mobiles_are_taken_by_key_unless_an_option_says_otherwise(
    tmp_path: Path, options: tuple[str, ...], confirm: str
) -> None:
    path = tmp_path / "office.toml"
    run("holiday", str(path), *OFFICE, *options)
    asked = [step.confirm for step in load_config(path).schemes["duty"].steps if step.ring]
    assert asked == [confirm, confirm]


def test_f28_without_a_terminal_what_is_missing_is_named_with_its_option(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    assert "Say it by --number" in run("queue", str(path), exit_code=2)
    assert "Say it by --person" in run("queue", str(path), *OFFICE[:6], exit_code=2)
    assert "Say it by --url" in run("webhook", str(path), *OFFICE, exit_code=2)
    assert not path.exists()


def test_f28_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text("mine")
    assert "is there already" in run("queue", str(path), *OFFICE, exit_code=2)
    assert path.read_text() == "mine"
    run("queue", str(path), *OFFICE, "--force")
    assert path.read_text().startswith("# A queue\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("qeue",), "there is no recipe 'qeue'; there are: all-at-once"),
        (("queue", "--number", "home"), "'home' is no telephone number"),
        (("flagship", *OFFICE[:6], "--person", "Anna", "--provider", "127.0.0.1"), "give somebody one"),
        (("queue", *OFFICE, "--provider", "sip.provider.example"), "is no address such as 198.51.100.3"),
        (("queue", *OFFICE, "--provider", "198.51.100.0/28"), "is no address such as 198.51.100.3"),
        (("queue", *OFFICE, "--open", "25-99"), "is no time of day"),
        (("queue", *OFFICE, "--language", "xx"), "'xx' is none of en, uk, ru, pl"),
        (("queue", *OFFICE, "--address", "1.2.3.400"), "'1.2.3.400' is no IP address"),
        (
            ("queue", *OFFICE, "--person", "Eva, 600 100 201, 600 100 202"),
            "'600 100 202': expected a",
        ),
        (("queue", *OFFICE, "--person", "Eva, eva@"), "'eva@' is no e-mail address"),
        (("webhook", *OFFICE, "--url", "handler.example"), "'handler.example' is no web address"),
        (("queue", *OFFICE, "--email", "notamail"), "'notamail' is no e-mail address"),
    ],
)
def test_f28_mistakes_are_told_before_anything_is_written(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    name, *options = arguments
    path = tmp_path / "office.toml"
    assert said in run(name, str(path), *options, exit_code=2)
    assert not path.exists()


def test_f28_the_number_of_the_office_is_no_backup_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    said = run("one-by-one", str(path), *OFFICE, "--backup", "22 123 45 67", exit_code=2)
    assert "--backup: 22 123 45 67 is the number of the office itself: callers would go round for" in said
    said = run("one-by-one", str(path), *OFFICE, "--person", "Eva, 22 123 45 67", exit_code=2)
    assert "--person: 22 123 45 67 is the number of the office itself: callers would go round for" in said
    assert not path.exists()


@pytest.mark.parametrize(
    ("number", "names", "keys"),
    [
        (
            "+48221234567",
            ("Łukasz Żak", "Łukasz Bąk", "Sales Department", "24/7"),
            "lukasz lukasz202 sales203 p204",
        ),
        ("+380441234567", ("Григорій", "Юлія", "Д'Артаньян", "Їжак"), "hryhoriy yuliya dartanyan izhak"),
        ("+74951234567", ("Григорий", "Фёдор", "Щукин"), "grigoriy fyodor shchukin"),
        ("+81312345678", ("太郎", "花子"), "p201 p202"),
    ],
)
def test_f28_people_are_named_in_plain_letters_and_as_no_group(
    tmp_path: Path, number: str, names: tuple[str, ...], keys: str
) -> None:
    path = tmp_path / "office.toml"
    people = [part for name in names for part in ("--person", name)]
    line = ("--provider", "127.0.0.1:5090", "--address", "127.0.0.1", "--email", "office@office.example")
    run("one-by-one", str(path), "--number", number, *people, *line, "--backup", "+48600999888")
    assert " ".join(load_config(path).people) == keys


def test_f28_what_cannot_be_used_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text("mine")
    options = (*OFFICE, *BLANKS["other-pbx"], "--pbx", "no host", "--force")
    said = run("other-pbx", str(path), *options, exit_code=1)
    assert "trunk.pbx.host" in said
    assert "nothing is written" in said
    assert path.read_text() == "mine"


def test_f28_r6_the_recipe_of_the_crm_asks_how_it_knows_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2bua.cli.new_command.has_terminal", lambda: True)
    path = tmp_path / "office.toml"
    answers = ("Anna", "600100200", "anna", "anna@office.example", "Piotr", "", "", "")
    options = (*OFFICE[:6], *OFFICE[12:], *BLANKS["crm"], "--open", "09:00-17:00", "--confirm", "key")
    said = run("crm", str(path), *options, stdin="".join(f"{each}\n" for each in answers))
    assert "'anna' is no e-mail address" in said
    people = load_config(path).people
    assert {key: person.email for key, person in people.items()} == {
        "anna": "anna@office.example",
        "piotr": None,
    }


def test_f28_an_option_that_the_recipe_has_no_place_for_is_told(tmp_path: Path) -> None:
    said = run("flagship", str(tmp_path / "office.toml"), *OFFICE, "--url", "https://crm.example")
    assert "--url is not used" in said
    assert "--backup is not used" in said
    assert "not used" not in run("one-by-one", str(tmp_path / "other.toml"), *OFFICE)
