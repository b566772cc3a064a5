"""The one timer of the transaction layer, on the loop that the product runs on."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.sip.layer import ServerCall, TransactionLayer
from b2bua.sip.message import Request, Response
from b2bua.sip.timers import Timers
from b2bua.sip.transport.hop import Hop

uvloop = pytest.importorskip("uvloop")


class Silent:
    """A transaction user of whom nothing is asked."""

    def take_request(self, call: ServerCall) -> None: ...

    def take_ack(self, request: Request) -> None: ...

    def take_stray(self, response: Response) -> None: ...

    def reply_failed(self, call: ServerCall) -> None: ...

    def heard(self, source: Hop) -> None: ...

    def connection_lost(self, hop: Hop) -> None: ...


def test_deadlines_that_passed_while_the_loop_was_busy_are_served_and_later_ones_too() -> None:
    async def story() -> list[str]:
        layer = TransactionLayer(Silent(), timers=Timers())
        served: list[str] = []
        is_over = asyncio.Event()
        now = layer.now()
        layer.alarms.set(now - 0.2, lambda: served.append("long past"))
        layer.alarms.set(now - 0.1, lambda: served.append("past"))
        layer.alarms.set(now + 0.01, is_over.set)
        async with asyncio.timeout(5):
            await is_over.wait()
        await layer.close()
        return served

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(story()) == ["long past", "past"]
