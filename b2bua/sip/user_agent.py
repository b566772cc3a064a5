"""The user agent core: checks requests, finds their dialog, serves the sessions (RFC 3261 §8, §12)."""

from __future__ import annotations

import math
import random as random_module
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator

from b2bua.errors import MalformedMessage
from b2bua.sip.alarms import Alarms
from b2bua.sip.body import READABLE, accepts_sdp, is_readable
from b2bua.sip.capabilities import ALLOWED, UNDERSTOOD, WITHIN_DIALOGS
from b2bua.sip.core import DialogOwner, InviteOwner, OnResponse, Sent, SentRequest
from b2bua.sip.dialog import Dialog, DialogKey
from b2bua.sip.headers import Via
from b2bua.sip.layer import ClientCall, ServerCall, TransactionLayer
from b2bua.sip.message import Request, Response
from b2bua.sip.named_servers import NamedServers
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.events import Ending
from b2bua.sip.session.incoming import IncomingInvite, ending_before_answer
from b2bua.sip.session_timers import SessionTimers, is_too_short
from b2bua.sip.timers import Timers
from b2bua.sip.transaction import cancel_for
from b2bua.sip.transaction.key import MAGIC_COOKIE
from b2bua.sip.transport.addressing import local_hop
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import OtherUri, SipUri

MOST_LOCAL_HOPS = 4096
TOKENS_AT_ONCE = 64
MOST_OVER = 1000
"""Dialogs remembered as over, for those who ask to replace them."""
LARGEST_DATAGRAM = 1300
"""Bytes of a request that pass every network without fragments, which NATs and firewalls drop (§18.1.1)."""
_NONE: frozenset[str] = frozenset()
CONTACT_TRANSPORTS = {
    kind: f";transport={name}" for kind, name in (("tcp", "tcp"), ("tls", "tls"), ("ws", "ws"), ("wss", "ws"))
}
"""There is no ``wss`` in URIs (RFC 7118 §5.4)."""
LOCAL_HOP_LIFETIME_S = 5.0
"""Our address toward a peer changes when the network comes up after us, or with a new DHCP lease."""


