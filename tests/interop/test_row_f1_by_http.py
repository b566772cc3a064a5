"""Rows F1 and R14 with the started product: edited and asked over HTTP, killed, and started again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.harness.ports import HOST, free_port
from tests.harness.product import Product, until
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

CHANGED = "+48221230005"
"""Leads to the scheme that is edited."""
EDITOR = "the-token-of-whom-the-owner-trusts"
VISITOR = "+48600100299"
PATIENCE_S = 20.0


async def test_row_f1_r14_the_product_keeps_what_is_edited_and_asked_over_http_when_it_is_killed(
    tmp_path: Path,
) -> None:
    port = free_port()
    extra = f'\n[api]\nlisten = "{HOST}:{port}"\nedit-tokens = "{EDITOR}"\n[callback]\n'
    headers = {"Authorization": f"Bearer {EDITOR}"}
    with Product.running(tmp_path, extra=extra) as product:
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", headers=headers, timeout=20) as http:
            await asyncio.to_thread(_is_ready, product)
            written = product.config.read_text()
            echo = {"steps": [{"echo": True}]}
            edited = await http.put("/v1/schemes/voicemail", json=echo)
            assert (edited.status_code, edited.json()["in_force"]) == (200, True), edited.text
            async with carrier_call(product, CHANGED) as leg:
                assert leg.is_up
            [told] = await asyncio.to_thread(product.finished_calls, of=CHANGED)
            assert told.outcome == "self-served", "an echo, and no mailbox"
            refused = await http.put("/v1/schemes/voicemail", json={"steps": [{"ring": ["nobody"]}]})
            assert refused.status_code == 422
            asked = await http.post("/callback", json={"number": VISITOR, "source": "site"})
            assert asked.status_code == 201, asked.text
        assert product.config.read_text() != written
        await asyncio.to_thread(product.kill)
        await asyncio.to_thread(product.start)
        await asyncio.to_thread(_is_ready, product, 2)
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", headers=headers, timeout=20) as http:
            assert (await http.get("/v1/schemes/voicemail")).json()["scheme"] == echo
            state = (await http.get(f"/callback/{asked.json()['id']}")).json()
            assert state == asked.json()
        owed = await asyncio.to_thread(product.command, "calls", str(product.config), "--promises")
        assert VISITOR in owed
        assert "asked on the web to be called back" in owed


def _is_ready(product: Product, starts: int = 1) -> None:
    until(lambda: product.log.count("ready for calls") == starts, within=PATIENCE_S, what="it is ready")
