"""An office that is started while its files are broken runs by what it ran by last."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.config.kept import FOLDER, keep, kept_config
from b2bua.config.load import load_config

OFFICE = """
include = ["people/*.toml"]
[office]
data = "{data}"
[number."+48221234567"]
scheme = "main"
[[scheme.main.step]]
ring = ["anna"]
[[scheme.main.step]]
voicemail = "office"
[voicemail.office]
"""
ANNA = '[person.anna]\nextension = "101"\npassword = "secret"\n'
BROKEN = (
    ("office.toml", lambda text: text.replace('scheme = "main"', 'scheme = "mian"')),
    ("office.toml", lambda text: text + "[[[\n"),
    ("people/anna.toml", lambda text: text.replace('"101"', '"1')),
    ("people/anna.toml", lambda text: text.replace("password", "pasword")),
)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """Return the main file of an office that ran once."""
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "anna.toml").write_text(ANNA)
    path = tmp_path / "office.toml"
    path.write_text(OFFICE.format(data=tmp_path / "data"))
    (tmp_path / "data").mkdir()
    keep(path, load_config(path).office.data)
    return path


@pytest.mark.parametrize(("name", "breaking"), BROKEN)
def test_what_was_kept_stands_in_for_files_that_are_broken(
    office: Path, name: str, breaking: Callable[[str], str]
) -> None:
    file = office.parent / name
    file.write_text(breaking(file.read_text()))
    found = kept_config(office)
    assert found is not None
    config, _ = found
    assert config.as_written["person"]["anna"]["password"] == "secret"
    assert config.origin.is_stand_in
    assert config.origin.file == office, "which is the one to follow"
    assert config.plan().numbers["+48221234567"].in_hours == "main"


def test_a_file_that_was_added_since_and_is_broken_is_left_out(office: Path) -> None:
    (office.parent / "people" / "eva.toml").write_text("[person.eva]\nnonsense = 1\n")
    found = kept_config(office)
    assert found is not None
    assert list(found[0].people) == ["anna"]


def test_what_another_office_ran_by_in_that_folder_is_not_meant(office: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(office.read_text().replace('scheme = "main"', 'scheme = "mian"'))
    assert kept_config(other) is None


def test_an_office_that_never_ran_has_nothing_that_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f'[office]\ndata = "{tmp_path}"\n[nonsense]\n')
    assert kept_config(path) is None


def test_it_is_kept_anew_and_read_by_nobody_else(office: Path) -> None:
    (office.parent / "people" / "anna.toml").write_text(ANNA.replace("secret", "other"))
    data = office.parent / "data"
    for _ in range(2):
        keep(office, data)
    assert sorted(each.name for each in data.iterdir()) == [FOLDER]
    assert stat.S_IMODE(os.stat(data / FOLDER).st_mode) == 0o700
    assert stat.S_IMODE((data / FOLDER / "people" / "anna.toml").stat().st_mode) == 0o600
    office.write_text(f"{office.read_text()}[[[\n")
    found = kept_config(office)
    assert found is not None
    assert found[0].as_written["person"]["anna"]["password"] == "other"