class UserAgent:
    """What lies between the transactions and the sessions."""

    def __init__(
        self,
        *,
        user_agent: str,
        timers: Timers | None = None,
        session_timers: SessionTimers | None = None,
        random: random_module.Random | None = None,
    ) -> None:
        """``random`` makes tags, branches and delays repeatable, for tests only."""
        self.on_invite: Callable[[IncomingInvite], None] | None = None
        self.on_request: Callable[[ServerRequest], None] | None = None
        self.on_connection_lost: Callable[[Hop], None] | None = None
        self.on_heard: Callable[[Hop], None] | None = None
        """Told where each message came from that could be understood."""
        self.current_flow: Callable[[str], Hop | None] | None = None
        """Returns over which connection a registered contact can be reached now; None: nobody knows one."""
        self.servers: NamedServers | None = None
        """Finds the servers that peers name, for when their connections are closed."""
        self.understood: dict[str, frozenset[str]] = {}
        """Option tags that ``on_request`` understands beside ours, by method."""
        self.user_agent = user_agent
        self.timers = timers or Timers()
        self.session_timers = session_timers or SessionTimers()
        self.random = random or random_module.SystemRandom()
        self._tokens = _tokens() if random is None else None
        self._layer = TransactionLayer(self, timers=self.timers)
        self.alarms: Alarms = self._layer.alarms
        self.now = self._layer.now
        self.dead_targets = self._layer.dead_targets
        self._dialogs: dict[DialogKey, DialogOwner] = {}
        self._over: OrderedDict[DialogKey, float] = OrderedDict()
        self._invites: dict[tuple[str, str], InviteOwner] = {}
        self._local_hops: dict[Hop, Hop] = {}
        self._local_hops_until = 0.0

    # --- services for sessions ----------------------------------------------------------------------------

    def new_token(self) -> str:
        """Return an unguessable tag, branch or Call-ID part."""
        if self._tokens is not None:
            return next(self._tokens)
        return f"{self.random.getrandbits(64):016x}"

    def local_hop(self, toward: Hop) -> Hop:
        """Return our address as the peer at ``toward`` should see it in Via and Contact."""
        now = self.now()
        if now >= self._local_hops_until or len(self._local_hops) > MOST_LOCAL_HOPS:
            self._local_hops.clear()
            self._local_hops_until = now + LOCAL_HOP_LIFETIME_S
        known = self._local_hops.get(toward)
        if known is None:
            transport = self._layer.transport_for(toward)
            known = local_hop(transport, toward) if transport else Hop(toward.transport, "127.0.0.1", 5060)
            self._local_hops[toward] = known
        return known

    def is_connected(self, hop: Hop) -> bool:
        """Return whether a message to ``hop`` needs no new connection."""
        transport = self._layer.transport_for(hop)
        return transport is not None and transport.is_connected(hop)

    def has_way(self, hop: Hop) -> bool:
        """Return whether we have a transport that reaches ``hop``."""
        return self._layer.transport_for(hop) is not None

    def contact(self, toward: Hop, user: str | None, *, is_secure: bool = False) -> str:
        """Return our Contact value for peers at ``toward``; ``sips:`` for who called one (§12.1.1)."""
        local = self.local_hop(toward)
        host = f"[{local.host}]" if ":" in local.host else local.host
        address = f"{user}@{host}:{local.port}" if user else f"{host}:{local.port}"
        transport = CONTACT_TRANSPORTS.get(local.transport, "")
        return f"<sips:{address}{transport}>" if is_secure else f"<sip:{address}{transport}>"

    def hop_of(self, dialog: Dialog) -> Hop:
        """Return where requests within ``dialog`` go now: a TCP connection of the peer while it is open.

        Else over the one by which the phone has registered anew since (RFC 5626 §4.3), to the server that the
        peer names, or to its address.
        """
        first, second = dialog.hops()
        transport = self._layer.transport_for(first)
        if transport is not None and (first != dialog.flow or transport.is_connected(first)):
            return first
        found = self._find_anew(dialog)
        if found is not None and self.has_way(found):
            return found
        return second if self._layer.transport_for(second) is not None else first

    def _find_anew(self, dialog: Dialog) -> Hop | None:
        """Return where a peer is whose connection is gone: at the phone's new one, or the server it names."""
        moved = self.current_flow(dialog.remote_target) if self.current_flow is not None else None
        if moved is not None and moved.is_reliable and self.is_connected(moved):
            return moved
        named = dialog.named_server
        if self.servers is None or named is None:
            return None
        return self.servers.hop(named, like=dialog.flow)

    def expect_server(self, dialog: Dialog) -> None:
        """Learn in time where the peer is reached anew that names a server and may close its connection."""
        flow = dialog.flow
        if self.servers is None or not flow.is_reliable or flow.is_browser:
            return
        named = dialog.named_server
        if named is not None:
            self.servers.expect(named)

    def send_request(self, request: Request, hop: Hop, on_response: OnResponse) -> SentRequest:
        """Send a request in a client transaction of its own; a large one by TCP where possible (§18.1.1)."""
        self._stamp(request, hop)
        if request.body and hop.transport == "udp" and len(request.to_bytes()) > LARGEST_DATAGRAM:
            by_tcp = Hop("tcp", hop.host, hop.port)
            if self._layer.takes_tcp(by_tcp):
                return self._layer.request(
                    self._restamped(request, by_tcp), by_tcp, on_response, otherwise=(request, hop)
                )
        return self._layer.request(request, hop, on_response)

    def _restamped(self, request: Request, hop: Hop) -> Request:
        """Return ``request`` with the Via of another transport."""
        request = request.copy()
        request.headers.remove("Via")
        self._stamp(request, hop)
        return request

    def _stamp(self, request: Request, hop: Hop) -> None:
        local = self.local_hop(hop)
        branch = f"z9hG4bK{self.new_token()}"
        request.put_via(
            Via(local.transport.upper(), local.address, local.port, (("branch", branch), ("rport", None)))
        )
        if "User-Agent" not in request.headers:
            request.headers.add("User-Agent", self.user_agent)

    def cancel_request(self, sent: SentRequest, reason: str | None) -> None:
        """Send the CANCEL of an INVITE (RFC 3261 §9.1)."""
        self._layer.request(cancel_for(sent.request, reason=reason), sent.hop, _ignore)

    def abandon_request(self, sent: SentRequest) -> None:
        """Forget a client transaction; its responses are strays from now on."""
        assert isinstance(sent, ClientCall)
        self._layer.abandon(sent.transaction)

    def send_ack(self, request: Request, hop: Hop) -> Sent:
        """Send the ACK of a 2xx, which has no transaction, and return it for repetition."""
        self._stamp(request, hop)
        return self._layer.send_untracked(request, hop)

    def send_again(self, sent: Sent) -> None:
        """Repeat it."""
        self._layer.send_again(sent)

    def open_dialog(self, dialog: Dialog, owner: DialogOwner) -> None:
        """Let requests within ``dialog`` reach ``owner``, instead of whoever owned it before."""
        self._dialogs[dialog.key] = owner

    def close_dialog(self, key: DialogKey) -> None:
        """Let requests within that dialog be answered 481."""
        if self._dialogs.pop(key, None) is None:
            return
        self._over[key] = self.now()
        if len(self._over) > MOST_OVER:
            self._over.popitem(last=False)

    def is_over(self, key: DialogKey) -> bool:
        """Return whether there was such a dialog until a short while ago (64*T1)."""
        return self._over.get(key, -math.inf) > self.now() - 64 * self.timers.t1

    def remember_invite(self, key: tuple[str, str], owner: InviteOwner) -> None:
        """Let late 2xx of that Call-ID and From tag reach ``owner``."""
        self._invites[key] = owner

    def forget_invite(self, key: tuple[str, str]) -> None:
        """Stop that."""
        self._invites.pop(key, None)

    # --- what comes in ------------------------------------------------------------------------------------

    def take_request(self, call: ServerCall) -> None:
        """Answer a request, or hand it to whoever does."""
        request = call.request
        if request.method == "CANCEL":
            self._take_cancel(call)
            return
        server = self._server(call)
        to_tag = request.to.tag
        unknown = request.option_tags("Require") - UNDERSTOOD - self.understood.get(request.method, _NONE)
        if unknown:  # Proxy-Require is none of our business: we are no proxy (§8.2.2.3)
            server.respond(420, headers=(("Unsupported", ", ".join(sorted(unknown))),))
        elif request.method != "INVITE" and "Replaces" in request.headers:
            server.respond(400, "Replaces belongs to INVITE")  # RFC 3891 §3
        elif to_tag:
            owner = self._dialogs.get((request.call_id, to_tag, request.from_.tag or ""))
            if owner is None:
                server.respond(481)
            else:
                owner.on_request(server)
        elif request.method in WITHIN_DIALOGS:
            server.respond(
                481
            )  # we know the method, but no dialog that it belongs to (§15.1.2, RFC 3311 §5.2)
        elif (request.call_id, request.from_.tag or "") in self._invites:
            server.respond(482)  # our own INVITE came back to us
        elif not _is_refused(call, server):
            self._take_new(call, server)

    def _server(self, call: ServerCall) -> ServerRequest:
        call.local_tag = self.new_token()

        def send(response: Response) -> None:
            if "Server" not in response.headers:
                response.headers.add("Server", self.user_agent)
            call.respond(response)

        return ServerRequest(call.request, call.source, local_tag=call.local_tag, send=send)

    def _take_new(self, call: ServerCall, server: ServerRequest) -> None:
        if server.request.method == "INVITE" and self.on_invite is not None:
            self._take_invite(call, server, self.on_invite)
        elif server.request.method != "INVITE" and self.on_request is not None:
            self.on_request(server)
        else:
            server.respond(405, headers=(("Allow", ALLOWED),))

    def _take_invite(
        self, call: ServerCall, server: ServerRequest, on_invite: Callable[[IncomingInvite], None]
    ) -> None:
        request = server.request
        if not _can_be_called(request):
            server.respond(400, "No Contact With a SIP Address")
            return
        if not is_readable(request):
            server.respond(415, headers=READABLE)
            return
        if not accepts_sdp(request):
            server.respond(406)
            return
        if is_too_short(request, self.session_timers):
            server.respond(422, headers=(("Min-SE", str(self.session_timers.least_s)),))
            return
        contact = self.contact(call.source, _user(request), is_secure=is_secure(request.uri))
        dialog = Dialog.from_request(request, local_tag=server.local_tag, source=call.source, contact=contact)
        try:
            invite = IncomingInvite(self, server, dialog)
        except MalformedMessage as error:
            server.respond(error.status, error.why)
            return
        call.take_back = invite.take_back
        on_invite(invite)

    def _take_cancel(self, call: ServerCall) -> None:
        """Answer CANCEL with the To tag of what it cancels (§9.2)."""
        cancelled = self._layer.invite_of(call.request)
        server = self._server(call)
        if cancelled is None:
            server.respond(481)
            return
        server.local_tag = cancelled.local_tag or server.local_tag
        server.respond(200)
        if cancelled.take_back is not None:
            cancelled.take_back(ending_before_answer(call.request))

    def take_ack(self, request: Request) -> None:
        """Hand the ACK of a 2xx to its dialog; any other is dropped."""
        owner = self._dialogs.get((request.call_id, request.to.tag or "", request.from_.tag or ""))
        if owner is not None:
            owner.on_ack(request)

    def take_stray(self, response: Response) -> None:
        """Hand a repeated or late 2xx to the dialog and to the INVITE that it may belong to."""
        local_tag = response.from_.tag or ""
        dialog = self._dialogs.get((response.call_id, local_tag, response.to.tag or ""))
        if dialog is not None:
            dialog.on_late_answer(response)
        invite = self._invites.get((response.call_id, local_tag))
        if invite is not None:
            invite.on_late_answer(response)

    def reply_failed(self, call: ServerCall) -> None:
        """End a waiting INVITE whose sender cannot be reached any more."""
        if call.take_back is not None:
            call.take_back(Ending("network", "the caller's network died"))

    def heard(self, source: Hop) -> None:
        """Tell who keeps count of the living."""
        if self.on_heard is not None:
            self.on_heard(source)

    def connection_lost(self, hop: Hop) -> None:
        """Tell whoever relies on being reached over it."""
        if self.on_connection_lost is not None:
            self.on_connection_lost(hop)


