"""A carrier on real sockets that calls the started product and can hear and speak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import PlacedCall
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri
from media.client import MediaEngine
from tests.harness.ports import HOST, free_port
from tests.harness.product import Product

CALLER = "+48500600700"
ANSWER_S = 20.0


@asynccontextmanager
async def carrier_call(product: Product, number: str, codec: str = "PCMA") -> AsyncIterator[CalleeLeg]:
    """Call ``number`` knowing ``codec`` only; the block runs from the answer on."""
    async with carrier_calls(product, number, codec=codec) as (leg,):
        yield leg


@asynccontextmanager
async def carrier_calls(
    product: Product, number: str, count: int = 1, *, codec: str = "PCMA"
) -> AsyncIterator[list[CalleeLeg]]:
    """Call ``number`` so many times at once; the block runs from the last answer on."""
    async with placed_calls(product, number, count, codec=codec) as placed:
        yield [await call.answered(within=ANSWER_S) for call in placed]


@asynccontextmanager
async def placed_calls(
    product: Product, number: str, count: int = 1, *, codec: str = "PCMA"
) -> AsyncIterator[list[PlacedCall]]:
    """Call ``number`` so many times at once; the block runs while it rings."""
    first_port = free_port()
    engine = await MediaEngine.in_process(address=HOST, ports=(first_port, first_port + 4 * count - 1))
    endpoint = SipEndpoint(user_agent="carrier")
    local = await endpoint.listen_udp(HOST, 0)
    dial = Dial(
        who=number,
        uri=str(SipUri(number, HOST, port=product.port)),
        hop=Hop("udp", HOST, product.port),
        from_=NameAddr(SipUri(CALLER, local.host)),
    )
    placed: list[PlacedCall] = []
    try:
        for _ in range(count):
            leg = CalleeLeg(dial, await engine.open_leg("carrier"), SoundProfile(codecs=(codec,)))
            placed.append(PlacedCall(leg, leg.invite(endpoint)))
        yield placed
    finally:
        for call in placed:
            await call.close()
        await endpoint.close()
        await engine.close()
