"""Row S3 with the started product: the command reaches the office that runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.product import Product, until

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]


def test_row_s3_the_command_is_heard_by_the_running_product_within_a_second(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        said = subprocess.run(
            [sys.executable, "-m", "b2bua", "status", str(product.config), "anna", "away", "--for", "30m"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert said.stdout.startswith("Anna Nowak is away until ")
        until(lambda: said.stdout.strip() in product.log, within=1.0, what="the office knows it")
        assert (tmp_path / "data" / "doorbell").is_socket()
        product.stop()
        assert not (tmp_path / "data" / "doorbell").exists()
