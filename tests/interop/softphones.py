"""Softphones on real sockets that can hear and speak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from b2bua.demo.softphone import Softphone
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.tls import Tls
from media.client import MediaEngine
from tests.harness.ports import HOST, free_port


@asynccontextmanager
async def softphone(
    name: str, *, host: str = HOST, port: int = 0, tls: Tls | None = None
) -> AsyncIterator[Softphone]:
    """Return a phone that has not registered; it calls over UDP, or by ``tls``."""
    async with AsyncExitStack() as stack:
        first_port = free_port()
        engine = await MediaEngine.in_process(address=host, ports=(first_port, first_port + 3))
        stack.push_async_callback(engine.close)
        endpoint = SipEndpoint(user_agent=name)
        if tls is None:
            local = await endpoint.listen_udp(host, port)
        else:
            local = endpoint.call_by_tls(tls, host="::" if ":" in host else "0.0.0.0")
        phone = Softphone(name, endpoint, engine, local)
        stack.push_async_callback(phone.close)
        yield phone
