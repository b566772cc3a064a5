"""The documentation says what the program does: every key, its default, every command, every link."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from b2bua.cli.app import app
from b2bua.config import tables
from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.config.values import NAME

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
PAGES = (
    "README.md",
    "docs/configuration.md",
    "docs/api.md",
    "docs/running.md",
    "tests/README.md",
    "tests/CONFORMANCE.md",
    "prompts/README.md",
    "sipp-scenarios/README.md",
)
SECTIONS: dict[str, tuple[type[tables.Table], ...]] = {
    "[office]": (tables.Office,),
    "[sip]": (tables.Sip,),
    "[rtp]": (tables.Rtp,),
    "[media]": (tables.Media,),
    "[recording]": (tables.Recording,),
    "[smtp]": (tables.Smtp,),
    "[missed-alert]": (tables.MissedAlert,),
    "[backup-alert]": (tables.BackupAlert,),
    "[weekly-report]": (tables.WeeklyReport,),
    "[api]": (tables.Api,),
    "[callback]": (tables.Callback,),
    "[trunk.x]": (tables.Trunk,),
    "[person.x]": (tables.Person,),
    "[person.x.device.y]": (tables.Device,),
    '[number."+48…"]': (tables.Number,),
    "What to do with a caller": (tables.Destination,),
    "[[scheme.x.step]]": (tables.Step,),
    "[scheme.x]": (tables.Scheme,),
    "[menu.x]": (tables.Menu, tables.MenuOption),
    "[queue.x]": (tables.Queue,),
    "[voicemail.x]": (tables.Mailbox,),
    "[rates.x]": (tables.Rates,),
    "The price of a prefix": (tables.Rate,),
    "[webhook.x]": (tables.Webhook,),
    "[return-call.x]": (tables.ReturnCall,),
    "[crm]": (tables.Crm,),
    "[crm.find.x]": (tables.CrmFind,),
    "[crm.create.x]": (tables.CrmCreate,),
}
ROW = re.compile(r"^\| `([\w-]+)` \| (.+?) \| .+ \|$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


def sections() -> dict[str, str]:
    """Return the text of each section of the reference by its heading."""
    parts = re.split(r"^## (.+)$", REFERENCE, flags=re.MULTILINE)
    return dict(list(pairwise(parts))[1::2])


def keys_of(models: tuple[type[tables.Table], ...]) -> dict[str, FieldInfo]:
    """Return the keys of these tables; steps and options come without what all destinations share."""
    return {
        str(field.validation_alias or field.alias): field
        for model in models
        for name, field in model.model_fields.items()
        if field.validation_alias != NAME and not _is_shared(model, name)
    }


def _is_shared(model: type[tables.Table], name: str) -> bool:
    return model is not tables.Destination and (
        issubclass(model, tables.Destination) and name in tables.Destination.model_fields
    )


def says_default(cell: str, field: FieldInfo) -> bool:
    """Return whether the cell of a table is what the program takes when nothing is written."""
    if cell == "required":
        return field.is_required()
    if cell == "–":
        return not field.is_required() and field.default in (None, "", ())
    written = tomllib.loads(f"default = {cell.strip('`')}")["default"]
    kind: TypeAdapter[object] = TypeAdapter(Annotated[field.annotation, "", *field.metadata])
    return bool(kind.validate_python(written) == field.default)


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_reference_has_every_key_with_its_default_and_no_other(heading: str) -> None:
    rows = dict(ROW.findall(sections()[heading]))
    keys = keys_of(SECTIONS[heading])
    assert set(rows) == set(keys)
    wrong = {key: cell for key, cell in rows.items() if not says_default(cell, keys[key])}
    assert not wrong


def test_the_examples_of_the_reference_are_one_office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SMTP", "PROVIDER", "ANNA", "PIOTR"):
        monkeypatch.setenv(f"{name}_PASSWORD", "secret")
    monkeypatch.setenv("REGION_SECRET", "secret")
    monkeypatch.setenv("CRM_HEADER", "Bearer secret")
    for name in ("CRM_TOKEN", "TIME_CLOCK_TOKEN"):
        monkeypatch.setenv(name, "a-secret-that-nobody-guesses")
    office = tmp_path / "office.toml"
    office.write_text("\n".join(re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL)))
    assert lint(load_config(office)) == ()


def test_each_example_of_the_readme_is_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PROVIDER_PASSWORD", "PIPEDRIVE_TOKEN"):
        monkeypatch.setenv(name, "secret")
    examples = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(examples) >= 5
    for example in examples:
        office = tmp_path / "office.toml"
        office.write_text(example)
        load_config(office)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    path = ROOT / page
    broken = [to for to, _ in LINK.findall(path.read_text()) if to and not (path.parent / to).exists()]
    assert not broken


def test_commands_in_the_readme_exist_with_these_options() -> None:
    readme = (ROOT / "README.md").read_text()
    helps: dict[str, str] = {}
    for command, options in re.findall(r"^(?:\.venv/bin/)?b2bua ([a-z]+)(.*)$", readme, re.MULTILINE):
        if command not in helps:
            result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
            assert result.exit_code == 0, command
            helps[command] = result.output
        unknown = [each for each in re.findall(r"(?<=\s)--[a-z-]+", options) if each not in helps[command]]
        assert not unknown, (command, unknown)
    assert set(helps) >= {"run", "check", "explain", "calls", "demo"}


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"run", "test", "check", "bench"} <= named <= targets
