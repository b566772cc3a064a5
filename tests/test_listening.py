"""The sockets of ``[sip]``: each transport on each address answers, and calls out by TLS (RFC 3261 §18)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from b2bua.config.load import load_config
from b2bua.errors import ConfigError
from b2bua.server import Server
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Headers, Request
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.tls import Tls, TlsFiles
from b2bua.surroundings import Surroundings
from b2bua.trunk import keep_alive, registration
from media.client import MediaEngine
from media.memory import MemoryRtpNetwork
from tests.harness.certificates import Authority, needs_openssl

SCHEME = '[[scheme.main.step]]\nvoicemail = "sales"\n[voicemail.sales]\n'


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses, by UDP or TCP."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def in_memory() -> Surroundings:
    network = MemoryRtpNetwork()
    return Surroundings(
        start_engine=lambda: MediaEngine.in_process(
            network=network, address="127.0.0.1", ports=(20000, 20100)
        )
    )


def settings(folder: Path, sip: str, rest: str = "") -> Path:
    path = folder / "office.toml"
    path.write_text(f'[office]\ndata = "{folder / "data"}"\n[sip]\n{sip}\n{SCHEME}{rest}')
    return path


async def status(endpoint: SipEndpoint, hop: Hop) -> int:
    request = Request("OPTIONS", f"sip:office@{hop.authority}", Headers([("From", "<sip:test@localhost>")]))
    async with asyncio.timeout(10):
        return (await endpoint.request(request, hop)).status


async def may_connect(url: str, origin: str) -> bool:
    """Return whether a page of ``origin`` may speak SIP (RFC 6455 §10.2)."""
    try:
        async with connect(url, subprotocols=[Subprotocol("sip")], origin=Origin(origin)):
            return True
    except InvalidStatus as refused:
        if refused.response.status_code != 403:
            raise
        return False


def test_what_is_no_origin_of_pages_is_an_error(tmp_path: Path) -> None:
    for text in ("crm.example", "https://crm.example/page", "*"):
        with pytest.raises(ConfigError, match=r"ws-origins.*no origin of web pages"):
            load_config(settings(tmp_path, f'ws-origins = "{text}"'))
    for text in ("null", "file://", "app://obsidian.md", "http://crm.example:3000"):
        load_config(settings(tmp_path, f'ws-origins = "{text}"'))


@needs_openssl
async def test_every_transport_answers_on_every_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("office", "IP:127.0.0.1,IP:::1")
    sip, tls_port, ws, wss = free_ports(4)
    config = load_config(
        settings(
            tmp_path,
            f"""
listen = ["127.0.0.1:{sip}", "[::1]:{sip}"]
transports = ["udp", "tcp", "tls", "ws", "wss"]
tls-port = {tls_port}
ws-port = {ws}
wss-port = {wss}
ws-origins = "https://crm.example"
tls-certificate = "{certificate}"
tls-key = "{key}"
tls-ca = "{authority.certificate}"
""",
        )
    )
    phone = SipEndpoint(user_agent="phone")
    tls = await Tls.load(TlsFiles(authorities=authority.certificate))
    certified = await Tls.load(TlsFiles(certificate, key, authority.certificate))
    ports = {"udp": sip, "tcp": sip, "tls": tls_port, "ws": ws, "wss": wss}
    try:
        for host, every in (("127.0.0.1", "0.0.0.0"), ("::1", "::")):
            await phone.listen_udp(host, 0)
            await phone.listen_tcp(host, 0)
            phone.call_by_tls(tls, host=every)
            for kind in ("ws", "wss"):
                await phone.listen_stream(kind, host, 0, tls=certified)
        async with Server.running(config, in_memory()):
            answers = {
                (kind, host): await status(phone, Hop(kind, host, port))
                for kind, port in ports.items()
                for host in ("127.0.0.1", "::1")
            }
            pages = [
                await may_connect(f"ws://127.0.0.1:{ws}", origin)
                for origin in ("http://127.0.0.1:8080", "https://crm.example", "https://other.example")
            ]
        assert set(answers.values()) == {200}, answers
        assert pages == [True, True, False]
    finally:
        await phone.close()


@needs_openssl
async def test_a_trunk_by_tls_is_called_without_a_certificate_of_our_own_and_again_when_it_hangs_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_alive, "LEAST_REST_S", 0.05)
    authority = Authority(tmp_path)
    carrier = SipEndpoint(user_agent="carrier")
    registered: asyncio.Queue[str] = asyncio.Queue()

    def take(server: object) -> None:
        registered.put_nowait(str(server.request.contact))  # type: ignore[attr-defined]
        server.respond(200)  # type: ignore[attr-defined]

    carrier.on_request = take
    tls = await Tls.load(TlsFiles(*authority.issue("carrier", "IP:127.0.0.1"), authority.certificate))
    (port,) = free_ports(1)
    try:
        hop = await carrier.listen_stream("tls", "127.0.0.1", 0, tls=tls)
        config = load_config(
            settings(
                tmp_path,
                f'listen = "127.0.0.1:{port}"\ntls-ca = "{authority.certificate}"',
                f"""[trunk.carrier]
registrar = "{hop.authority}"
username = "us"
password = "secret"
transport = "tls"
""",
            )
        )
        async with Server.running(config, in_memory()) as server, asyncio.timeout(10):
            assert ";transport=tls" in await registered.get()
            while server.trunks.registrations[0].state is not registration.RegistrationState.REGISTERED:
                await asyncio.sleep(0.01)
            for connection in tuple(next(iter(carrier._layer.transports))._connections.values()):
                connection.abort()
            assert ";transport=tls" in await registered.get()
    finally:
        await carrier.close()


@pytest.mark.parametrize("key", ["most-connections", "most-connections-of-address"])
async def test_the_configured_number_of_connections_may_stand_and_not_one_more(
    tmp_path: Path, key: str
) -> None:
    (port,) = free_ports(1)
    config = load_config(settings(tmp_path, f'listen = "127.0.0.1:{port}"\n{key} = 2'))
    async with Server.running(config, in_memory()), asyncio.timeout(10):
        first, second, third = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        with contextlib.suppress(ConnectionResetError):
            assert await third[0].read() == b""
        for reader, writer in (first, second):
            writer.write(b"\r\n\r\n")  # a ping (RFC 5626 §3.5.1)
            assert await reader.readexactly(2) == b"\r\n"
        for _, writer in (first, second, third):
            writer.close()


@pytest.mark.parametrize(
    ("sip", "problem"),
    [
        ('transports = ["tls"]', "tls and wss need a certificate"),
        ('tls-key = "key.pem"', "tls-key belongs to a tls-certificate"),
        ('nameservers = "dns.example"', "'dns.example' is no IP address"),
        ('listen = ["127.0.0.1:70000"]', "'127.0.0.1:70000' is no address"),
        ("listen = []", "listen"),
    ],
)
def test_settings_that_cannot_work_are_said_in_words(tmp_path: Path, sip: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config(settings(tmp_path, sip))
    assert problem in str(refusal.value)


async def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    missing = tmp_path / "missing.pem"
    text = f'listen = "127.0.0.1:{port}"\ntransports = ["udp", "tls"]\ntls-certificate = "{missing}"'
    with pytest.raises(OSError, match=r"missing\.pem cannot be used"):
        async with Server.running(load_config(settings(tmp_path, text)), in_memory()):
            pass
