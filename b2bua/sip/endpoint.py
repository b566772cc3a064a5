"""The asyncio shell of the SIP core: one object that listens, calls and is called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from b2bua.errors import Declined
from b2bua.sip.authorization import Authorizer
from b2bua.sip.body import SDP
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.digest import Credentials
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response, response_to
from b2bua.sip.replaces import Replaces
from b2bua.sip.resolver import DEFAULT_TLS_PORT
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.early import EarlyFork
from b2bua.sip.session.established import Session
from b2bua.sip.session.incoming import IncomingInvite
from b2bua.sip.session.outgoing import OutgoingInvite
from b2bua.sip.session_timers import LEAST_S
from b2bua.sip.trace import Trace, TracedTransport
from b2bua.sip.transport.connection import StreamLimits
from b2bua.sip.transport.hop import Hop, Transport
from b2bua.sip.transport.origins import Origins
from b2bua.sip.transport.stream import StreamTransport
from b2bua.sip.transport.tls import Tls
from b2bua.sip.transport.udp import UdpTransport
from b2bua.sip.uri import parse_uri
from b2bua.sip.user_agent import UserAgent, is_secure

__all__ = ["IncomingInvite", "ServerRequest", "SipEndpoint"]

CLOSE_TIMEOUT_S = 2.0
"""How long ``close`` waits for the peers to confirm."""


class SipEndpoint(UserAgent):
    """A user agent on any number of addresses; made within a running loop.

    ``on_invite`` takes each new call, ``on_request`` each other request outside dialogs; while unset, those
    methods are answered 405.
    """

    trace: Trace | None = None
    """Notes what every transport sends and receives that is attached from then on."""

    # --- addresses ----------------------------------------------------------------------------------------

    async def listen_udp(self, host: str, port: int, *, advertised: str | None = None) -> Hop:
        """Return the bound address (port 0: any). ``advertised`` is our address beyond a NAT.

        Raises:
            OSError: the address is taken or not ours.
        """
        return self.attach(await UdpTransport.bind(host, port, advertised=advertised))

    async def listen_tcp(self, host: str, port: int, *, advertised: str | None = None) -> Hop:
        """Return the bound address, as ``listen_udp``."""
        return self.attach(await StreamTransport.bind(host, port, advertised=advertised))

    async def listen_stream(
        self,
        kind: str,
        host: str,
        port: int,
        *,
        tls: Tls | None = None,
        advertised: str | None = None,
        limits: StreamLimits | None = None,
        origins: Origins | None = None,
    ) -> Hop:
        """Return the bound address, as ``listen_udp``; ``kind`` is tcp, tls, ws or wss."""
        return self.attach(
            await StreamTransport.bind(
                host, port, kind=kind, tls=tls, advertised=advertised, limits=limits, origins=origins
            )
        )

    def call_by_tls(self, tls: Tls, *, host: str, advertised: str | None = None) -> Hop:
        """Open TLS connections where none are listened for; ``host`` is ``0.0.0.0`` or ``::``."""
        local = Hop("tls", host, DEFAULT_TLS_PORT)
        return self.attach(StreamTransport("tls", local=local, tls=tls, advertised=advertised))

    def attach(self, transport: Transport) -> Hop:
        """Return the address of a transport that is ours from now on."""
        if self.trace is not None:
            transport = TracedTransport(transport, self.trace)
        self._layer.transports.add(transport)
        self._local_hops.clear()
        transport.attach(self._layer)
        return transport.local

    def alive(self) -> dict[str, int]:
        """Return how many transactions, dialogs, remembered INVITEs and timers there are; all 0 when idle."""
        return {
            "transactions": len(self._layer),
            "dialogs": len(self._dialogs),
            "invites": len(self._invites),
            "timers": self.alarms.alive,
        }

    def find_session(self, replaces: Replaces) -> Session | None:
        """Return the call that ``replaces`` names, None when there is none or it is over (RFC 3891 §3)."""
        owner = self._dialogs.get((replaces.call_id, replaces.to_tag, replaces.from_tag))
        return owner if isinstance(owner, Session) and not owner.ended.done() else None

    def find_waiting(self, replaces: Replaces) -> IncomingInvite | None:
        """Return the INVITE that ``replaces`` names, of a peer whose call rings yet; None: there is none."""
        owner = self._dialogs.get((replaces.call_id, replaces.to_tag, replaces.from_tag))
        return owner if isinstance(owner, IncomingInvite) and not owner.has_final else None

    def find_replaced(self, replaces: Replaces) -> Session | OutgoingInvite:
        """Return what an INVITE with ``replaces`` takes the place of: a call, or a ringing INVITE of ours.

        Raises:
            Declined: 481 there is no such dialog, or the peer began it and waits for us; 486 it is answered
                and only what rings was meant; 603 it is over (RFC 3891 §3).
        """
        key = (replaces.call_id, replaces.to_tag, replaces.from_tag)
        match self._dialogs.get(key):
            case EarlyFork():
                invite = self._invites.get(key[:2])
                if not isinstance(invite, OutgoingInvite) or invite.is_over:
                    raise Declined(603, "That call is over")
                return invite
            case Session() as session if session.ended.done():
                raise Declined(603, "That call is over")
            case Session() if replaces.is_early_only:
                raise Declined(486, "That call is answered")
            case Session() as session:
                return session
            case None if self.is_over(key):
                raise Declined(603, "That call is over")
        raise Declined(481, "There is no such call")

    # --- calling ------------------------------------------------------------------------------------------

    async def request(
        self,
        request: Request,
        hop: Hop,
        *,
        credentials: Credentials | None = None,
        deadline_s: float | None = None,
    ) -> Response:
        """Return the final response to a request outside dialogs; challenges are met with ``credentials``.

        Call-ID, CSeq, Max-Forwards and From tag are added where absent; a challenge raises CSeq by one, see
        ``response.cseq``. Silence gives 408 and a dead destination 503, with ``is_local`` set.
        """
        request = self._completed(request)
        authorization = Authorizer(credentials, self.new_token)
        try:
            async with asyncio.timeout(deadline_s):
                response = await self._final_response(request, hop)
                while (again := authorization.retry(request, response)) is not None:
                    request = again
                    response = await self._final_response(request, hop)
                return response
        except TimeoutError:
            self.dead_targets.note(hop, now=self.now())
            response = response_to(request, 408)
            response.is_local = True
            return response

    def _completed(self, request: Request) -> Request:
        request = request.copy()
        headers = request.headers
        if "Max-Forwards" not in headers:
            headers.add("Max-Forwards", "70")
        if "Call-ID" not in headers:
            headers.add("Call-ID", self.new_token())
        if "CSeq" not in headers:
            headers.add("CSeq", f"{self.random.randrange(1, 1 << 16)} {request.method}")
        if "To" not in headers:
            headers.add("To", f"<{request.uri}>")
        if "From" not in headers:
            headers.add("From", headers.get("To") or "")
        if request.from_.tag is None:
            headers.put("From", str(request.from_.with_tag(self.new_token())))
        return request

    async def _final_response(self, request: Request, hop: Hop) -> Response:
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response) -> None:
            if response.status >= 200 and not final.done():
                final.set_result(response)

        sent = self.send_request(request, hop, take)
        try:
            return await final
        finally:
            if not final.done() or final.cancelled():
                self.abandon_request(sent)

    def invite(
        self,
        *,
        uri: str,
        hop: Hop,
        from_: NameAddr,
        to: NameAddr | None = None,
        offer: bytes,
        contact_user: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        call_id: str | None = None,
        max_forwards: int = 70,
        most_redirects: int = 0,
    ) -> OutgoingInvite:
        """Send an INVITE to ``uri`` by way of ``hop`` and return it; its events tell what becomes of it.

        ``max_forwards`` is one less than that of the call it is for: no call goes in circles (RFC 7332).
        ``most_redirects`` is how many addresses that 3xx responses name are tried; 0: none.

        Raises:
            MalformedMessage: ``uri`` is no URI.
        """
        contact = self.contact(hop, contact_user, is_secure=is_secure(uri))
        to = to or NameAddr(parse_uri(uri))
        lines = [
            ("Max-Forwards", str(max_forwards)),
            ("From", str(from_.with_tag(self.new_token()))),
            ("To", str(to.without_parameters())),
            ("Call-ID", call_id or self.new_token()),
            ("CSeq", "1 INVITE"),
            ("Contact", contact),
            ("Allow", ALLOWED),
            ("Supported", SUPPORTED),
            *self._session_interval(),
            *headers,
        ]
        if offer:
            lines.append(("Content-Type", SDP))
        request = Request("INVITE", uri, Headers(lines), offer)
        return OutgoingInvite(
            self, request, hop, contact=contact, credentials=credentials, most_redirects=most_redirects
        )

    def _session_interval(self) -> tuple[tuple[str, str], ...]:
        """Return what an INVITE asks for, so that the death of either end is noticed (RFC 4028 §7.1)."""
        timers = self.session_timers
        if timers.interval_s is None:
            return ()
        least = (("Min-SE", str(timers.least_s)),) if timers.least_s > LEAST_S else ()
        return (("Session-Expires", str(timers.interval_s)), *least)

    # --- the end ------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Hang up and cancel what is alive, give the peers 2 s to confirm, and release every address."""
        self.on_invite = self.on_request = None
        owners = (*self._invites.values(), *self._dialogs.values())
        endings = [ending for ending in [owner.close() for owner in owners] if ending is not None]
        if endings:
            await asyncio.wait(endings, timeout=CLOSE_TIMEOUT_S)
        await self._layer.close()
        self._dialogs.clear()
        self._invites.clear()
