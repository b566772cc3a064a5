"""Rows S3 and S4 with the started product: a command and another program say who takes calls."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.harness.ports import free_port
from tests.harness.product import Product, until
from tests.harness.sipp import Cast

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


def test_row_s3_s4_who_is_away_is_not_rung_by_sipp_and_is_again_at_the_end(tmp_path: Path) -> None:
    token, port = "a-token-that-nobody-guesses", free_port()
    table = f'\n[api]\nlisten = "127.0.0.1:{port}"\ntokens = ["{token}"]\n'
    status = f"http://127.0.0.1:{port}/v1/people/anna/status"
    headers = {"Authorization": f"Bearer {token}"}
    with Product.running(tmp_path, extra=table) as product, Cast.around(tmp_path, product.port) as cast:
        anna = cast.phone("phone-rings-cancelled.xml", "101")
        piotr = cast.phone("phone-answers.xml", "102", "-d", "500", calls=2)
        put_at = time.time()
        assert httpx.put(status, json={"state": "away", "for": 5}, headers=headers).status_code == 200
        cast.trunk("trunk-calls-answered.xml", "+48221230001").wait()
        assert anna.times("INVITE") == []
        rung_at = piotr.times("INVITE")[0]
        assert rung_at - put_at < 1.0, "the step of who is away takes no time"
        until(lambda: "Anna Nowak is available" in product.log, within=6, what="she is back by herself")
        assert time.time() - put_at == pytest.approx(5.0, abs=0.5)
        called_at = time.time()
        cast.trunk("trunk-calls-answered.xml", "+48221230001").wait()
        anna.wait()
        assert anna.times("INVITE")[0] - called_at < 1.0
        first, second = product.calls()[:2]
        assert "Anna Nowak was away until" in first.story + second.story


def test_row_s3_a_phone_dials_star_45_and_is_rung_no_more_until_it_does_so_again(tmp_path: Path) -> None:
    together, rung = "+48221230002", []
    with Product.running(tmp_path) as product, Cast.around(tmp_path, product.port) as cast:
        olena = cast.phone("phone-hears-it-was-answered-elsewhere.xml", "103")
        piotr = cast.phone("phone-answers.xml", "102", "-d", "300", calls=2)
        for words in ("Olena Kovalenko is away", "Olena Kovalenko is available"):
            cast.calling_phone("phone-calls.xml", "103", "*45").wait()
            assert words in product.log
            cast.trunk("trunk-calls-answered.xml", together).wait()
            rung.append(len(olena.times("INVITE")))
        for phone in (olena, piotr):
            phone.wait()
        assert rung == [0, 1]
        told = [line.story for line in product.calls() if line.dialled != together]
        assert sorted(told) == ["said: Olena Kovalenko is available", "said: Olena Kovalenko is away"]
