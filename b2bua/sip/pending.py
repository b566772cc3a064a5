"""Requests that wait for their answer: ours, and those of peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from b2bua.sip.alarms import Alarm
from b2bua.sip.core import OnResponse
from b2bua.sip.message import Message, Request, Response
from b2bua.sip.resolver import is_literal
from b2bua.sip.session.events import Ending
from b2bua.sip.transaction import (
    ClientInviteTransaction,
    ClientTransaction,
    ServerInviteTransaction,
    ServerTransaction,
)
from b2bua.sip.transport.addressing import is_private
from b2bua.sip.transport.hop import Hop, Transport

if TYPE_CHECKING:
    from b2bua.sip.layer import TransactionLayer

DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061

AnyClient = ClientInviteTransaction | ClientTransaction
AnyServer = ServerInviteTransaction | ServerTransaction


class ClientCall:
    """A request of ours under way."""

    __slots__ = ("hop", "on_response", "otherwise", "patience", "request", "transaction", "transport")

    def __init__(
        self, transaction: AnyClient, hop: Hop, transport: Transport | None, on_response: OnResponse
    ) -> None:
        self.transaction = transaction
        self.request = transaction.request
        self.hop = hop
        self.transport = transport
        self.on_response = on_response
        self.otherwise: tuple[Request, Hop] | None = None
        """The same request by UDP, as long as its TCP connection may fail."""
        self.patience: Alarm | None = None
        """Ends the waiting for that connection."""

    def settle(self) -> None:
        """Stay with what was sent: the peer has it, or nobody waits for it any more."""
        self.otherwise = None
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None

    def end(self) -> None:
        """Tell nobody any more: it is over, and who sent it may keep it without being kept by it."""
        self.settle()
        self.on_response = _ignore

    def send(self, message: Message) -> None:
        """Put one message on the wire."""
        if self.transport is not None:
            self.transport.send(message.to_bytes(), self.hop)


class ServerCall:
    """A request of a peer that is being answered."""

    __slots__ = (
        "_sent_by", "_sent_to", "deadline", "is_merged", "layer", "local_tag", "request", "source",
        "take_back", "transaction", "transport",
    )  # fmt: skip

    def __init__(
        self, layer: TransactionLayer, transaction: AnyServer, source: Hop, transport: Transport
    ) -> None:
        self.layer = layer
        self.transaction = transaction
        self.request = transaction.request
        self.source = source
        self.transport = transport
        self.is_merged = False
        self.deadline: Alarm | None = None
        self.local_tag = ""
        self.take_back: Callable[[Ending], None] | None = None
        """For an INVITE that waits: ends it for its sender."""
        self._sent_by = reply_hop(self.request, source)
        self._sent_to = self._sent_by

    def send(self, message: Message) -> None:
        """Put one response on the wire: over the connection it came by, else to sent-by (§18.2.2)."""
        is_connected = self.source.is_reliable and self.transport.is_connected(self.source)
        self._sent_to = self.source if is_connected else self._sent_by
        self.transport.send(message.to_bytes(), self._sent_to)

    def settle(self) -> None:
        """Take that it has its final response: nothing waits any more, nothing can be taken back."""
        if self.deadline is not None:
            self.deadline.cancel()
        self.take_back = None

    def respond(self, response: Response) -> None:
        """Hand a response to the transaction."""
        self.layer.respond(self, response)

    def is_lost_with(self, hop: Hop) -> bool:
        """Return whether a failure of ``hop`` means that responses cannot be delivered any more.

        A closed TCP connection does not: the next response opens one to sent-by. A browser's does.
        """
        if hop.is_browser:
            return hop == self.source
        return hop == self._sent_to and (not hop.is_reliable or hop == self._sent_by != self.source)


def _ignore(_response: Response) -> None:
    """A request that is over has nobody who waits for its responses."""


def reply_hop(request: Request, source: Hop) -> Hop:
    """Return where responses go when there is no connection (RFC 3261 §18.2.2, RFC 3581 §4).

    Who is behind a NAT is reached by no other port than the one that we see, whether they ask for it or not.
    """
    via = request.via
    is_behind_nat = via.host != source.host and is_private(via.host)
    if not source.is_reliable and (via.asks_rport or is_behind_nat):
        return source
    if source.is_browser:
        return source
    name = "" if is_literal(via.host) else via.host
    default_port = DEFAULT_TLS_PORT if source.is_secure else DEFAULT_PORT
    return Hop(source.transport, source.host, via.port or default_port, name)
