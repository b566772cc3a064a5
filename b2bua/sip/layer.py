"""Transports, transactions and the one timer, tied to the loop; knows nothing of dialogs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from b2bua.errors import MalformedMessage
from b2bua.sip.alarms import Alarms
from b2bua.sip.core import OnResponse, Sent
from b2bua.sip.dead_targets import DeadTargets
from b2bua.sip.message import Request, Response, parse_message, response_to, validate
from b2bua.sip.pending import AnyClient, AnyServer, ClientCall, ServerCall, reply_hop
from b2bua.sip.timers import Timers
from b2bua.sip.transaction import (
    Acknowledged,
    ClientInviteTransaction,
    ClientTransaction,
    Event,
    Output,
    ServerInviteTransaction,
    ServerTransaction,
    TimedOut,
    TransactionTable,
    TransportFailed,
)
from b2bua.sip.transport.choice import Transports
from b2bua.sip.transport.hop import Hop, Transport

__all__ = ["ClientCall", "ServerCall", "TransactionLayer", "TransactionUser"]

SWITCH_S = 1.0
"""A peer that takes no TCP connection within this time gets its large request by UDP (§18.1.1)."""
UDP_ONLY_S = 600.0
"""So long TCP is not tried again with it."""
MOST_SERVERS = 50_000
"""A flood beyond that is met with silence, before it takes the memory of the calls that are up."""


class TransactionUser(Protocol):
    """Who is told what comes in (RFC 3261 §5); the endpoint."""

    def take_request(self, call: ServerCall) -> None:
        """Take a new request; its transaction waits for ``call.respond``."""

    def take_ack(self, request: Request) -> None:
        """Take an ACK that belongs to no transaction: to a 2xx."""

    def take_stray(self, response: Response) -> None:
        """Take a 2xx to an INVITE whose transaction is gone."""

    def reply_failed(self, call: ServerCall) -> None:
        """Take the news that no response reaches the sender of a request."""

    def heard(self, source: Hop) -> None:
        """Take the news that a message came from ``source`` that can be understood."""

    def connection_lost(self, hop: Hop) -> None:
        """Take the news that a connection is closed, or could not be opened."""


class TransactionLayer:
    """Turns bytes into transaction inputs and outputs into bytes; arms the loop's timer for all of them."""

    def __init__(self, user: TransactionUser, *, timers: Timers) -> None:
        self.alarms = Alarms(self._wake_at)
        self.timers = timers
        self.dead_targets = DeadTargets()
        self.transports = Transports()
        self._user = user
        self._table = TransactionTable(self._wake_at)
        self._clients: dict[AnyClient, ClientCall] = {}
        self._servers: dict[AnyServer, ServerCall] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        """Return the loop's time."""

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    # --- sending ------------------------------------------------------------------------------------------

    def transport_for(self, hop: Hop) -> Transport | None:
        """Return the transport that reaches ``hop``, or None."""
        return self.transports.toward(hop)

    def takes_tcp(self, hop: Hop) -> bool:
        """Return whether a large request may go to ``hop``: we have TCP, the peer did not refuse it."""
        return self.transport_for(hop) is not None and not self.dead_targets.is_dead(hop, now=self.now())

    def request(
        self,
        request: Request,
        hop: Hop,
        on_response: OnResponse,
        *,
        otherwise: tuple[Request, Hop] | None = None,
    ) -> ClientCall:
        """Send a request that has its Via already, in a transaction of its own.

        ``otherwise`` is sent in its stead when ``hop`` cannot be connected to.
        """
        call = ClientCall(self._transaction(request, hop), hop, self.transport_for(hop), on_response)
        call.otherwise = otherwise
        if otherwise is not None:
            call.patience = self.alarms.set(self.now() + SWITCH_S, lambda: self._stop_connecting(call))
        self._start(call)
        return call

    def _transaction(self, request: Request, hop: Hop) -> AnyClient:
        kind = ClientInviteTransaction if request.method == "INVITE" else ClientTransaction
        return kind(request, timers=self.timers, is_reliable=hop.is_reliable)

    def _start(self, call: ClientCall) -> None:
        self._clients[call.transaction] = call
        self._table.add(call.transaction)
        self._emit_client(call, call.transaction.start(self.now()))
        if call.transport is None:
            self._loop.call_soon(self._fail_client, call)

    def _stop_connecting(self, call: ClientCall) -> None:
        if call.otherwise is not None and call.transport is not None:
            call.transport.give_up(call.hop)

    def _send_otherwise(self, call: ClientCall, instead: Request, hop: Hop) -> None:
        """Go back to UDP for a peer that has no TCP (§18.1.1), and remember it."""
        self.dead_targets.note(call.hop, now=self.now(), seconds=UDP_ONLY_S)
        self._forget_client(call.transaction)
        call.settle()
        call.request, call.hop, call.transport = instead, hop, self.transport_for(hop)
        call.transaction = self._transaction(instead, hop)
        self._start(call)

    def abandon(self, transaction: AnyClient) -> None:
        """Forget a client transaction; its responses are strays from now on."""
        call = self._forget_client(transaction)
        if call is not None:
            call.end()

    def _forget_client(self, transaction: AnyClient) -> ClientCall | None:
        self._table.remove(transaction)
        return self._clients.pop(transaction, None)

    def send_untracked(self, request: Request, hop: Hop) -> Sent:
        """Send a request without a transaction: the ACK of a 2xx."""
        sent = Sent(request.to_bytes(), hop)
        self.send_again(sent)
        return sent

    def send_again(self, sent: Sent) -> None:
        """Repeat it."""
        transport = self.transport_for(sent.hop)
        if transport is not None:
            transport.send(sent.wire, sent.hop)

    def respond(self, call: ServerCall, response: Response) -> None:
        """Hand a response to the transaction of ``call``; once that is over it goes nowhere."""
        if response.status >= 200:
            call.settle()
        self._emit_server(call, call.transaction.respond(response, self.now()))

    # --- receiving ----------------------------------------------------------------------------------------

    def receive(self, wire: bytes, source: Hop, transport: Transport) -> None:
        """Take one message from a transport. What cannot be understood is answered 400 or dropped."""
        self.transports.heard(source, transport)
        try:
            message = parse_message(wire)
        except MalformedMessage:
            return
        try:
            validate(message)
            self._user.heard(source)
            if isinstance(message, Request):
                self._receive_request(message, source, transport)
            else:
                self._receive_response(message)
        except MalformedMessage as error:
            if isinstance(message, Request):
                _refuse_statelessly(message, error, source, transport)

    def _receive_response(self, response: Response) -> None:
        if _went_astray(response):
            return
        transaction = self._table.client_for(response)
        output = Output() if transaction is None else transaction.on_response(response, self.now())
        if transaction is not None:
            self._emit_client(self._clients[transaction], output)
        if not output.deliver and 200 <= response.status < 300 and response.cseq.method == "INVITE":
            self._user.take_stray(response)  # also one that a fork sends after another one's refusal

    def _receive_request(self, request: Request, source: Hop, transport: Transport) -> None:
        request.note_source(source.address, source.port)
        transaction = self._table.server_for(request)
        if transaction is not None:
            call = self._servers[transaction]
            self._emit_server(call, transaction.on_request(request, self.now()))
        elif request.method == "ACK":
            self._user.take_ack(request)
        else:
            self._open(request, source, transport)

    def _open(self, request: Request, source: Hop, transport: Transport) -> None:
        if len(self._servers) >= MOST_SERVERS:
            return
        kind = ServerInviteTransaction if request.method == "INVITE" else ServerTransaction
        transaction = kind(request, timers=self.timers, is_reliable=source.is_reliable)
        call = ServerCall(self, transaction, source, transport)
        call.is_merged = self._table.is_merged(transaction)
        self._servers[transaction] = call
        self._table.add(transaction)
        if request.method != "INVITE":
            due = self.now() + self.timers.timer_f
            call.deadline = self.alarms.set(due, lambda: self._forget_server(transaction))
        self._emit_server(call, transaction.start(self.now()))

    def _forget_server(self, transaction: AnyServer) -> None:
        """Drop a request that nobody answered while its sender still waited (RFC 4320 §4.2)."""
        self._servers.pop(transaction, None)
        self._table.remove(transaction)

    def invite_of(self, cancel: Request) -> ServerCall | None:
        """Return the INVITE that a CANCEL means (§9.2)."""
        transaction = self._table.invite_for(cancel)
        return None if transaction is None else self._servers.get(transaction)

    def destination_failed(self, hop: Hop, why: str, *, is_final: bool = True) -> None:
        """Fail what waits for an answer from ``hop``.

        A fault that may pass fails only new requests, which can go elsewhere: callers who wait and calls that
        are up survive it.
        """
        for client in [call for call in self._clients.values() if call.hop == hop]:
            if is_final or client.request.to.tag is None:
                self._fail_client(client, why)
        if is_final:
            for server in [call for call in self._servers.values() if call.is_lost_with(hop)]:
                self._user.reply_failed(server)
        if hop.is_reliable:
            self._user.connection_lost(hop)

    def _fail_client(self, call: ClientCall, why: str = "") -> None:
        if call.transaction not in self._clients:
            return
        if call.otherwise is not None:
            self._send_otherwise(call, *call.otherwise)
        else:
            self._emit_client(call, call.transaction.on_transport_error(self.now()), why)

    # --- outputs ------------------------------------------------------------------------------------------

    def _emit_client(self, call: ClientCall, output: Output, why: str = "") -> None:
        for message in output.send:
            call.send(message)
        if call.transaction.is_done:
            self._clients.pop(call.transaction, None)
        for event in output.deliver:
            response = _as_response(call.request, event, why)
            if response is not None:
                call.settle()
                if response.status >= 200:
                    self.dead_targets.judge(call.hop, response, now=self.now())
                call.on_response(response)
        if call.transaction.is_done:
            call.end()

    def _emit_server(self, call: ServerCall, output: Output) -> None:
        for message in output.send:
            call.send(message)
        if call.transaction.is_done:
            self._servers.pop(call.transaction, None)
        for event in output.deliver:
            if isinstance(event, Request):
                self._user.take_request(call)
            elif isinstance(event, Acknowledged):
                self._user.take_ack(event.request)

    # --- the timer ----------------------------------------------------------------------------------------

    def _wake_at(self, due: float) -> None:
        """Let the loop wake us at ``due`` at the latest; a deadline that moved back costs one idle wake."""
        if self._timer is not None:
            if self._timer_due <= due:  # noted here: uvloop's handle of a time that is past knows none
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self.now() + 1e-6  # a loop may call a hair early
        for transaction, output in self._table.fire(now):
            if isinstance(transaction, AnyClient):
                client = self._clients.get(transaction)
                if client is not None:
                    self._emit_client(client, output)
            else:
                server = self._servers.get(transaction)
                if server is not None:
                    self._emit_server(server, output)
        while (action := self.alarms.pop_due(now)) is not None:
            action()
        due = _earliest(self._table.next_timer(), self.alarms.next_time())
        if due is not None:
            self._wake_at(due)

    async def close(self) -> None:
        """Fail what still waits, stop the timer and release every address."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for call in tuple(self._clients.values()):
            self._fail_client(call)
        for transport in self.transports:
            await transport.close()
        self.transports.clear()


def _earliest(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _went_astray(response: Response) -> bool:
    """Return whether somebody before us asked for it: more than our own Via is in it (§8.1.3.3)."""
    headers = response.headers
    return headers.count("Via") > 1 or ("," in headers.first["via"] and len(response.vias) > 1)


def _as_response(request: Request, event: Event, why: str) -> Response | None:
    """Return the response that a client transaction's event stands for (§8.1.3.1), with our own reason."""
    if isinstance(event, Response):
        return event
    if not isinstance(event, (TimedOut, TransportFailed)):
        return None
    is_silent = isinstance(event, TimedOut)
    response = response_to(request, 408 if is_silent else 503, None if is_silent else why or None)
    response.is_local = True
    return response


def _refuse_statelessly(request: Request, error: MalformedMessage, source: Hop, transport: Transport) -> None:
    """Answer what broke the grammar, where its Via can be read as that asks (§18.2.2), else to its source.

    An ACK, or what has no Via, gets silence.
    """
    if request.method == "ACK" or "Via" not in request.headers:
        return
    why = "".join(char for char in error.why if char.isascii() and char.isprintable())[:80]
    response = response_to(request, error.status, why or None, to_tag="malformed")
    try:
        hop = source if source.is_reliable else reply_hop(request, source)
    except MalformedMessage:
        hop = source
    transport.send(response.to_bytes(), hop)
