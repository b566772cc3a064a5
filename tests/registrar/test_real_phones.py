"""baresip and SIPp register with the registrar over real sockets."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from b2bua.registrar.authentication import COMPATIBLE
from b2bua.registrar.bindings import Bindings, PresenceChange
from b2bua.registrar.register import Registrar
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from tests.registrar.desk import DIRECTORY, gate

pytestmark = pytest.mark.interop
PATIENCE_S = 15.0
CONFIG = """sip_listen 127.0.0.1:0
module_path {modules}
module g711.so
module_app account.so
module_app menu.so
"""
SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
  <send><![CDATA[{request}Content-Length: 0

]]></send>
  <recv response="401" auth="true"/>
  <send><![CDATA[{request}[authentication username=101 password=demo-101]
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"""
REGISTER = """
REGISTER sip:office.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:101@office.example>;tag=[call_number]
To: <sip:101@office.example>
Call-ID: [call_id]
CSeq: [cseq] REGISTER
Contact: <sip:101@[local_ip]:[local_port]>
Max-Forwards: 70
Expires: 600
"""


@dataclass
class Office:
    """A registrar on loopback."""

    hop: Hop
    bindings: Bindings
    changes: asyncio.Queue[PresenceChange]

    async def change(self) -> PresenceChange:
        async with asyncio.timeout(PATIENCE_S):
            return await self.changes.get()


@asynccontextmanager
async def office(transport: str) -> AsyncIterator[Office]:
    changes: asyncio.Queue[PresenceChange] = asyncio.Queue()
    bindings = Bindings(on_change=changes.put_nowait)
    registrar = Registrar(
        people=DIRECTORY, bindings=bindings, authentication=gate(bindings, algorithms=COMPATIBLE)
    )
    endpoint = SipEndpoint(user_agent="office")
    endpoint.on_request = registrar.handle
    listen = endpoint.listen_udp if transport == "udp" else endpoint.listen_tcp
    try:
        yield Office(await listen("127.0.0.1", 0), bindings, changes)
    finally:
        await endpoint.close()


@asynccontextmanager
async def running(*command: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=null, stdout=null, stderr=null, env={**os.environ, "HOME": str(folder)}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            raise


def baresip_modules() -> Path:
    """Return where baresip's modules lie, beside its program."""
    return Path(shutil.which("baresip") or "").resolve().parent.parent / "lib" / "baresip" / "modules"


@pytest.mark.skipif(shutil.which("baresip") is None, reason="baresip is not installed")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_registers_as_101_and_unregisters_when_it_ends(transport: str, tmp_path: Path) -> None:
    async with office(transport) as story:
        account = f"<sip:101@{story.hop.authority};transport={transport}>;auth_pass=demo-101;regint=60\n"
        (tmp_path / "accounts").write_text(account)
        (tmp_path / "config").write_text(CONFIG.format(modules=baresip_modules()))
        async with running("baresip", "-f", str(tmp_path), folder=tmp_path):
            came = await story.change()
            assert came.is_online
            assert came.binding.user_agent.startswith("baresip")
            assert came.binding.hop.transport == transport
        assert not (await story.change()).is_online


@pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed")
async def test_sipp_registers_by_md5(tmp_path: Path) -> None:
    (tmp_path / "register.xml").write_text(SCENARIO.format(request=REGISTER))
    async with office("udp") as story:
        options = ("-sf", "register.xml", "-m", "1", "-i", "127.0.0.1", "-timeout", "10")
        async with running("sipp", *options, story.hop.authority, folder=tmp_path) as sipp:
            assert (await story.change()).is_online
            async with asyncio.timeout(PATIENCE_S):
                assert await sipp.wait() == 0