def _is_refused(call: ServerCall, server: ServerRequest) -> bool:
    """Return whether a new request fails the checks of RFC 3261 §8.2, and answer it then."""
    request = server.request
    if isinstance(request.target, OtherUri):
        server.respond(416)
    elif call.is_merged:
        server.respond(482)
    elif request.max_forwards == 0 and request.method != "OPTIONS":
        server.respond(483)
    else:
        return False
    return True


def _can_be_called(invite: Request) -> bool:
    """Return whether an INVITE names where later requests go (§8.1.1.8); those of RFC 2543 need not.

    RFC 4475 §3.4.1 wants the latter accepted; they are known by their branch.
    """
    if invite.contact is None:
        return not (invite.via.branch or "").startswith(MAGIC_COOKIE)
    return not isinstance(invite.contact.uri, OtherUri)


def _tokens() -> Iterator[str]:
    """Yield tokens of 64 bits, many of one call of the kernel, which takes longer than all else of them."""
    while True:
        drawn = secrets.token_hex(TOKENS_AT_ONCE * 8)
        for start in range(0, len(drawn), 16):
            yield drawn[start : start + 16]


def is_secure(uri: str) -> bool:
    """Return whether ``uri`` is a SIPS URI."""
    return uri[:5].lower() == "sips:"


def _user(request: Request) -> str | None:
    try:
        target = request.target
    except MalformedMessage:
        return None
    return target.user if isinstance(target, SipUri) else None


def _ignore(_response: Response) -> None:
    """CANCEL's own answer changes nothing: the INVITE's does (§9.1)."""
