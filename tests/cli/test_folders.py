"""What would fail at the start is told by ``b2bua check``: folders that are none, a port that SIP has."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from b2bua.cli.app import app
from tests.config.offices import PEOPLE

OFFICE = PEOPLE + '[[scheme.main.step]]\nvoicemail = "sales"\n'
API = '[api]\ntokens = "nobody-guesses-this-token"\nlisten = '


def check(folder: Path, text: str) -> str:
    path = folder / "office.toml"
    path.write_text(text)
    return CliRunner().invoke(app, ["check", str(path)]).output


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    data = OFFICE.replace("[office]", f'[office]\ndata = "{tmp_path}/file/data"')
    assert f"error: office.data: {tmp_path}/file is a file; expected a folder" in check(tmp_path, data)
    sound = OFFICE + f'[recording]\nall = true\nfolder = "{tmp_path}/file"\n'
    assert "error: recording.folder: " in check(tmp_path, sound)
    good = OFFICE + f'[recording]\nall = true\nfolder = "{tmp_path}/new/folder"\n'
    assert "recording.folder" not in check(tmp_path, good)


@pytest.mark.parametrize(
    ("sip", "api", "is_taken"),
    [
        ("127.0.0.1:5060", "127.0.0.1:5060", True),
        ("0.0.0.0:5060", "127.0.0.1:5060", True),
        ("127.0.0.1:5060", "0.0.0.0:5060", True),
        ("127.0.0.2:5060", "127.0.0.1:5060", False),
        ("127.0.0.1:5060", "127.0.0.1:8080", False),
    ],
)
def test_an_api_on_the_port_of_the_phones_is_an_error(
    tmp_path: Path, sip: str, api: str, is_taken: bool
) -> None:
    text = OFFICE + f'[sip]\nlisten = "{sip}"\n{API}"{api}"\n'
    assert ("error: api.listen: phones come there by TCP, see" in check(tmp_path, text)) == is_taken
