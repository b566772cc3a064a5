"""The office's HTTP interface, where one is configured; its libraries are imported then, and not else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2bua.api.office import Office
    from b2bua.server import Server


@asynccontextmanager
async def interface(server: Server) -> AsyncIterator[None]:
    """Serve the interface of ``server``, if it has one, for as long as the block runs.

    Raises:
        B2buaError: its address is taken, or its certificate cannot be used.
    """
    api = server.config.api
    if api is None:
        yield
        return
    from b2bua.api.app import build_app
    from b2bua.api.serving import serving

    async with serving(build_app(_shown(server), lambda: api.tokens), api):
        yield


def _shown(server: Server) -> Office:
    from b2bua.api.office import Office

    return Office(
        directory=lambda: server.editions.current.directory,
        presence=server.attendance.presence,
        decisions=server.attendance.decisions,
        plan=lambda: server.plan,
        bindings=server.bindings,
        occupancy=server.occupancy,
        calls=server.roll,
        promises=server.store.promises,
        messages=server.store.messages,
        recordings=server.store.recordings,
        signer=server.store.signer,
        clock=server.attendance.clock,
        zone=lambda: server.editions.current.zone,
        language=lambda: server.config.office.language,
    )
