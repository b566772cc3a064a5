"""The office's HTTP interface, where one is configured; its libraries are imported then, and not else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from b2bua.config.tables import Api
from b2bua.errors import B2buaError
from b2bua.sip.transport.tls import Tls, TlsFiles

if TYPE_CHECKING:
    from b2bua.api.office import Office
    from b2bua.server import Server

log = structlog.get_logger("office")


class Interface:
    """Serves as the configuration in force says, which may change: tokens at once, the address soon after."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._served: Api | None = None
        """What stands behind the sockets; None: there are none."""
        self._sockets = AsyncExitStack()
        self._has_news = asyncio.Event()

    def changed(self) -> None:
        """Note that another configuration is in force."""
        self._has_news.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve for as long as the block runs.

        Raises:
            B2buaError: the address is taken, or the certificate cannot be used.
        """
        try:
            await self._serve(self._server.config.api)
            following = self._server.background.start(self._follow(), name="interface")
            try:
                yield
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        finally:
            await self._sockets.aclose()

    async def _follow(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            wanted = self._server.config.api
            if _place(wanted) != _place(self._served):
                await self._move(wanted)

    async def _move(self, wanted: Api | None) -> None:
        """Serve elsewhere; where that cannot be, as before. Requests under way are finished first."""
        before = self._served
        await self._sockets.aclose()
        try:
            await self._serve(wanted)
        except B2buaError as error:
            log.error(f"{error}; the API stays where it was", at=before.listen if before else "nowhere")
            await self._serve_again(before)
        else:
            if wanted is None:
                log.info("the API is closed")

    async def _serve_again(self, before: Api | None) -> None:
        try:
            await self._serve(before)
        except B2buaError as error:
            log.error(f"{error}; nobody can ask the API", see="[api]")

    async def _serve(self, api: Api | None) -> None:
        self._served = None
        if api is None:
            return
        from b2bua.api.app import build_app
        from b2bua.api.serving import serving

        app = build_app(_shown(self._server), tokens=self._tokens, edit_tokens=self._edit_tokens)
        tls = await self._certificate(api)
        await self._sockets.enter_async_context(serving(app, api, tls))
        self._served = api

    async def _certificate(self, api: Api) -> ssl.SSLContext | None:
        """Return what speaks TLS with the certificate as it is by then; it is watched with the sockets."""
        if api.tls_certificate is None:
            return None
        try:
            tls = await Tls.load(TlsFiles(api.tls_certificate, api.tls_key))
        except OSError as error:
            why = error.strerror or error
            raise B2buaError(f"the certificate of [api] cannot be used: {why}") from error
        watching = self._server.background.start(tls.watch(), name="certificate of the API")
        self._sockets.callback(watching.cancel)
        return tls.server

    def _tokens(self) -> tuple[str, ...]:
        api = self._server.config.api
        return api.tokens if api is not None else ()

    def _edit_tokens(self) -> tuple[str, ...]:
        api = self._server.config.api
        return api.edit_tokens if api is not None else ()


def _place(api: Api | None) -> tuple[object, ...] | None:
    """Return what cannot change while a socket is open."""
    return (api.address, api.tls_certificate, api.tls_key) if api is not None else None


def _shown(server: Server) -> Office:
    from b2bua.api.office import Office
    from b2bua.editing import Editor
    from b2bua.inbound.web_requests import WebRequests

    editor = Editor(server)
    return Office(
        directory=lambda: server.editions.current.directory,
        presence=server.attendance.presence,
        decisions=server.attendance.decisions,
        plan=lambda: server.plan,
        bindings=server.bindings,
        occupancy=server.occupancy,
        calls=server.serving.roll,
        promises=server.store.promises,
        messages=server.store.messages,
        recordings=server.store.recordings,
        signer=server.store.signer,
        clock=server.attendance.clock,
        zone=lambda: server.editions.current.zone,
        language=lambda: server.config.office.language,
        config=lambda: server.config,
        completed=lambda config: config.plan().with_calendars(server.calendars.known),
        extensions_dialled=server.store.journal.extensions_dialled,
        callbacks=server.store.callbacks,
        promise=WebRequests(server.store.callbacks, server.serving.mails, server.outside).promise,
        call_now=server.call_now,
        edit=lambda edit, who: editor.carry_out(edit, who=who),
    )
