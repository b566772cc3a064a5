"""What a process that has nothing to do yet need not have in its memory."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("media.worker", {"asyncio", "av", "cryptography", "hashlib", "pylibsrtp", "subprocess"}),
        ("media.client", {"av", "cryptography", "numpy", "pylibsrtp"}),
        ("b2bua.log", {"pygments", "rich"}),
    ],
)
def test_what_only_some_need_is_loaded_by_them(module: str, unwanted: set[str]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert module in loaded.stdout.split()
    assert not unwanted & set(loaded.stdout.split())
