"""Configurations written as text, as their owners write them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.errors import ConfigError
from tests.config.offices import Reads, Says


@pytest.fixture
def read(tmp_path: Path) -> Reads:
    """Load a configuration from text."""

    def read_text(text: str) -> Config:
        path = tmp_path / "office.toml"
        path.write_text(dedent(text), encoding="utf-8")
        return load_config(path)

    return read_text


@pytest.fixture
def errors(read: Reads) -> Says:
    """Return ``line key: message`` of every error in a text."""

    def errors_of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text)
        return [f"{problem.line} {problem.key}: {problem.message}" for problem in caught.value.problems]

    return errors_of


@pytest.fixture
def warnings(read: Reads) -> Says:
    """Return ``key: message`` of every warning about a text that loads."""

    def warnings_of(text: str) -> list[str]:
        problems = lint(read(text))
        assert all(problem.is_warning for problem in problems)
        return [f"{problem.key}: {problem.message}" for problem in problems]

    return warnings_of
