"""The transaction layer, sans-IO: RFC 3261 §17 as corrected by RFC 6026."""

from b2bua.sip.transaction.base import (
    Acknowledged,
    Event,
    Output,
    TimedOut,
    Transaction,
    TransportFailed,
)
from b2bua.sip.transaction.client import ClientTransaction
from b2bua.sip.transaction.client_invite import ClientInviteTransaction, cancel_for
from b2bua.sip.transaction.key import client_key, server_key
from b2bua.sip.transaction.server import ServerTransaction
from b2bua.sip.transaction.server_invite import ServerInviteTransaction
from b2bua.sip.transaction.table import TransactionTable

__all__ = [
    "Acknowledged",
    "ClientInviteTransaction",
    "ClientTransaction",
    "Event",
    "Output",
    "ServerInviteTransaction",
    "ServerTransaction",
    "TimedOut",
    "Transaction",
    "TransactionTable",
    "TransportFailed",
    "cancel_for",
    "client_key",
    "server_key",
]
