"""The examples of docs/api.md work as they are written there, one after another, in the demo office."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

from tests.api.test_schemes import EDITOR, editor
from tests.calls.test_override import with_hours
from tests.harness.office import DEMO

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
SHELL = """
curl() { command curl -sS -w "\\n%{http_code}\\n" "$@"; }
date() { echo 2026-11-23T15:00:00+01:00; }  # on the day of the tests
"""


def examples() -> list[str]:
    """Return the shell examples that ask the interface."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [re.sub(r"^export .*\n", "", block) for block in blocks if "curl" in block]


async def told(script: str, *, port: int, token: str) -> list[tuple[object, int]]:
    """Return the answers to the requests of a script, with their status."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        SHELL + script.replace("127.0.0.1:8080", f"127.0.0.1:{port}"),
        env={**os.environ, "API_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        printed, _ = await process.communicate()
    assert process.returncode == 0, script
    lines = printed.decode().strip().split("\n")
    return [(json.loads(body), int(status)) for body, status in zip(lines[::2], lines[1::2], strict=True)]


async def test_row_f1_the_examples_of_the_page_work_one_after_another(tmp_path: Path) -> None:
    found = await asyncio.to_thread(examples)
    assert len(found) >= 6
    text = with_hours(await asyncio.to_thread(DEMO.read_text))
    async with editor(tmp_path, scheme="", config=text) as run:
        for script in found:
            answers = await told(script, port=run.port, token=EDITOR)
            assert answers, script
            for body, status in answers:
                assert status in (200, 201, 202), (script, body)
        sales = await run.ask("GET", "/v1/queues/sales")
        assert sales["queue"]["announce-every"] == "45s"
