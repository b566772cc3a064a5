"""Hosts that sound is sent to by their names, against a nameserver of our own."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.sip import resolver as resolver_module
from b2bua.sip.named_servers import NamedServers
from b2bua.sip.resolver import Resolver
from tests.harness.dns import nameserver

MEDIA = "media.carrier.example"


async def test_rfc8767_5_a_host_that_was_found_before_is_where_it_was_while_dns_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver_module, "SOON_S", 0.1)
    async with nameserver({(MEDIA, "A"): ["127.0.0.2"]}, ttl=0) as dns, asyncio.TaskGroup() as group:
        servers = NamedServers(Resolver([dns.address]), group.create_task)

        async def hosts(name: str) -> list[str]:
            told: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
            servers.find_hosts(name, told.set_result)
            return await told

        assert await hosts(MEDIA) == ["127.0.0.2"]
        dns.is_silent = True
        async with asyncio.timeout(3):  # DNS itself is given up after 5 s
            assert await hosts(MEDIA) == ["127.0.0.2"]
        dns.is_silent = False
        assert await hosts(f"not.{MEDIA}") == []
