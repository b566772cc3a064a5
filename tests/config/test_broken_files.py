"""Shipped configurations, broken by chance: a clear answer with file and line, and never a traceback.

``BROKEN_SEEDS`` sets how many are read, ``BROKEN_FIRST`` the first one: a failure names its seed.
"""

from __future__ import annotations

import os
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.config.proof import prove
from b2bua.errors import ConfigError, Problem

CONFIGS = Path(__file__).resolve().parents[2] / "config"
SEEDS = int(os.environ.get("BROKEN_SEEDS", "300"))
FIRST = int(os.environ.get("BROKEN_FIRST", "0"))
MONDAY = datetime(2026, 11, 23, 11, tzinfo=UTC)
SECRETS = (
    *("SMTP_PASSWORD", "PROVIDER_PASSWORD", "ANNA_PASSWORD", "PIOTR_PASSWORD", "PBX_PASSWORD"),
    "CRM_TOKEN",
)
VALUES = (
    *('""', '"x"', "0", "-1", "1.5", "true", "[]", '["x"]', "{}", '{ ring = ["101"] }', "nan", "inf"),
    *('"20s"', '"-5s"', '"1e9s"', '"24h"', '"09:00-18:00"', '"25:00-26:00"', '"mon-fri"', "1979-05-27"),
    *('"101"', '["101", "101"]', '"mobile of anna"', '"mobiles of sales"', '"sip:x@y"', '"tel:+48"'),
    *('"+48600100200,,5"', '"env:NOBODY_SET_THIS"', '"\\u0000"', '"PL"', '"XX-YY"', '[["a"]]', '"*45"'),
    *('"127.0.0.1:99999"', '"[::1]:5060"', '"0.0.0.0"', '"https://[::"', '"http://x:y@z:-1/"', '"../../x"'),
    *("99999999999999999999", f'"{"x" * 3000}"'),
)
MARKS = "=[]\".,{}'#\t\\ż\0"
KEY = re.compile(r"^\S[^#]*=")


def broken(text: str, chance: random.Random) -> str:
    """Return the text with some of its lines changed, lost, doubled or garbled."""
    lines = text.split("\n")
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                where = chance.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:where] + chance.choice(MARKS) + lines[at][where + 1 :]
            case _:
                at = chance.choice([index for index, line in enumerate(lines) if KEY.match(line)])
                lines[at] = f"{lines[at].partition('=')[0]}= {chance.choice(VALUES)}"
    return "\n".join(lines)


def test_whatever_is_broken_is_told_with_file_and_line_or_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "correct horse")
    texts = [path.read_text() for path in sorted(CONFIGS.rglob("*.toml"))]
    path = tmp_path / "office.toml"
    refused = 0
    for seed in range(FIRST, FIRST + SEEDS):
        chance = random.Random(seed)
        path.write_text(broken(chance.choice(texts), chance))
        problems = problems_of(path, seed=seed)
        refused += problems is not None
        for problem in problems or ():
            assert problem.message, seed
            assert (problem.file, problem.line > 0) == (path, True), (seed, problem)
    assert 0.5 < refused / SEEDS < 1.0


def problems_of(path: Path, *, seed: int) -> tuple[Problem, ...] | None:
    """Return why a file cannot be used; None: it can."""
    try:
        config = load_config(path)
        lint(config)
        prove(config, config.plan(), MONDAY)
    except ConfigError as error:
        return error.problems
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    return None
