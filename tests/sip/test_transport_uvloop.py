"""Connections and DNS on the loop that the product runs on, whose TLS is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.resolver import Resolver
from b2bua.sip.session import Answered, Refused
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.tls import Tls, TlsFiles
from b2bua.sip.uri import parse_uri
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.dns import nameserver
from tests.sip.phones import ANSWER, OFFER, Answerer

uvloop = pytest.importorskip("uvloop")


def run(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story)


async def call_and_hang_up(alice: SipEndpoint, bob: SipEndpoint, hop: Hop) -> None:
    answerer = Answerer(bob)
    invite = alice.invite(
        uri=f"sip:bob@{hop.authority}", hop=hop, from_=NameAddr.parse("<sip:alice@localhost>"), offer=OFFER
    )
    async with asyncio.timeout(10):
        while not isinstance(event := await invite.next_event(), Answered):
            assert not isinstance(event, Refused), event
        assert event.body == ANSWER
        answerer.sessions[0].bye()
        await event.session.ended


@needs_openssl
@pytest.mark.parametrize("kind", ["tcp", "tls", "ws", "wss"])
def test_a_call_over_each_kind_of_connection(kind: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = TlsFiles(*authority.issue("bob", "IP:127.0.0.1"), authority.certificate)

    async def story() -> None:
        tls = await Tls.load(files)
        alice, bob = SipEndpoint(user_agent="alice"), SipEndpoint(user_agent="bob")
        try:
            await alice.listen_stream(kind, "127.0.0.1", 0, tls=tls)
            hop = await bob.listen_stream(kind, "127.0.0.1", 0, tls=tls)
            await call_and_hang_up(alice, bob, hop)
            authority.issue("bob", "IP:127.0.0.9")
            assert await tls.refresh()
            await call_and_hang_up(alice, bob, hop)  # over the connection that was trusted
        finally:
            await alice.close()
            await bob.close()

    run(story())


@needs_openssl
def test_a_certificate_for_somebody_else_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = TlsFiles(*authority.issue("bob", "DNS:bob.example"), authority.certificate)

    async def story() -> None:
        tls = await Tls.load(files)
        alice, bob = SipEndpoint(user_agent="alice"), SipEndpoint(user_agent="bob")
        try:
            alice.call_by_tls(tls, host="0.0.0.0")
            hop = await bob.listen_stream("tls", "127.0.0.1", 0, tls=tls)
            with pytest.raises(AssertionError, match=r"its certificate is not for 127\.0\.0\.1"):
                await call_and_hang_up(alice, bob, hop)
        finally:
            await alice.close()
            await bob.close()

    run(story())


def test_names_are_resolved() -> None:
    zone = {
        ("_sip._tcp.example.org", "SRV"): ["0 0 5080 a.example.org."],
        ("a.example.org", "A"): ["127.0.0.1"],
    }

    async def story() -> None:
        async with nameserver(zone) as server:
            hops = await Resolver([server.address]).resolve(parse_uri("sip:example.org"))
        assert hops == [Hop("tcp", "127.0.0.1", 5080)]

    run(story())
