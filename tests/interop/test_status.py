"""Rows S3 and S4 with the started product: a command and another program say who takes calls."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.harness.product import Product, free_port, until

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


def test_row_s4_the_interface_of_the_running_product_is_asked_and_ends_with_it(tmp_path: Path) -> None:
    token, port = "a-token-that-nobody-guesses", free_port()
    table = f'\n[api]\nlisten = "127.0.0.1:{port}"\ntokens = ["{token}"]\n'
    headers = {"Authorization": f"Bearer {token}"}
    with (
        Product.running(tmp_path, extra=table) as product,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=5) as http,
    ):
        answer = http.put("/v1/people/anna/status", json={"state": "away", "for": "30m"})
        assert answer.status_code == 200
        until(lambda: f"Anna Nowak is {answer.json()['words']}" in product.log, within=1.0, what="it is told")
        product.process.send_signal(signal.SIGTERM)
        assert product.process.wait(10) == 0, "the signal is the office's"
        assert "Traceback" not in product.log
        with pytest.raises(httpx.TransportError):
            http.get("/v1/people")
