"""All transactions of an endpoint: found by their key, fired by one heap of deadlines."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from b2bua.errors import WrongState
from b2bua.sip.message import Request, Response
from b2bua.sip.transaction.base import Output, Transaction
from b2bua.sip.transaction.client import ClientTransaction
from b2bua.sip.transaction.client_invite import ClientInviteTransaction
from b2bua.sip.transaction.key import Key, client_key, server_key
from b2bua.sip.transaction.server import ServerTransaction
from b2bua.sip.transaction.server_invite import ServerInviteTransaction

AnyClient = ClientInviteTransaction | ClientTransaction
AnyServer = ServerInviteTransaction | ServerTransaction


class TransactionTable:
    """Keeps a transaction from ``add`` until it is done; a moved timer leaves one stale heap entry."""

    def __init__(self, on_armed: Callable[[float], None] = lambda _: None) -> None:
        """``on_armed`` is told the time of each timer, so that somebody calls ``fire`` then."""
        self._tell = on_armed
        self._clients: dict[Key, AnyClient] = {}
        self._servers: dict[Key, AnyServer] = {}
        self._merged: dict[Key, AnyServer] = {}
        self._heap: list[tuple[float, int, Transaction]] = []
        self._serial = count()

    def __len__(self) -> int:
        """Return how many are alive."""
        return len(self._clients) + len(self._servers)

    def add(self, transaction: AnyClient | AnyServer) -> None:
        """Keep the transaction, best before it is started.

        Raises:
            WrongState: another one has its key.
        """
        if isinstance(transaction, AnyClient):
            is_new = self._clients.setdefault(transaction.key, transaction) is transaction
        else:
            is_new = self._servers.setdefault(transaction.key, transaction) is transaction
            self._merged.setdefault(transaction.merge_key, transaction)
        if not is_new:
            raise WrongState(f"two transactions for {transaction.key}")
        transaction.on_armed = self._on_armed
        transaction.on_done = self._on_done
        if transaction.next_timer is not None:
            self._on_armed(transaction, transaction.next_timer)

    def remove(self, transaction: AnyClient | AnyServer) -> None:
        """Forget the transaction, done or not."""
        if isinstance(transaction, AnyClient):
            self._clients.pop(transaction.key, None)
            return
        self._servers.pop(transaction.key, None)
        if self._merged.get(transaction.merge_key) is transaction:
            del self._merged[transaction.merge_key]

    def client_for(self, response: Response) -> AnyClient | None:
        """Return the transaction that the response answers (§17.1.3), or None."""
        return self._clients.get(client_key(response))

    def server_for(self, request: Request) -> AnyServer | None:
        """Return the transaction that the request repeats, or that its ACK ends (§17.2.3), or None."""
        return self._servers.get(server_key(request))

    def invite_for(self, cancel: Request) -> ServerInviteTransaction | None:
        """Return the INVITE that a CANCEL means (§9.2), or None."""
        found = self._servers.get(server_key(cancel, method="INVITE"))
        return found if isinstance(found, ServerInviteTransaction) else None

    def is_merged(self, transaction: AnyServer) -> bool:
        """Whether a new request without To tag is another's copy by another way: 482 (§8.2.2.2)."""
        found = self._merged.get(transaction.merge_key)
        return found is not None and found.key != transaction.key

    def next_timer(self) -> float | None:
        """Return when to call ``fire``, or None."""
        while self._heap and self._is_stale(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def fire(self, now: float) -> list[tuple[AnyClient | AnyServer, Output]]:
        """Return what each transaction whose timer is due does."""
        fired: list[tuple[AnyClient | AnyServer, Output]] = []
        while (at := self.next_timer()) is not None and at <= now:
            transaction = heappop(self._heap)[2]
            assert isinstance(transaction, AnyClient | AnyServer)
            fired.append((transaction, transaction.fire(now)))
        return fired

    def _is_stale(self, entry: tuple[float, int, Transaction]) -> bool:
        at, _, transaction = entry
        return transaction.next_timer != at

    def _on_armed(self, transaction: Transaction, at: float) -> None:
        heappush(self._heap, (at, next(self._serial), transaction))
        self._tell(at)

    def _on_done(self, transaction: Transaction) -> None:
        assert isinstance(transaction, AnyClient | AnyServer)
        self.remove(transaction)
