"""Trunks that are watched, rows D11 and F13: who is down is passed over, and the office is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.resolver import resolve
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.transport.memory import MemoryNetwork
from b2bua.store import Store
from b2bua.trunk.callerid import Caller
from b2bua.trunk.selection import TrunkSelection
from b2bua.trunk.watch import TrunkWatch
from tests.harness.clock import virtual_time

OFFICE, PROVIDER, OTHER = "10.0.0.1", "192.0.2.1", "192.0.2.2"
NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CALLER = Caller(number="+48600100200", dialled="+48221230001")


@dataclass
class Carrier:
    """A server that answers OPTIONS and REGISTER with the status it is told."""

    statuses: dict[str, int] = field(default_factory=lambda: {"OPTIONS": 200, "REGISTER": 200})
    asked: list[float] = field(default_factory=list)

    def on_request(self, server: ServerRequest) -> None:
        if server.request.method == "OPTIONS":
            self.asked.append(asyncio.get_running_loop().time())
        server.respond(self.statuses[server.request.method])


@dataclass
class Scene:
    """Two trunks, the first at ``carrier``, and what is known of them."""

    network: MemoryNetwork
    carrier: Carrier
    watch: TrunkWatch
    selection: TrunkSelection
    store: Store

    def trunk(self) -> str:
        """Return whom a call would go through."""
        return self.selection.route("+48600999888", CALLER).trunk.name

    async def states(self) -> dict[str, tuple[str, float, str, str]]:
        """Return what is kept: state, seconds after nine, server and error."""
        await asyncio.sleep(1)
        return {
            name: (one.state, round((one.since - NINE).total_seconds()), one.server, one.last_error)
            for name, one in (await self.store.trunk_states.all()).items()
        }


@asynccontextmanager
async def scene(folder: Path, **keys: Any) -> AsyncIterator[Scene]:
    network, carrier = MemoryNetwork(), Carrier()
    ours, theirs = SipEndpoint(user_agent="office"), SipEndpoint(user_agent="carrier")
    ours.attach(network.transport(OFFICE))
    theirs.attach(network.transport(PROVIDER))
    theirs.on_request = carrier.on_request
    trunks = (Trunk(name="first", **{"host": PROVIDER, **keys}), Trunk(name="second", host=OTHER))
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with await Store.open(folder) as store:
        watch = TrunkWatch(
            trunks,
            ours,
            random=Random(1),
            resolve=resolve,
            kept=store.trunk_states,
            clock=lambda: NINE + timedelta(seconds=loop.time() - started),
        )
        selection = TrunkSelection(trunks, is_usable=watch.is_usable, current=watch.current)
        tasks: list[asyncio.Task[None]] = []

        def start(work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[None]:
            tasks.append(asyncio.create_task(work, name=name))
            return tasks[-1]

        watch.start(start)
        try:
            yield Scene(network, carrier, watch, selection, store)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await ours.close()
            await theirs.close()


@virtual_time
async def test_f13_a_trunk_that_falls_silent_is_passed_over_until_it_answers_again(tmp_path: Path) -> None:
    async with scene(tmp_path, qualify_every_s=10.0) as office:
        await asyncio.sleep(35)
        assert [round(at) for at in office.carrier.asked] == [0, 10, 20, 30]
        assert office.trunk() == "first"
        office.network.blackhole(PROVIDER)
        await asyncio.sleep(5 + 4.5)
        assert office.trunk() == "second"
        error = f"udp:{PROVIDER}:5060 does not answer"
        assert await office.states() == {"first": ("silent", 44, PROVIDER, error)}
        office.network.blackhole(PROVIDER, on=False)
        await asyncio.sleep(15)
        assert office.trunk() == "first"
        assert (await office.states())["first"][::3] == ("reachable", "")


@virtual_time
async def test_f13_a_trunk_that_says_503_is_down_and_one_that_says_405_is_up(tmp_path: Path) -> None:
    async with scene(tmp_path, qualify_every_s=10.0) as office:
        office.carrier.statuses["OPTIONS"] = 405
        await asyncio.sleep(1)
        assert office.trunk() == "first"
        office.carrier.statuses["OPTIONS"] = 503
        await asyncio.sleep(10)
        assert office.trunk() == "second"
        assert (await office.states())["first"][3] == f"udp:{PROVIDER}:5060 answers 503 Service Unavailable"


@virtual_time
async def test_a_registered_trunk_is_down_when_it_does_not_answer_options_if_it_is_asked(
    tmp_path: Path,
) -> None:
    account = {"registrar": PROVIDER, "username": "u", "password": "p", "host": None}
    async with scene(tmp_path, qualify_every_s=60.0, keep_alive_s=0, **account) as office:
        assert (await office.states())["first"] == ("registered", 0, PROVIDER, "")
        office.carrier.statuses["OPTIONS"] = 503
        await asyncio.sleep(60)
        assert not office.watch.is_usable("first")
        assert (await office.states())["first"][0] == "silent"


@virtual_time
async def test_when_all_trunks_are_down_it_is_said_which(tmp_path: Path) -> None:
    async with scene(tmp_path, qualify_every_s=10.0) as office:
        office.network.blackhole(PROVIDER)
        await asyncio.sleep(20)
        only = TrunkSelection(
            [one.trunk for one in office.watch.qualifications], is_usable=office.watch.is_usable
        )
        with pytest.raises(Unavailable, match="trunk first is down"):
            only.route("+48600999888", CALLER)
