"""Row I15: the interface follows the configuration while the office works: tokens, address, itself."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from tests.api.test_api import OTHER_TOKEN, TOKEN, Town, town
from tests.calls.test_rows_i15_reload import swap
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.ports import free_port

NEW_TOKEN = "a-new-token-that-nobody-guesses"


async def status(run: Town, token: str, *, port: int | None = None) -> int | None:
    """Return how a request with that token is answered; None: nobody is there."""
    url = f"http://127.0.0.1:{port or run.port}/v1/people"
    try:
        answer = await run.http.get(url, headers={"Authorization": f"Bearer {token}"})
    except httpx.TransportError:
        return None
    return answer.status_code


async def moved(run: Town, port: int, *, to: int | None) -> None:
    """Wait until the interface is at ``port`` no more and at ``to`` instead; None: nowhere."""
    async with asyncio.timeout(10):
        while await status(run, TOKEN, port=port) or (to and not await status(run, TOKEN, port=to)):
            await asyncio.sleep(0.05)


async def test_row_i15_a_token_that_is_taken_away_is_refused_on_the_next_request(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        assert [await status(run, token) for token in (TOKEN, OTHER_TOKEN, NEW_TOKEN)] == [200, 200, 401]
        said = await run.demo.edit(swap((OTHER_TOKEN, NEW_TOKEN)))
        assert [await status(run, token) for token in (TOKEN, OTHER_TOKEN, NEW_TOKEN)] == [200, 401, 200]
        assert said == ["the configuration was read again: api.tokens; from the next call on"]
        assert NEW_TOKEN not in str(said)


async def test_row_i15_a_broken_file_takes_no_token_away(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        await run.demo.edit(swap((OTHER_TOKEN, "short")))
        assert [await status(run, token) for token in (TOKEN, OTHER_TOKEN)] == [200, 200]


async def test_row_i15_the_interface_moves_to_another_address_and_goes_and_comes(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        other = free_port()
        await run.demo.edit(swap((f"127.0.0.1:{run.port}", f"127.0.0.1:{other}")))
        await moved(run, run.port, to=other)
        text = await asyncio.to_thread((run.demo.folder / "office.toml").read_text)
        await run.demo.edit(lambda _: text.partition("[api]")[0])
        await moved(run, other, to=None)
        await run.demo.edit(lambda _: text)
        await moved(run, run.port, to=other)
        assert await status(run, TOKEN, port=other) == 200


async def test_row_i15_an_address_that_is_taken_is_told_and_the_old_one_stays(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        taken = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        async with taken:
            port = taken.sockets[0].getsockname()[1]
            with capture_logs() as lines:
                await run.demo.edit(swap((f"127.0.0.1:{run.port}", f"127.0.0.1:{port}")))
                async with asyncio.timeout(10):
                    while not [line for line in lines if line["log_level"] == "error"]:
                        await asyncio.sleep(0.02)
            [error] = [line["event"] for line in lines if line["log_level"] == "error"]
            assert f"the API cannot listen on 127.0.0.1:{port}: " in error
            assert error.endswith("see listen of [api]; the API stays where it was")
            async with asyncio.timeout(10):
                while await status(run, TOKEN) != 200:
                    await asyncio.sleep(0.05)
        await run.demo.edit(swap((f"127.0.0.1:{port}", "127.0.0.1:0")))
        await moved(run, run.port, to=None)


@needs_openssl
async def test_row_i15_a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("b2bua.sip.transport.tls.CHECK_EVERY_S", 0.02)
    authority = await asyncio.to_thread(Authority, tmp_path)
    certificate, key = await asyncio.to_thread(authority.issue, "office", "IP:127.0.0.1")
    extra = f'tls-certificate = "{certificate}"\ntls-key = "{key}"\n'
    async with town(tmp_path, extra=extra) as run:

        async def shown() -> str:
            return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", run.port))

        before = await shown()
        await asyncio.to_thread(authority.issue, "office", "IP:127.0.0.1")
        async with asyncio.timeout(10):
            while (renewed := await shown()) == before:
                await asyncio.sleep(0.02)
        await asyncio.to_thread(certificate.write_text, "half a certif")
        async with asyncio.timeout(10):
            while "office.pem cannot be used; the old one stays in use" not in caplog.text:
                await asyncio.sleep(0.02)
        assert await shown() == renewed


@needs_openssl
async def test_row_i15_a_certificate_makes_the_same_address_speak_tls(tmp_path: Path) -> None:
    authority = await asyncio.to_thread(Authority, tmp_path)
    certificate, key = await asyncio.to_thread(authority.issue, "office", "IP:127.0.0.1")
    trusts = ssl.create_default_context(cafile=authority.certificate)
    async with town(tmp_path) as run:
        files = f'tls-certificate = "{certificate}"\ntls-key = "{key}"\n'
        await run.demo.edit(swap(("tokens = [", f"{files}tokens = [")))
        async with httpx.AsyncClient(verify=trusts) as http, asyncio.timeout(10):
            while True:
                try:
                    answer = await http.get(f"https://127.0.0.1:{run.port}/v1/people")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        assert answer.status_code == 401
        with pytest.raises(httpx.HTTPError):
            await run.http.get("/v1/people")
