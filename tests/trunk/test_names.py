"""Row F13: what trunks are called is known before the first call goes out by them."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.dead_targets import DeadTargets
from b2bua.sip.resolver import SOON_S, Resolver
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri
from b2bua.trunk.names import EVERY_S, TrunkNames
from b2bua.trunk.selection import next_hop
from tests.harness.clock import virtual_time

HOP = Hop("udp", "192.0.2.7", 5060, "sip.provider.example")
BY_NAME = Trunk(name="provider", host="sip.provider.example")
BY_ADDRESS = Trunk(name="line", host="192.0.2.9")
UNKNOWN = Trunk(name="gone", host="gone.example")


class SlowDns(Resolver):
    """Answers after 1.5 s, longer than a caller waits; knows nothing of one name."""

    asked = 0

    async def _find(self, uri: SipUri) -> list[Hop]:
        self.asked += 1
        await asyncio.sleep(1.5)
        if uri.host != BY_NAME.host:
            raise Unavailable(f"{uri.host} does not resolve")
        return [HOP]


@virtual_time(limit_s=20_000)
async def test_row_f13_the_first_caller_finds_a_name_that_takes_dns_longer_than_they_wait() -> None:
    dns = SlowDns(dead_targets=DeadTargets())
    with pytest.raises(Unavailable):
        await dns.resolve_soon(next_hop(BY_NAME))
    await asyncio.sleep(10)
    names = TrunkNames(lambda: {each.name: each for each in (BY_NAME, BY_ADDRESS, UNKNOWN)}, dns.resolve)
    keeping = asyncio.create_task(names.run())
    await asyncio.sleep(2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await dns.resolve_soon(next_hop(BY_NAME)) == [HOP]
    assert loop.time() - began == pytest.approx(SOON_S)
    asked = dns.asked
    await asyncio.sleep(EVERY_S)
    assert dns.asked == asked + 2, "again and again, but no addresses"
    keeping.cancel()


@virtual_time
async def test_each_name_is_asked_for_once_however_many_trunks_have_it() -> None:
    asked: list[Uri] = []

    async def resolve(uri: Uri) -> list[Hop]:
        asked.append(uri)
        return [HOP]

    twin = Trunk(name="twin", host="sip.provider.example")
    await TrunkNames(lambda: {"provider": BY_NAME, "twin": twin}, resolve).look_up()
    assert asked == [next_hop(BY_NAME)]
