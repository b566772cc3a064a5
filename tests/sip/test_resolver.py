"""From URIs to addresses (RFC 3263), against a nameserver of our own."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest

from b2bua.errors import Unavailable
from b2bua.sip import nameservers as nameservers_module
from b2bua.sip import resolver as resolver_module
from b2bua.sip.dead_targets import DeadTargets
from b2bua.sip.message import Response
from b2bua.sip.resolver import Resolver, literal_hop, resolve
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import parse_uri
from tests.harness.dns import DnsServer, nameserver
from tests.harness.effort import sooner_than

ZONE = {
    ("example.org", "NAPTR"): [
        '20 50 "s" "SIP+D2U" "" _sip._udp.example.org.',
        '10 50 "s" "SIPS+D2T" "" _sips._tcp.example.org.',
        '20 10 "s" "SIP+D2T" "" _sip._tcp.example.org.',
        '5 5 "u" "E2U+sip" "!^.*$!sip:x@example.org!" .',
        '6 5 "a" "SIP+D2U" "" _sip._udp.shared.example.org.',
    ],
    ("_sip._udp.example.org", "SRV"): ["10 0 5070 a.example.org.", "20 0 5071 b.example.org."],
    ("_sip._tcp.example.org", "SRV"): ["0 0 5080 a.example.org."],
    ("_sips._tcp.example.org", "SRV"): ["0 0 5081 a.example.org."],
    ("example.org", "A"): ["127.0.0.9"],
    ("a.example.org", "A"): ["127.0.0.1"],
    ("a.example.org", "AAAA"): ["::1"],
    ("b.example.org", "A"): ["127.0.0.2"],
    ("plain.example.org", "A"): ["127.0.0.3"],
    ("twice.example.org", "A"): ["127.0.0.3", "127.0.0.4"],
    ("_sip._tcp.only.example.org", "SRV"): ["0 0 5060 b.example.org."],
    ("only.example.org", "A"): ["127.0.0.9"],
    ("_sip._udp.none.example.org", "SRV"): ["0 0 0 ."],
    ("none.example.org", "A"): ["127.0.0.9"],
    ("_sip._udp.shared.example.org", "SRV"): [
        "0 0 1 b.example.org.",
        "0 25 2 b.example.org.",
        "0 75 3 b.example.org.",
    ],
    ("_sip._udp.ranked.example.org", "SRV"): ["20 0 2 b.example.org.", "10 90 1 b.example.org."],
    ("_sip._udp.broken.example.org", "SRV"): ["0 0 5060 gone.example.org.", "1 0 5060 b.example.org."],
}
BY_UDP = "udp:[::1]:5070 udp:127.0.0.1:5070 udp:127.0.0.2:5071"


def resolver(server: DnsServer, **settings: Any) -> Resolver:
    return Resolver([server.address], random=Random(1), **settings)


def written(hops: list[Hop]) -> list[str]:
    return [str(hop) for hop in hops]


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:a@192.0.2.1", Hop("udp", "192.0.2.1", 5060)),
        ("sip:192.0.2.1:5080;transport=TCP", Hop("tcp", "192.0.2.1", 5080)),
        ("sips:a@192.0.2.1", Hop("tls", "192.0.2.1", 5061)),
        ("sips:a@192.0.2.1;transport=tcp", Hop("tls", "192.0.2.1", 5061)),
        ("sips:a@192.0.2.1;transport=ws", Hop("wss", "192.0.2.1", 443)),
        ("sip:a@[2001:db8::1]:5062", Hop("udp", "2001:db8::1", 5062)),
        ("sip:a@example.org", None),
        ("tel:+48221234567", None),
    ],
)
def test_rfc3263_4_literal_addresses_need_no_lookup(uri: str, hop: Hop | None) -> None:
    assert literal_hop(parse_uri(uri)) == hop


async def test_rfc3263_4_2_a_name_is_looked_up_and_one_that_is_none_says_so() -> None:
    assert Hop("udp", "127.0.0.1", 5060) in await resolve(parse_uri("sip:a@localhost"))
    assert await resolve(parse_uri("sip:a@127.0.0.2;transport=tcp")) == [Hop("tcp", "127.0.0.2", 5060)]
    with pytest.raises(Unavailable, match="names no SIP address"):
        await resolve(parse_uri("tel:112"))
    with pytest.raises(Unavailable, match="does not resolve"):
        await resolve(parse_uri("sip:a..b:5060"))


def test_hops_write_ipv6_in_brackets() -> None:
    assert str(Hop("tcp", "::1", 5060)) == "tcp:[::1]:5060"


@pytest.mark.parametrize(
    ("uri", "hops"),
    [
        ("sip:example.org", "tcp:[::1]:5080 tcp:127.0.0.1:5080 " + BY_UDP),
        ("sip:example.org;transport=udp", BY_UDP),
        ("sip:example.org:5099", "udp:127.0.0.9:5099"),
        ("sip:example.org:5099;transport=tcp", "tcp:127.0.0.9:5099"),
        ("sips:example.org", "tls:[::1]:5081 tls:127.0.0.1:5081"),
        ("sip:plain.example.org", "udp:127.0.0.3:5060"),
        ("sip:plain.example.org;transport=tls", "tls:127.0.0.3:5061"),
        ("sip:only.example.org", "tcp:127.0.0.2:5060"),
        ("sip:ranked.example.org", "udp:127.0.0.2:1 udp:127.0.0.2:2"),
        ("sip:broken.example.org", "udp:127.0.0.2:5060"),
    ],
)  # fmt: skip
async def test_rfc3263_4_transport_port_and_address_come_from_naptr_srv_and_a(uri: str, hops: str) -> None:
    async with nameserver(ZONE) as server:
        assert written(await resolver(server).resolve(parse_uri(uri))) == hops.split()


async def test_rfc3263_4_1_naptr_offers_tls_only_to_who_speaks_it_and_srv_is_asked_for_all_we_have() -> None:
    async with nameserver(ZONE) as server:
        with_tls = resolver(server, transports=("udp", "tcp", "tls"))
        hops = await with_tls.resolve(parse_uri("sip:example.org"))
        assert [hop.transport for hop in hops] == ["tls"] * 2 + ["tcp"] * 2 + ["udp"] * 3
        assert {hop.name for hop in hops} == {"example.org"}
        await with_tls.resolve(parse_uri("sip:plain.example.org"))
        assert {name for name, kind in server.asked if kind == "SRV" and "plain" in name} == {
            f"{service}.plain.example.org" for service in ("_sip._udp", "_sip._tcp", "_sips._tcp")
        }


async def test_rfc2782_a_target_of_a_dot_means_that_there_is_no_such_service() -> None:
    async with nameserver(ZONE) as server:
        with pytest.raises(Unavailable, match=r"none\.example\.org says that it has no such service"):
            await resolver(server).resolve(parse_uri("sip:none.example.org"))


async def test_rfc2782_equal_priorities_share_the_calls_by_weight() -> None:
    async with nameserver(ZONE) as server:
        one = resolver(server)
        uri = parse_uri("sip:shared.example.org")
        first = Counter([(await one.resolve(uri))[0].port for _ in range(1000)])
        assert 700 < first[3] < 800
        assert 200 < first[2] < 300
        assert first[1] < 40
        assert {hop.port for hop in await one.resolve(uri)} == {1, 2, 3}


async def test_answers_are_kept_for_their_lifetime_and_asked_again_after_it() -> None:
    async with nameserver(ZONE, ttl=1) as server:
        one, uri = resolver(server), parse_uri("sip:b.example.org:5060")
        for _ in range(3):
            await one.resolve(uri)
        assert server.asked["b.example.org", "A"] == 1
        server.zone["b.example.org", "A"] = ["127.0.0.7"]
        async with asyncio.timeout(5):
            while (await one.resolve(uri))[0].host != "127.0.0.7":
                await asyncio.sleep(0.05)
        assert server.asked["b.example.org", "A"] == 2


async def test_rfc8767_an_old_answer_is_used_while_dns_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nameservers_module, "LOOKUP_TIMEOUT_S", 0.2)
    monkeypatch.setattr(nameservers_module, "SERVICE_TIMEOUT_S", 0.2)
    async with nameserver(ZONE, ttl=0) as server:
        one = resolver(server)
        before = await one.resolve(parse_uri("sip:example.org;transport=udp"))
        server.is_silent = True
        async with asyncio.timeout(3):
            assert await one.resolve(parse_uri("sip:example.org;transport=udp")) == before


async def test_a_nameserver_that_does_not_answer_is_said_so_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nameservers_module, "LOOKUP_TIMEOUT_S", 0.2)
    monkeypatch.setattr(nameservers_module, "SERVICE_TIMEOUT_S", 0.2)
    async with nameserver(ZONE) as server:
        server.is_silent = True
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable, match=r"nowhere\.invalid does not resolve"):
                await resolver(server).resolve(parse_uri("sip:nowhere.invalid"))


@pytest.mark.parametrize("uri", ["sip:plain.example.org", "sip:plain.example.org:5060"])
async def test_f13_rfc8767_5_a_caller_waits_for_silent_dns_less_than_a_second_and_the_next_not_at_all(
    uri: str,
) -> None:
    async with nameserver(ZONE) as server:
        one, target = resolver(server), parse_uri(uri)
        server.is_silent = True

        async def asks() -> None:
            with pytest.raises(
                Unavailable, match=r"^plain\.example\.org does not resolve: DNS does not answer"
            ):
                await one.resolve_soon(target)

        await sooner_than(0.9, asks())
        async with asyncio.timeout(0):  # which is over as soon as anything is waited for
            await asks()
        server.is_silent = False
        assert written(await one.resolve(target)) == ["udp:127.0.0.3:5060"]
        assert written(await one.resolve_soon(target)) == ["udp:127.0.0.3:5060"]


async def test_f13_rfc8767_5_a_caller_is_sent_where_the_last_one_went_while_dns_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver_module, "SOON_S", 0.1)
    async with nameserver(ZONE, ttl=0) as server:
        one = resolver(server)
        before = await one.resolve_soon(parse_uri("sip:example.org;transport=udp"))
        server.is_silent = True
        async with asyncio.timeout(1):
            for _ in range(2):
                assert await one.resolve_soon(parse_uri("sip:example.org;transport=udp")) == before


@pytest.mark.parametrize("uri", ["sip:plain.example.org", "sip:plain.example.org;transport=tcp"])
async def test_rfc3263_4_behind_a_router_that_drops_naptr_and_srv_a_caller_hardly_waits(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """The address is found in the time that is left; there is more of it here, as the machine may be busy."""
    assert resolver_module.SERVICE_PATIENCE_S < resolver_module.SOON_S / 2
    monkeypatch.setattr(resolver_module, "SOON_S", 20.0)
    async with nameserver(ZONE) as server:
        server.drops = {"NAPTR", "SRV"}
        # It is 0.3 s; who waits for what is dropped waits for 2 s and more.
        hops = await sooner_than(1.5, resolver(server).resolve_soon(parse_uri(uri)))
        assert [hop.host for hop in hops] == ["127.0.0.3"]


async def test_rfc3263_4_slow_services_of_a_domain_count_once_they_were_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver_module, "SERVICE_PATIENCE_S", 0.05)
    async with nameserver(ZONE, ttl=0) as server:
        one, uri = resolver(server), parse_uri("sip:only.example.org")
        assert written(await one.resolve_soon(uri)) == ["tcp:127.0.0.2:5060"]
        server.drops = {"NAPTR", "SRV"}
        assert written(await one.resolve_soon(uri)) == ["tcp:127.0.0.2:5060"]


async def test_a_question_goes_on_when_nobody_waits_for_its_answer_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver_module, "SOON_S", 0.05)
    async with nameserver(ZONE) as server:
        one, uri = resolver(server), parse_uri("sip:b.example.org:5060")
        server.delay_s = 0.1
        with pytest.raises(Unavailable):
            await one.resolve_soon(uri)
        assert written(await one.resolve(uri)) == ["udp:127.0.0.2:5060"]
        assert server.asked["b.example.org", "A"] == 1


async def test_rfc3263_4_3_a_dead_target_comes_last_until_its_time_is_over_or_it_answers() -> None:
    loop = asyncio.get_running_loop()
    async with nameserver(ZONE) as server:
        dead = DeadTargets()
        one = resolver(server, dead_targets=dead)
        uri = parse_uri("sip:twice.example.org")
        three, four = await one.resolve(uri)
        dead.note(three, now=loop.time())
        assert await one.resolve(uri) == [four, three]
        dead.note(four, now=loop.time())
        assert await one.resolve(uri) == [three, four]  # all dead: tried nevertheless
        dead.judge(four, Response(404), now=loop.time())
        assert await one.resolve(uri) == [four, three]
    assert not dead.is_dead(three, now=loop.time() + 60)


@pytest.mark.parametrize(
    ("status", "is_local", "retry_after", "dead_s"),
    [
        (503, False, None, 60),
        (503, True, None, 60),
        (503, False, "5 (soon)", 5),
        (503, False, "86400", 600),
        (408, True, None, 60),
        (408, False, None, 0),
        (486, False, None, 0),
    ],
)
def test_rfc3263_4_3_what_counts_as_a_failure(
    status: int, is_local: bool, retry_after: str | None, dead_s: float
) -> None:
    dead, hop, response = DeadTargets(), Hop("udp", "192.0.2.1", 5060), Response(status)
    response.is_local = is_local
    if retry_after:
        response.headers.add("Retry-After", retry_after)
    dead.judge(hop, response, now=0.0)
    assert dead.is_dead(hop, now=dead_s - 0.1) is (dead_s > 0)
    assert not dead.is_dead(hop, now=dead_s)
