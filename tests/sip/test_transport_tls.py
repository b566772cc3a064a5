"""SIP over TLS on loopback: whom we trust, who is let in, certificates that change (RFC 5922)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.session import Answered
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.stream import StreamTransport
from b2bua.sip.transport.tls import Tls, TlsFiles, is_for
from tests.harness.certificates import Authority, needs_openssl
from tests.sip.phones import ANSWER, OFFER, Answerer

pytestmark = needs_openssl

FOR_LOOPBACK = "DNS:office.example,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def files(authority: Authority, name: str, alternatives: str = FOR_LOOPBACK) -> TlsFiles:
    return TlsFiles(*authority.issue(name, alternatives), authorities=authority.certificate)


@asynccontextmanager
async def office(tls: Tls) -> AsyncIterator[tuple[SipEndpoint, Hop]]:
    """Give an endpoint that answers calls and OPTIONS over TLS, and its address."""
    bob = SipEndpoint(user_agent="bob")
    bob.on_request = lambda server: server.respond(200) and None
    try:
        yield bob, await bob.listen_stream("tls", "127.0.0.1", 0, tls=tls)
    finally:
        await bob.close()


@asynccontextmanager
async def caller(tls: Tls) -> AsyncIterator[SipEndpoint]:
    """Give an endpoint that only opens TLS connections."""
    alice = SipEndpoint(user_agent="alice")
    alice.call_by_tls(tls, host="0.0.0.0")
    try:
        yield alice
    finally:
        await alice.close()


async def options(alice: SipEndpoint, hop: Hop) -> Response:
    async with asyncio.timeout(10):
        request = Request(
            "OPTIONS", f"sips:bob@{hop.authority}", Headers([("From", "<sips:alice@localhost>")])
        )
        return await alice.request(request, hop)


async def test_a_call_over_tls_uses_one_connection_and_sips_contacts(authority: Authority) -> None:
    tls = await Tls.load(files(authority, "bob"))
    async with office(tls) as (bob, hop), caller(tls) as alice:
        answerer = Answerer(bob)
        invite = alice.invite(
            uri=f"sips:bob@{hop.authority}",
            hop=hop,
            from_=NameAddr.parse("<sips:alice@localhost>"),
            offer=OFFER,
        )
        async with asyncio.timeout(10):
            while not isinstance(event := await invite.next_event(), Answered):
                pass
            assert await event.session.reinvite(OFFER) == ANSWER
            request = answerer.invites[0].request
            assert str(request.contact).startswith("<sips:127.0.0.1:5061;transport=tls>")
            assert request.via.transport == "TLS"
            assert event.session.dialog.remote_target == f"sips:bob@{hop.authority};transport=tls"
            answerer.sessions[0].bye()
            await event.session.ended
        transport = next(iter(bob._layer.transports))
        assert isinstance(transport, StreamTransport)
        assert transport.connections == 1


@pytest.mark.parametrize(
    ("alternatives", "name", "is_accepted"),
    [
        ("DNS:sip.example.org", "sip.example.org", True),
        ("DNS:other.example.org", "sip.example.org", False),
        ("DNS:*.example.org", "sip.example.org", True),
        ("URI:sip:example.org,DNS:host7.example.org", "example.org", True),
        ("URI:sip:example.org,DNS:host7.example.org", "host7.example.org", False),
        ("DNS:sip.example.org", "", False),
        ("IP:127.0.0.1", "", True),
    ],
)
async def test_rfc5922_7_the_certificate_has_to_name_the_domain_that_was_called(
    authority: Authority, alternatives: str, name: str, is_accepted: bool
) -> None:
    tls = await Tls.load(files(authority, "named", alternatives))
    async with office(tls) as (_, hop), caller(tls) as alice:
        response = await options(alice, Hop("tls", hop.host, hop.port, name))
        assert response.status == (200 if is_accepted else 503)
        if not is_accepted:
            assert response.reason == f"its certificate is not for {name or hop.host}"


async def test_a_connection_is_not_used_again_for_another_domain(authority: Authority) -> None:
    tls = await Tls.load(files(authority, "one", "DNS:one.example"))
    async with office(tls) as (_, hop), caller(tls) as alice:
        assert (await options(alice, Hop("tls", hop.host, hop.port, "one.example"))).status == 200
        assert (await options(alice, Hop("tls", hop.host, hop.port, "two.example"))).status == 503
        assert (await options(alice, Hop("tls", hop.host, hop.port, "one.example"))).status == 200


async def test_an_authority_that_we_do_not_know_is_not_trusted_unless_checks_are_off(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    ours = await Tls.load(TlsFiles(authorities=stranger.certificate))
    careless = await Tls.load(TlsFiles(checks_servers=False))
    async with office(await Tls.load(files(authority, "known"))) as (_, hop):
        async with caller(ours) as alice:
            response = await options(alice, hop)
            assert (response.status, response.is_local) == (503, True)
            assert response.reason.startswith("its certificate is not trusted")
        async with caller(careless) as alice:
            assert (await options(alice, hop)).status == 200


async def test_clients_without_a_certificate_are_let_in_unless_they_have_to_show_one(
    authority: Authority,
) -> None:
    certificate, key = authority.issue("strict", FOR_LOOPBACK)
    strict = TlsFiles(certificate, key, authority.certificate, checks_clients=True)
    async with office(await Tls.load(strict)) as (_, hop):
        async with caller(await Tls.load(TlsFiles(authorities=authority.certificate))) as stranger:
            assert (await options(stranger, hop)).status == 503
        async with caller(await Tls.load(files(authority, "client", "DNS:client"))) as known:
            assert (await options(known, hop)).status == 200


async def test_tls_before_1_2_is_refused(authority: Authority) -> None:
    tls = await Tls.load(files(authority, "modern"))
    assert tls.server is not None
    assert tls.server.minimum_version is tls.client.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_a_certificate_that_changes_is_in_use_without_a_restart_and_a_broken_one_changes_nothing(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    tls = await Tls.load(files(authority, "renewed", "DNS:old.example"))
    assert tls.files.certificate is not None
    trusting = await Tls.load(TlsFiles(authorities=authority.certificate))
    async with office(tls) as (_, hop):

        async def is_named(name: str) -> bool:
            async with caller(trusting) as alice:
                return (await options(alice, Hop("tls", hop.host, hop.port, name))).status == 200

        assert not await tls.refresh()
        assert await is_named("old.example")
        authority.issue("renewed", "DNS:new.example")
        assert await is_named("old.example")
        assert await tls.refresh()
        assert await is_named("new.example")
        tls.files.certificate.write_text("half a certif")
        assert not await tls.refresh()
        assert not await tls.refresh()
        assert await is_named("new.example")
        assert caplog.text.count("cannot be used; the old one stays in use") == 1


async def test_what_cannot_be_loaded_is_said_with_the_file_s_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"missing\.pem cannot be used: No such file"):
        await Tls.load(TlsFiles(certificate=tmp_path / "missing.pem"))


def test_rfc5922_7_1_sip_uris_with_a_user_stand_for_no_domain() -> None:
    certificate = {"subjectAltName": (("URI", "sip:bob@example.org"), ("DNS", "example.org"))}
    assert is_for(certificate, "example.org")
    assert not is_for({"subject": ((("commonName", "example.org"),),)}, "example.org")
